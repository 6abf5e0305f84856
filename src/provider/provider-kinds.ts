// Thread: any
/**
 * The kinds of provider there are: the one list to extend. A new kind is a line here, a type in the configuration, and
 * the compiler names every other place that must think about it.
 */
import { unreachable } from '../core/assert.ts';
import { gatewaySessionOpener } from '../transport/open-gateway-session.ts';
import { ApnsProvider } from './apns.ts';
import { createApnsCredentials } from './apns-jwt.ts';
import { BlackholeProvider } from './blackhole.ts';
import { FcmProvider } from './fcm.ts';
import { createGoogleCredentials } from './google-oauth.ts';
import { MongoosePushProvider } from './mongoosepush.ts';
import type {
  ApnsConfig,
  BlackholeConfig,
  FcmConfig,
  MongoosePushConfig,
  ProviderConfig,
} from '../../config/engine-config.ts';
import type { Clock } from '../core/clock.ts';
import type { CredentialSource, Provider, ProviderContext, ProviderKind } from './provider.ts';

const apns: ProviderKind<ApnsConfig> = {
  kind: 'apns',
  thread: 'worker',
  credentials: ({ auth }) => (auth.kind === 'token' ? createApnsCredentials(auth) : undefined),
  create: (config, context) => new ApnsProvider(config, context, gatewaySessionOpener(config.transport)),
};

const fcm: ProviderKind<FcmConfig> = {
  kind: 'fcm',
  thread: 'worker',
  credentials: createGoogleCredentials,
  create: (config, context) => new FcmProvider(config, context, gatewaySessionOpener(config.transport)),
};

const mongoosepush: ProviderKind<MongoosePushConfig> = {
  kind: 'mongoosepush',
  thread: 'worker',
  create: (config, context) => new MongoosePushProvider(config, context),
};

const blackhole: ProviderKind<BlackholeConfig> = {
  kind: 'blackhole',
  thread: 'worker',
  create: (config, context) => new BlackholeProvider(config, context),
};

/** Throws `E_CONFIG_UNREADABLE` when a file the configuration names cannot be read. */
export function createProvider(config: ProviderConfig, context: ProviderContext): Provider {
  switch (config.kind) {
    case 'apns':
      return apns.create(config, context);
    case 'fcm':
      return fcm.create(config, context);
    case 'mongoosepush':
      return mongoosepush.create(config, context);
    case 'blackhole':
      return blackhole.create(config, context);
    default:
      return unreachable(config);
  }
}

/** `undefined`: the provider needs no authorization field. Throws like `createProvider`. */
export function credentialSourceOf(config: ProviderConfig, clock: Clock): CredentialSource | undefined {
  switch (config.kind) {
    case 'apns':
      return apns.credentials?.(config, clock);
    case 'fcm':
      return fcm.credentials?.(config, clock);
    case 'mongoosepush':
    case 'blackhole':
      return undefined;
    default:
      return unreachable(config);
  }
}

/**
 * What a publishing thread may know of it: signing keys stay on the main thread, where authorization values are minted.
 * A client certificate and its key are needed by the connection itself and stay in.
 */
export function withoutSigningKeys(config: ProviderConfig): ProviderConfig {
  if (config.kind === 'fcm') return { ...config, privateKeyPem: '' };
  if (config.kind === 'apns' && config.auth.kind === 'token')
    return { ...config, auth: { ...config.auth, keyPem: '' } };
  return config;
}
