// Thread: any
/**
 * Any choice of the fake gateways, with one authority and ready-made credentials: what `meerkat demo` and the benches
 * start, in their own process or (gateways-process.ts) in another.
 */
import { unreachable } from '../core/assert.ts';
import { AnsweringGateway } from './answering-gateway.ts';
import { ApnsGateway } from './apns-gateway.ts';
import { makeApnsKey } from './apns-token.ts';
import { makeAuthority } from './certificates.ts';
import { FcmGateway } from './fcm-gateway.ts';
import { MongoosePushGateway } from './mongoosepush-gateway.ts';
import { makeServiceAccount, makeServiceAccountKey, OAuthServer } from './oauth-server.ts';
import type { Clock } from '../core/clock.ts';
import type { Random } from '../core/random.ts';
import type { Authority, IssuedCertificate } from './certificates.ts';
import type { ScriptChange } from './gateway-script.ts';

export type GatewayName = 'apns' | 'fcm' | 'oauth' | 'mongoosepush' | 'answering';

/** In the order in which they start: the key file for `fcm` names the port of `oauth`. */
export const gatewayNames: readonly GatewayName[] = ['oauth', 'apns', 'fcm', 'mongoosepush', 'answering'];

/** Plain data: it crosses a process boundary. */
export interface GatewaySetOptions {
  /** `fcm` brings `oauth` with it. */
  readonly gateways: readonly GatewayName[];
  /** Port of each; 0 or absent = any free one. */
  readonly ports?: Readonly<Partial<Record<GatewayName, number>>>;
  /** MAX_CONCURRENT_STREAMS of `answering`. */
  readonly answeringStreamsMax?: number;
  /** Body of every answer of `answering`. */
  readonly answeringBody?: string;
}

/** What an engine is configured with to be accepted by the fakes. Throw-away secrets. */
export interface GatewayCredentials {
  readonly apns: {
    readonly keyPem: string;
    readonly keyId: string;
    readonly teamId: string;
    readonly topic: string;
    readonly certificatePem: string;
    readonly certificateKeyPem: string;
  };
  /** Keys are `''` if neither `fcm` nor `oauth` was asked for: making one takes a while. */
  readonly fcm: {
    readonly projectId: string;
    readonly clientEmail: string;
    readonly privateKeyPem: string;
    readonly privateKeyId: string;
    readonly tokenUrl: string;
    /** The whole key file. */
    readonly serviceAccountJson: string;
  };
}

/** What is needed to connect. Ports of gateways that were not asked for are 0. */
export interface GatewaySetAccess {
  readonly ports: Readonly<Record<GatewayName, number>>;
  readonly caPem: string;
  readonly credentials: GatewayCredentials;
}

export interface GatewayCount {
  /** Requests that were read. */
  readonly received: number;
  readonly accepted: number;
  /** Open now. */
  readonly connections: number;
  readonly connectionsTotal: number;
}

export type GatewayCounts = Readonly<Record<GatewayName, GatewayCount>>;

/** One request, as a viewer wants it. */
export interface ReceivedSummary {
  /** Device token; for `oauth` the account. */
  readonly token: string;
  readonly payload: string;
  readonly status: number;
  readonly reason: string;
  readonly atMs: number;
}

interface Running {
  readonly stop: () => Promise<void>;
  readonly script: (change: ScriptChange) => void;
  readonly unregister: (token: string) => void;
  readonly count: () => GatewayCount;
  /** Newest last. */
  readonly recent: () => readonly ReceivedSummary[];
}

interface Ingredients {
  readonly clock: Clock;
  readonly random: Random;
  readonly tls: IssuedCertificate;
  readonly authority: Authority;
}

const apnsKey = { keyId: 'DEMOKEY123', teamId: 'DEMOTEAM12' } as const;
const topic = 'com.example.app';
const projectId = 'demo-project';
const noCount: GatewayCount = { received: 0, accepted: 0, connections: 0, connectionsTotal: 0 };

export class GatewaySet implements GatewaySetAccess {
  readonly ports: Readonly<Record<GatewayName, number>>;
  readonly caPem: string;
  readonly credentials: GatewayCredentials;
  readonly #running: ReadonlyMap<GatewayName, Running>;

