// Thread: any
/**
 * A fake of Google's FCM v1 gateway: TLS HTTP/2, OAuth access tokens, Google's message rules and error shapes, 100
 * streams per connection, and an end for clients that ping too often.
 * Firebase: "Send a message using FCM HTTP v1 API", "FCM error codes"; gRPC A8 for pings.
 */
import { constants } from 'node:http2';
import { newNotificationId } from '../core/random.ts';
import { FakeListener } from './fake-listener.ts';
import { badRequest, fcmError, htmlError, readMessage, statusOfFcmError } from './fcm-rules.ts';
import { GatewayScript } from './gateway-script.ts';
import { ReceivedLog } from './received-log.ts';
import type { Clock } from '../core/clock.ts';
import type { Random } from '../core/random.ts';
import type { IssuedCertificate } from './certificates.ts';
import type { FakeConnection } from './fake-connection.ts';
import type { FakeAnswer, FakeRequest, Rejection } from './fake-listener.ts';
import type { FcmMessage, FieldViolation } from './fcm-rules.ts';
import type { ScriptChange } from './gateway-script.ts';
import type { OAuthServer } from './oauth-server.ts';

export interface FcmGatewayOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly tls: IssuedCertificate;
  /** Who knows which access tokens are valid. */
  readonly oauth: Pick<OAuthServer, 'check'>;
  /** The projects that exist. */
  readonly projectIds: readonly string[];
  /** Streams of one connection; default 100. */
  readonly streamsMax?: number;
  /**
   * `true` (default): the limit is told in SETTINGS, and who exceeds it breaks the protocol. `false`: it is not told,
   * and exceeding it is answered by GOAWAY `exceeded_max_concurrent_streams`, as clients have seen it.
   */
  readonly announceStreams?: boolean;
  /** A PING sooner than this after the last, twice without a request between, ends the connection; default 10 000. */
  readonly pingMinMs?: number;
  /** Requests that are kept; default 1000. */
  readonly receivedMax?: number;
}

export interface FcmReceived {
  /** `''` if the message was malformed. */
  readonly deviceToken: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly payload: string;
  /** 0: not answered by the rules. */
  readonly status: number;
  /** `''` if accepted. */
  readonly reason: string;
  readonly connection: number;
  readonly atMs: number;
}

interface PingState {
  lastAtMs: number;
  strikes: number;
}

const streamsDefault = 100;
const pingMinDefaultMs = 10_000;
const pingStrikesMax = 2;
const receivedDefault = 1000;
const sendPath = /^\/v1\/projects\/([^/]+)\/messages:send$/;
// The scripted reason that stands for the HTML page of Google's front end.
const htmlReason = 'HTML';

export class FcmGateway {
  readonly received: ReceivedLog<FcmReceived>;
  readonly #options: FcmGatewayOptions;
  readonly #listener: FakeListener;
  readonly #pings = new WeakMap<FakeConnection, PingState>();
  readonly #dead = new Map<string, string>();
  // A request is asked about three times: by the script, by the rules, by the record.
  readonly #messages = new WeakMap<FakeRequest, ReturnType<typeof readMessage>>();
  #accepted = 0;

  constructor(options: FcmGatewayOptions) {
    this.#options = options;
    this.received = new ReceivedLog(options.receivedMax ?? receivedDefault);
    this.#listener = new FakeListener({
      clock: options.clock,
      tls: options.tls,
      script: new GatewayScript(options.random),
      ...(options.announceStreams === false ? {} : { settings: { maxConcurrentStreams: this.#streamsMax } }),
      rules: {
        idleDebug: 'session_timed_out',
        tokenOf: (request) => tokenOf(this.#messageOf(request)),
        answer: (request, scripted) => this.#answer(request, scripted),
        unanswered: (request) => this.#record(request, 0, ''),
        connected: (connection) => this.#pings.set(connection, { lastAtMs: -Infinity, strikes: 0 }),
        requested: (connection) => this.#requested(connection),
        pinged: (connection) => this.#pinged(connection),
      },
    });
  }

  get accepted(): number {
    return this.#accepted;
  }

  get connectionsTotal(): number {
    return this.#listener.connectionsTotal;
  }

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

  /**
   * A scripted rejection's `reason` is an FCM error code (`UNREGISTERED`, `QUOTA_EXCEEDED device`), a status without
   * FcmError (`NOT_FOUND`, `PERMISSION_DENIED`), or `HTML` for the page of a front end.
   */
  script(change: ScriptChange): void {
    this.#listener.apply(change);
  }

  /** From now on messages to the token are rejected with an FCM error code. */
  unregister(deviceToken: string, reason = 'UNREGISTERED'): void {
    this.#dead.set(deviceToken, reason);
  }

  get #streamsMax(): number {
    return this.#options.streamsMax ?? streamsDefault;
  }

  #requested(connection: FakeConnection): void {
    const pings = this.#pings.get(connection);
    if (pings !== undefined) {
      pings.strikes = 0;
      pings.lastAtMs = -Infinity;
    }
    if (this.#options.announceStreams === false && connection.open > this.#streamsMax) {
      const code = constants.NGHTTP2_NO_ERROR;
      connection.goaway({ code, debug: 'exceeded_max_concurrent_streams', open: 'finish' });
    }
  }

