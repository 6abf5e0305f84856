/** Providers as the configuration gives them, for tests that put in what they are about. */
import { providerName } from './conformance/provider.ts';
import type { ApnsConfig, FcmConfig } from '../config/engine-config.ts';

const gateway = {
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
} as const;

/** Without a key. */
export const apnsConfig: ApnsConfig = {
  ...gateway,
  kind: 'apns',
  name: providerName('apns-prod'),
  auth: { kind: 'token', keyPem: '', keyId: 'ABC123DEFG', teamId: 'TEAM123456' },
  topic: 'com.example.app',
};

/** Without an account. */
export const fcmConfig: FcmConfig = {
  ...gateway,
  kind: 'fcm',
  name: providerName('fcm-demo'),
  projectId: 'demo-project',
  clientEmail: '',
  privateKeyPem: '',
  privateKeyId: '',
  quotaPerMinute: 600_000,
  tokenUrl: '',
};