  constructor(access: GatewaySetAccess, running: ReadonlyMap<GatewayName, Running>) {
    this.ports = access.ports;
    this.caPem = access.caPem;
    this.credentials = access.credentials;
    this.#running = running;
  }

  /** A gateway that was not started obeys in silence: nobody can tell the difference. */
  script(name: GatewayName, change: ScriptChange): void {
    this.#running.get(name)?.script(change);
  }

  /** The device token is dead from now on. For `oauth`: all access tokens issued so far. */
  unregister(name: GatewayName, token: string): void {
    this.#running.get(name)?.unregister(token);
  }

  counts(): GatewayCounts {
    const count = (name: GatewayName): GatewayCount => this.#running.get(name)?.count() ?? noCount;
    return {
      apns: count('apns'),
      fcm: count('fcm'),
      oauth: count('oauth'),
      mongoosepush: count('mongoosepush'),
      answering: count('answering'),
    };
  }

  /** The newest requests, oldest first. `answering` keeps none. */
  recent(name: GatewayName, countMax: number): readonly ReceivedSummary[] {
    return this.#running.get(name)?.recent().slice(-countMax) ?? [];
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.values()].map((gateway) => gateway.stop()));
  }
}

export async function startGatewaySet(
  options: GatewaySetOptions,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): Promise<GatewaySet> {
  const authority = await makeAuthority(clock);
  const [tls, client, key, accountKeyPem] = await Promise.all([
    authority.server(),
    authority.client({ topic, topics: [`${topic}.voip`] }),
    makeApnsKey(apnsKey),
    isWanted('oauth', options) ? makeServiceAccountKey() : '',
  ]);
  const ingredients = { clock, random, tls, authority };
  const ports: Record<GatewayName, number> = { apns: 0, fcm: 0, oauth: 0, mongoosepush: 0, answering: 0 };
  const running = new Map<GatewayName, Running>();
  const oauth = new OAuthServer({ clock, random, tls, accounts: [] });
  for (const name of gatewayNames.filter((one) => isWanted(one, options))) {
    const gateway = make(name, ingredients, { options, oauth, key });
    ports[name] = (await gateway.start(options.ports?.[name] ?? 0)).port;
    running.set(name, gateway.running);
  }
  const fcm = await fcmCredentials(ports.oauth, accountKeyPem, oauth);
  const credentials: GatewayCredentials = {
    apns: { ...apnsKey, topic, keyPem: key.keyPem, certificatePem: client.certPem, certificateKeyPem: client.keyPem },
    fcm,
  };
  return new GatewaySet({ ports, caPem: authority.caPem, credentials }, running);
}

async function fcmCredentials(
  oauthPort: number,
  keyPem: string,
  oauth: OAuthServer,
): Promise<GatewayCredentials['fcm']> {
  const tokenUrl = `https://127.0.0.1:${oauthPort}/token`;
  if (keyPem === '') {
    return { projectId, clientEmail: '', privateKeyPem: '', privateKeyId: '', tokenUrl: '', serviceAccountJson: '' };
  }
  const key = await makeServiceAccount({ projectId, tokenUri: tokenUrl, keyPem });
  oauth.addAccount(key);
  const { client_email: clientEmail, private_key_id: privateKeyId } = key.account;
  return { projectId, clientEmail, privateKeyPem: keyPem, privateKeyId, tokenUrl, serviceAccountJson: key.json };
}

function isWanted(name: GatewayName, { gateways }: GatewaySetOptions): boolean {
  return gateways.includes(name) || (name === 'oauth' && gateways.includes('fcm'));
}

interface Made {
  readonly start: (port: number) => Promise<{ readonly port: number }>;
  readonly running: Running;
}

interface MakeContext {
  readonly options: GatewaySetOptions;
  readonly oauth: OAuthServer;
  readonly key: Awaited<ReturnType<typeof makeApnsKey>>;
}

