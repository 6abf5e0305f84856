// Thread: any
/**
 * A fake of Apple's gateway: TLS HTTP/2, Apple's checks in Apple's order, provider tokens or client certificates, one
 * stream until the first success. It keeps what it received and misbehaves as scripted.
 * Apple: "Sending notification requests to APNs", "Establishing a connection to APNs".
 */
import { FakeListener } from './fake-listener.ts';
import { GatewayScript } from './gateway-script.ts';
import { ReceivedLog } from './received-log.ts';
import { ApnsTokenVerifier } from './apns-token.ts';
import { apnsRejection, checkPayload, checkRequest, deviceTokenOf } from './apns-rules.ts';
import { readApnsCertificate } from '../core/apns-certificate.ts';
import { newNotificationId } from '../core/random.ts';
import type { Clock } from '../core/clock.ts';
import type { Random } from '../core/random.ts';
import type { ApnsKey, TokenBinding } from './apns-token.ts';
import type { ApnsRejection, DeadToken } from './apns-rules.ts';
import type { ApnsCertificate, ApnsEnvironment } from '../core/apns-certificate.ts';
import type { IssuedCertificate } from './certificates.ts';
import type { FakeConnection } from './fake-connection.ts';
import type { FakeAnswer, FakeRequest, Rejection } from './fake-listener.ts';
import type { ScriptChange } from './gateway-script.ts';

export interface ApnsGatewayOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly tls: IssuedCertificate;
  /** Keys whose tokens are valid. */
  readonly keys?: readonly ApnsKey[];
  /** Authority of client certificates; absent = certificates are not asked for. */
  readonly clientCaPem?: string;
  /** `sandbox` by default, as it alone sends `apns-unique-id`. */
  readonly environment?: ApnsEnvironment;
  /** MAX_CONCURRENT_STREAMS after the first success; default 1000. */
  readonly streamsMax?: number;
  /** Start with one stream, as Apple does for tokens; default true. Connections with a certificate start with all. */
  readonly startWithOneStream?: boolean;
  /** Down to one stream after a rejection, up again after a success; default false. */
  readonly shrinkAfterRejection?: boolean;
  /** Rejections, 410 not counted, after which a connection is closed; default 0: never. */
  readonly rejectionsMax?: number;
  /** Requests that are kept; default 1000. */
  readonly receivedMax?: number;
}

export interface ApnsReceived {
  /** Lower-case hex, `''` if the path had none. */
  readonly deviceToken: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly payload: string;
  /** 0: not answered by the rules (stalled, cut, malformed). */
  readonly status: number;
  /** `''` if accepted. */
  readonly reason: string;
  readonly connection: number;
  readonly atMs: number;
}

interface ConnectionState {
  /** `'untrusted'`: it presented one that our authority did not sign. */
  readonly certificate: ApnsCertificate | 'untrusted' | undefined;
  binding: TokenBinding | undefined;
  oneStream: boolean;
  rejections: number;
}

const streamsDefault = 1000;
const receivedDefault = 1000;
// Apple's own figures, seen on the wire.
const headerListBytesMax = 8000;

export class ApnsGateway {
  readonly received: ReceivedLog<ApnsReceived>;
  readonly #options: ApnsGatewayOptions;
  readonly #listener: FakeListener;
  readonly #verifier: ApnsTokenVerifier;
  readonly #states = new WeakMap<FakeConnection, ConnectionState>();
  readonly #dead = new Map<string, DeadToken>();
  readonly #topics = new Map<string, string>();
  #accepted = 0;

