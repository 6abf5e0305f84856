/** An FCM provider as the configuration gives it, without an account. */
import { providerName } from '../../conformance/provider.ts';
import type { FcmConfig } from '../../../config/engine-config.ts';

export const fcmConfig: FcmConfig = {
  kind: 'fcm',
  name: providerName('fcm-demo'),
  apps: [],
  tags: [],
  mode: 'prod',
  creditMax: 1_000,
  requestMs: 10_000,
  host: 'localhost',
  port: 443,
  caFile: '',
  sessionsMax: 2,
  transport: 'h2',
  proxyUrl: '',
  projectId: 'demo-project',
  clientEmail: '',
  privateKeyPem: '',
  privateKeyId: '',
  quotaPerMinute: 600_000,
  tokenUrl: '',
};