  #pinged(connection: FakeConnection): void {
    const pings = this.#pings.get(connection);
    if (pings === undefined) return;
    const nowMs = this.#options.clock.now();
    if (nowMs - pings.lastAtMs < (this.#options.pingMinMs ?? pingMinDefaultMs)) pings.strikes++;
    pings.lastAtMs = nowMs;
    if (pings.strikes < pingStrikesMax) return;
    connection.goaway({ code: constants.NGHTTP2_ENHANCE_YOUR_CALM, debug: 'too_many_pings', open: 'drop' });
  }

  #answer(request: FakeRequest, scripted: Rejection | undefined): FakeAnswer {
    const message = this.#messageOf(request);
    const refused = this.#check(request, message);
    if (refused !== undefined) return this.#reject(request, refused);
    const dead = this.#dead.get(tokenOf(message));
    if (dead !== undefined) {
      return this.#reject(request, { reason: dead, answer: fcmError(dead, statusOfFcmError(dead)) });
    }
    if (scripted !== undefined) {
      const { reason, status, fields } = scripted;
      const answer = reason === htmlReason ? htmlError(status, fields) : fcmError(reason, status, fields);
      return this.#reject(request, { reason, answer });
    }
    this.#accepted++;
    this.#record(request, 200, '');
    const [, projectId = ''] = sendPath.exec(request.path) ?? [];
    const name = `projects/${projectId}/messages/0:${newNotificationId(this.#options.random)}`;
    return {
      status: 200,
      fields: { 'content-type': 'application/json; charset=UTF-8' },
      body: JSON.stringify({ name }),
    };
  }

  #check(
    request: FakeRequest,
    message: FcmMessage | readonly FieldViolation[],
  ): { readonly reason: string; readonly answer: FakeAnswer } | undefined {
    const projectId = request.method === 'POST' ? sendPath.exec(request.path)?.[1] : undefined;
    if (projectId === undefined) return { reason: htmlReason, answer: htmlError(404) };
    const bearer = /^bearer (.+)$/i.exec(request.fields['authorization'] ?? '')?.[1] ?? '';
    const token = this.#options.oauth.check(bearer);
    if (token.kind === 'invalid') return { reason: 'UNAUTHENTICATED', answer: fcmError('UNAUTHENTICATED', 401) };
    if (!this.#options.projectIds.includes(projectId)) {
      return { reason: 'NOT_FOUND', answer: fcmError('NOT_FOUND', 404) };
    }
    if (token.projectId !== projectId) {
      return { reason: 'PERMISSION_DENIED', answer: fcmError('PERMISSION_DENIED', 403) };
    }
    return 'target' in message ? undefined : { reason: 'INVALID_ARGUMENT', answer: badRequest(message) };
  }

  #messageOf(request: FakeRequest): ReturnType<typeof readMessage> {
    const known = this.#messages.get(request) ?? readMessage(request.body);
    this.#messages.set(request, known);
    return known;
  }

  #reject(request: FakeRequest, refused: { readonly reason: string; readonly answer: FakeAnswer }): FakeAnswer {
    this.#record(request, refused.answer.status, refused.reason);
    return refused.answer;
  }

  #record(request: FakeRequest, status: number, reason: string): void {
    this.received.push({
      deviceToken: tokenOf(this.#messageOf(request)),
      fields: request.fields,
      payload: request.body,
      status,
      reason,
      connection: request.connection.id,
      atMs: this.#options.clock.now(),
    });
  }
}

function tokenOf(message: FcmMessage | readonly FieldViolation[]): string {
  return 'target' in message ? message.target : '';
}