  constructor(options: ApnsGatewayOptions) {
    this.#options = options;
    this.received = new ReceivedLog(options.receivedMax ?? receivedDefault);
    this.#verifier = new ApnsTokenVerifier(options.keys ?? [], options.environment ?? 'sandbox');
    this.#listener = new FakeListener({
      clock: options.clock,
      tls: options.tls,
      script: new GatewayScript(options.random),
      settings: {
        maxConcurrentStreams: this.#startsWithOne ? 1 : this.#streamsMax,
        maxHeaderListSize: headerListBytesMax,
      },
      ...(options.clientCaPem === undefined ? {} : { clientCaPem: options.clientCaPem }),
      rules: {
        idleDebug: '{"reason":"IdleTimeout"}',
        tokenOf: (request) => deviceTokenOf(request.path),
        answer: (request, scripted) => this.#answer(request, scripted),
        unanswered: (request) => this.#record(request, 0, ''),
        connected: (connection) => this.#connected(connection),
      },
    });
  }

  get accepted(): number {
    return this.#accepted;
  }

  /** Connections since the start. */
  get connectionsTotal(): number {
    return this.#listener.connectionsTotal;
  }

  /** Open connections. */
  get connections(): number {
    return this.#listener.connections.length;
  }

  start(port = 0): Promise<{ readonly port: number }> {
    return this.#listener.start(port);
  }

  async stop(): Promise<void> {
    await this.#listener.stop();
    this.received.close();
  }

  script(change: ScriptChange): void {
    this.#listener.apply(change.kind === 'token' ? { ...change, token: change.token.toLowerCase() } : change);
  }

  /** From now on the token is answered 410. @param sinceMs when the gateway learnt it: the answer's `timestamp`. */
  unregister(deviceToken: string, sinceMs: number, reason: DeadToken['reason'] = 'Unregistered'): void {
    this.#dead.set(deviceToken.toLowerCase(), { sinceMs, reason });
  }

  /** From now on the token belongs to one topic: others are answered DeviceTokenNotForTopic. */
  bindTopic(deviceToken: string, topic: string): void {
    this.#topics.set(deviceToken.toLowerCase(), topic);
  }

  /** As in Apple's developer account. */
  revokeKey(keyId: string): void {
    this.#verifier.revoke(keyId);
  }

  get #streamsMax(): number {
    return this.#options.streamsMax ?? streamsDefault;
  }

  get #startsWithOne(): boolean {
    return this.#options.startWithOneStream ?? true;
  }

  #connected(connection: FakeConnection): void {
    const certificate = this.#options.clientCaPem === undefined ? undefined : certificateOf(connection);
    if (certificate !== undefined && this.#startsWithOne) connection.limitStreams(this.#streamsMax);
    const oneStream = this.#startsWithOne && certificate === undefined;
    this.#states.set(connection, { certificate, binding: undefined, oneStream, rejections: 0 });
  }

  #answer(request: FakeRequest, scripted: Rejection | undefined): FakeAnswer {
    const state = this.#states.get(request.connection);
    const rejection = state === undefined ? apnsRejection('InternalServerError') : this.#check(request, state);
    const nowMs = this.#options.clock.now();
    const id = request.fields['apns-id'] ?? newNotificationId(this.#options.random);
    // Else Node would say its own time.
    const fields = { 'apns-id': id, date: new Date(nowMs).toUTCString() };
    if (rejection !== undefined) {
      this.#rejected(request, state, rejection);
      return { status: rejection.status, fields, body: bodyOf(rejection) };
    }
    if (scripted !== undefined) {
      this.#rejected(request, state, scripted);
      const body = bodyOf({ ...scripted, timestampMs: scripted.status === 410 ? nowMs : 0 });
      return { status: scripted.status, fields: { ...fields, ...scripted.fields }, body };
    }
    this.#accepted++;
    if (state?.oneStream === true) {
      state.oneStream = false;
      request.connection.limitStreams(this.#streamsMax);
    }
    this.#record(request, 200, '');
    if (this.#options.environment === 'production') return { status: 200, fields, body: '' };
    const unique = newNotificationId(this.#options.random);
    return { status: 200, fields: { ...fields, 'apns-unique-id': unique }, body: '' };
  }

  #check(request: FakeRequest, state: ConnectionState): ApnsRejection | undefined {
    const { certificate } = state;
    const known = certificate === 'untrusted' || certificate === undefined ? '' : certificate.uid;
    const topic = request.fields['apns-topic'] ?? known;
    return (
      checkRequest(request, topic, { dead: this.#dead, topics: this.#topics }) ??
      (certificate === undefined
        ? this.#checkBearer(request, topic, state)
        : checkCertificate(certificate, request, { topic, environment: this.#options.environment ?? 'sandbox' })) ??
      checkPayload(request)
    );
  }

  #checkBearer(request: FakeRequest, topic: string, state: ConnectionState): ApnsRejection | undefined {
    const { binding } = state;
    const nowMs = this.#options.clock.now();
    const verdict = this.#verifier.check(request.fields['authorization'], { topic, nowMs, binding });
    if (!verdict.ok) return apnsRejection(verdict.reason);
    state.binding = verdict.binding;
    return undefined;
  }

  #rejected(
    request: FakeRequest,
    state: ConnectionState | undefined,
    { status, reason }: { readonly status: number; readonly reason: string },
  ): void {
    this.#record(request, status, reason);
    if (state === undefined) return;
    const { connection } = request;
    if (status !== 410) state.rejections++;
    if (goodbyes.has(reason) || state.rejections === this.#options.rejectionsMax) {
      const debug = JSON.stringify({ reason: goodbyes.has(reason) ? reason : 'Shutdown' });
      connection.goaway({ code: 0, debug, open: 'finish' });
    }
    if (this.#options.shrinkAfterRejection !== true || state.oneStream) return;
    state.oneStream = true;
    connection.limitStreams(1);
  }

  #record(request: FakeRequest, status: number, reason: string): void {
    this.received.push({
      deviceToken: deviceTokenOf(request.path),
      fields: request.fields,
      payload: request.body,
      status,
      reason,
      connection: request.connection.id,
      atMs: this.#options.clock.now(),
    });
  }
}

// Said in the GOAWAY too: nothing can be sent on such a connection.
const goodbyes: ReadonlySet<string> = new Set(['BadCertificate', 'BadCertificateEnvironment']);

function bodyOf({ reason, timestampMs }: { readonly reason: string; readonly timestampMs: number }): string {
  return JSON.stringify(timestampMs === 0 ? { reason } : { reason, timestamp: timestampMs });
}

function certificateOf({ socket }: FakeConnection): ApnsCertificate | 'untrusted' | undefined {
  const presented = socket.getPeerX509Certificate();
  if (presented === undefined) return undefined;
  return socket.authorized ? readApnsCertificate(presented) : 'untrusted';
}

// Apple, forum thread 712499; no certificate carries their topics.
const tokenOnly: ReadonlySet<string> = new Set(['liveactivity', 'location']);

function checkCertificate(
  certificate: ApnsCertificate | 'untrusted',
  { fields }: FakeRequest,
  { topic, environment }: { readonly topic: string; readonly environment: ApnsEnvironment },
): ApnsRejection | undefined {
  if (certificate === 'untrusted') return apnsRejection('BadCertificate');
  if (!certificate.environments.includes(environment)) return apnsRejection('BadCertificateEnvironment');
  if (tokenOnly.has(fields['apns-push-type'] ?? '')) return apnsRejection('TopicDisallowed');
  const { uid, topics } = certificate;
  const own = [...topics, uid, `${uid}.voip`, `${uid}.complication`];
  return own.includes(topic) ? undefined : apnsRejection('BadTopic');
}