function make(name: GatewayName, ingredients: Ingredients, { options, oauth, key }: MakeContext): Made {
  switch (name) {
    case 'apns': {
      const gateway = new ApnsGateway({ ...ingredients, keys: [key], clientCaPem: ingredients.authority.caPem });
      const unregister = (token: string): void => gateway.unregister(token, ingredients.clock.now());
      return made(gateway, unregister, ({ deviceToken }) => deviceToken);
    }
    case 'fcm': {
      const gateway = new FcmGateway({ ...ingredients, oauth, projectIds: [projectId] });
      return made(
        gateway,
        (token) => gateway.unregister(token),
        ({ deviceToken }) => deviceToken,
      );
    }
    case 'mongoosepush': {
      const gateway = new MongoosePushGateway(ingredients);
      return made(
        gateway,
        (token) => gateway.unregister(token),
        ({ deviceId }) => deviceId,
      );
    }
    case 'oauth':
      return madeOAuth(oauth);
    case 'answering':
      return madeAnswering(ingredients, options);
    default:
      return unreachable(name);
  }
}

interface Recorded {
  readonly payload: string;
  readonly status: number;
  readonly reason: string;
  readonly atMs: number;
}

interface Recording<T> {
  readonly accepted: number;
  readonly connections: number;
  readonly connectionsTotal: number;
  readonly received: { readonly total: number; readonly items: readonly T[] };
  start(port: number): Promise<{ readonly port: number }>;
  stop(): Promise<void>;
  script(change: ScriptChange): void;
}

function made<T extends Recorded>(
  gateway: Recording<T>,
  unregister: (token: string) => void,
  tokenOf: (item: T) => string,
): Made {
  return {
    start: (port) => gateway.start(port),
    running: {
      stop: () => gateway.stop(),
      script: (change) => gateway.script(change),
      unregister,
      count: () => ({
        received: gateway.received.total,
        accepted: gateway.accepted,
        connections: gateway.connections,
        connectionsTotal: gateway.connectionsTotal,
      }),
      recent: () =>
        gateway.received.items.map((item) => ({
          token: tokenOf(item),
          payload: item.payload,
          status: item.status,
          reason: item.reason,
          atMs: item.atMs,
        })),
    },
  };
}

function madeOAuth(oauth: OAuthServer): Made {
  const isIssued = ({ status }: { readonly status: number }): boolean => status === 200;
  return {
    start: (port) => oauth.start(port),
    running: {
      stop: () => oauth.stop(),
      script: (change) => oauth.script(change),
      unregister: () => oauth.revokeAll(),
      count: () => ({
        ...noCount,
        received: oauth.received.total,
        accepted: oauth.received.items.filter(isIssued).length,
      }),
      recent: () =>
        oauth.received.items.map(({ clientEmail, status, error, atMs }) => ({
          token: clientEmail,
          payload: '',
          status,
          reason: error,
          atMs,
        })),
    },
  };
}

function madeAnswering(ingredients: Ingredients, options: GatewaySetOptions): Made {
  const { answeringStreamsMax: streamsMax, answeringBody: body } = options;
  const gateway = new AnsweringGateway({
    ...ingredients,
    ...(streamsMax === undefined ? {} : { streamsMax }),
    ...(body === undefined ? {} : { body }),
  });
  return {
    start: (port) => gateway.start(port),
    running: {
      stop: () => gateway.stop(),
      script: (change) => stallAnswers(gateway, change),
      unregister: () => undefined,
      count: () => ({
        received: gateway.requests,
        accepted: gateway.requests,
        connections: gateway.connections,
        connectionsTotal: gateway.connectionsTotal,
      }),
      recent: () => [],
    },
  };
}

/** Of the script this gateway knows the stalled share and the way back. */
function stallAnswers(gateway: AnsweringGateway, change: ScriptChange): void {
  if (change.kind === 'share' && change.behaviour.kind === 'stall') {
    gateway.stall({ share: change.share, answerAfterMs: change.behaviour.answerAfterMs });
  } else if (change.kind === 'all' && change.behaviour.kind === 'stall') {
    gateway.stall({ share: 1, answerAfterMs: change.behaviour.answerAfterMs });
  } else if (change.kind === 'reset') {
    gateway.stall({ share: 0, answerAfterMs: 0 });
  }
}
