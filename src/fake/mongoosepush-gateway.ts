// Thread: any
/**
 * A fake of MongoosePush: HTTPS on HTTP/1.1 and HTTP/2, the three notification APIs with their validation and answers,
 * and the health check. It forwards nothing: a valid request is accepted, or ends as scripted.
 * MongoosePush 2.3: REST API, OpenAPI document.
 */
import { newNotificationId } from '../core/random.ts';
import { isObject } from './apns-token.ts';
import { FakeListener } from './fake-listener.ts';
import { GatewayScript } from './gateway-script.ts';
import { answerForReason, answerJson } from './mongoosepush-answers.ts';
import { castRequest, schemaError } from './mongoosepush-schema.ts';
import { ReceivedLog } from './received-log.ts';
import type { Clock } from '../core/clock.ts';
import type { Random } from '../core/random.ts';
import type { IssuedCertificate } from './certificates.ts';
import type { FakeAnswer, FakeRequest, Rejection } from './fake-listener.ts';
import type { ScriptChange } from './gateway-script.ts';
import type { ApiVersion, MongoosePushRequest, SchemaError } from './mongoosepush-schema.ts';

export interface MongoosePushGatewayOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly tls: IssuedCertificate;
  /** Requests that are kept; default 1000. */
  readonly receivedMax?: number;
  /** Default true. */
  readonly h2?: boolean;
}

export interface MongoosePushReceived {
  /** As in the path, percent-decoded; never validated, as in MongoosePush. */
  readonly deviceId: string;
  readonly version: ApiVersion;
  /** After casting; `undefined` if it was malformed. */
  readonly request: MongoosePushRequest | undefined;
  readonly payload: string;
  readonly fields: Readonly<Record<string, string>>;
  /** 0: not answered by the rules. */
  readonly status: number;
  /** `''` if accepted. */
  readonly reason: string;
  readonly connection: number;
  readonly atMs: number;
}

interface Route {
  readonly version: ApiVersion;
  readonly deviceId: string;
}

interface Pool {
  /** `apns_1`, `fcm_1`: the service it is of, and a number. */
  readonly name: string;
  readonly connected: number;
  readonly disconnected: number;
}

type Verdict =
  | { readonly kind: 'valid'; readonly request: MongoosePushRequest }
  | { readonly kind: 'refused'; readonly answer: FakeAnswer; readonly reason: string };

const receivedDefault = 1000;
const bodyBytesMax = 8_000_000;
const notificationPath = /^\/(v1|v2|v3)\/notification\/([^/?]+)$/;
const healthyPools: readonly Pool[] = [
  { name: 'apns_1', connected: 5, disconnected: 0 },
  { name: 'fcm_1', connected: 5, disconnected: 0 },
];

export class MongoosePushGateway {
  readonly received: ReceivedLog<MongoosePushReceived>;
  readonly #options: MongoosePushGatewayOptions;
  readonly #listener: FakeListener;
  readonly #dead = new Set<string>();
  #pools = healthyPools;
  #accepted = 0;
  #checks = 0;

  constructor(options: MongoosePushGatewayOptions) {
    this.#options = options;
    this.received = new ReceivedLog(options.receivedMax ?? receivedDefault);
    this.#listener = new FakeListener({
      clock: options.clock,
      tls: options.tls,
      script: new GatewayScript(options.random),
      http1: true,
      h2: options.h2 ?? true,
      rules: {
        idleDebug: '',
        tokenOf: (request) => routeOf(request)?.deviceId ?? '',
        answer: (request, scripted) => this.#answer(request, scripted),
        unanswered: (request) => this.#record(request, { status: 0, reason: '', cast: undefined }),
      },
    });
  }

  get accepted(): number {
    return this.#accepted;
  }

  /** Health checks that were asked for. */
  get checks(): number {
    return this.#checks;
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
   * A scripted rejection with status 0 is what a provider said (`BadDeviceToken`, `UNREGISTERED`) or what MongoosePush
   * itself met (`unable_to_connect`, `no_matching_pool`), translated for the API that was called. With another status,
   * that status and the reason as they are.
   */
  script(change: ScriptChange): void {
    this.#listener.apply(change);
  }

  /** From now on the provider says that this device is gone. */
  unregister(deviceId: string): void {
    this.#dead.add(deviceId);
  }

  /** What the health check tells and pushes go through; by default a healthy one of each service. */
  setPools(pools: readonly Pool[]): void {
    this.#pools = pools;
  }

  #answer(request: FakeRequest, scripted: Rejection | undefined): FakeAnswer {
    const answer = this.#route(request, scripted);
    return { ...answer, fields: { ...answer.fields, 'x-request-id': newNotificationId(this.#options.random) } };
  }

  #route(request: FakeRequest, scripted: Rejection | undefined): FakeAnswer {
    if (!acceptsJson(request.fields['accept'])) return answerJson(406, { errors: { detail: 'Not Acceptable' } });
    if (request.path === '/healthcheck' && request.method === 'GET') return this.#health();
    const route = routeOf(request);
    if (route === undefined || request.method !== 'POST') return { status: 404, fields: {}, body: '' };
    const verdict = judge(request, route.version);
    if (verdict.kind === 'refused') {
      const { answer, reason } = verdict;
      this.#record(request, { status: answer.status, reason, cast: undefined });
      return answer;
    }
    const cast = verdict.request;
    const reason = this.#reasonFor(route, cast, scripted);
    if (reason === '') {
      this.#accepted++;
      this.#record(request, { status: 200, reason, cast });
      return answerJson(200, null);
    }
    const answer =
      scripted !== undefined && scripted.status !== 0
        ? answerJson(scripted.status, route.version === 'v3' ? { reason } : { details: reason })
        : answerForReason(route.version, reason);
    this.#record(request, { status: answer.status, reason, cast });
    return { ...answer, fields: { ...answer.fields, ...scripted?.fields } };
  }

  #reasonFor(route: Route, cast: MongoosePushRequest, scripted: Rejection | undefined): string {
    if (scripted !== undefined) return scripted.reason;
    // The first that fits is taken, connected or not. Those of FCM are of mode prod, whatever is configured.
    const pool = this.#pools.find(({ name }) => name.startsWith(`${cast.service}_`));
    if (pool === undefined || (cast.service === 'fcm' && cast.fields['mode'] === 'dev')) return 'no_matching_pool';
    if (pool.connected === 0) return 'unable_to_connect';
    // FCM data must become text; MongoosePush notices by itself.
    const data = cast.fields['data'];
    if (cast.service === 'fcm' && isObject(data) && Object.values(data).some(isNested)) return 'invalid_notification';
    if (!this.#dead.has(route.deviceId)) return '';
    return cast.service === 'fcm' ? 'UNREGISTERED' : 'Unregistered';
  }

  #health(): FakeAnswer {
    this.#checks++;
    const time = new Date(this.#options.clock.now()).toISOString().replace('Z', '000Z');
    const checks = this.#pools.map(({ name, connected, disconnected }) => [
      `pool:${name}`,
      [{ status: connected === 0 ? 'fail' : 'pass', time, output: { connected, disconnected } }],
    ]);
    const failed = this.#pools.filter(({ connected }) => connected === 0).length;
    const status = failed === 0 ? 'pass' : failed === this.#pools.length ? 'fail' : 'warn';
    const description = 'Health of MongoosePush connections to FCM and APNS services';
    const body = { status, version: '2.3.0', description, checks: Object.fromEntries(checks) };
    // With no pool at all, every pool has failed.
    return answerJson(failed === this.#pools.length ? 503 : 200, body);
  }

  #record(
    request: FakeRequest,
    end: { readonly status: number; readonly reason: string; readonly cast: MongoosePushRequest | undefined },
  ): void {
    const route = routeOf(request);
    if (route === undefined) return;
    this.received.push({
      deviceId: route.deviceId,
      version: route.version,
      request: end.cast,
      payload: request.body,
      fields: request.fields,
      status: end.status,
      reason: end.reason,
      connection: request.connection.id,
      atMs: this.#options.clock.now(),
    });
  }
}

function routeOf({ path }: FakeRequest): Route | undefined {
  const [, version, segment = ''] = notificationPath.exec(path) ?? [];
  if (version !== 'v1' && version !== 'v2' && version !== 'v3') return undefined;
  try {
    return { version, deviceId: decodeURIComponent(segment) };
  } catch {
    return undefined;
  }
}

function acceptsJson(accept: string | undefined): boolean {
  if (accept === undefined || accept === '') return true;
  return accept.split(',').some((range) => {
    const [type = ''] = range.trim().toLowerCase().split(';');
    return type === '*/*' || type === 'application/*' || type === 'application/json';
  });
}

function judge(request: FakeRequest, version: ApiVersion): Verdict {
  if (request.bodyBytes > bodyBytesMax) {
    return { kind: 'refused', answer: { status: 413, fields: {}, body: '' }, reason: 'too large' };
  }
  const contentType = request.fields['content-type'];
  if (contentType === undefined) return unprocessable([schemaError('/content-type', 'Missing header: content-type')]);
  if (contentType.split(';')[0]?.trim().toLowerCase() !== 'application/json') {
    return unprocessable([schemaError('/content-type', 'Invalid value for header: content-type')]);
  }
  const parsed = parse(request.body);
  if (parsed === undefined) {
    return { kind: 'refused', answer: { status: 400, fields: {}, body: '' }, reason: 'malformed JSON' };
  }
  const cast = castRequest(version, parsed.value);
  return 'kind' in cast ? { kind: 'valid', request: cast } : unprocessable(cast);
}

function unprocessable(errors: readonly SchemaError[]): Verdict {
  return { kind: 'refused', answer: answerJson(422, { errors }), reason: errors[0]?.message ?? '' };
}

function parse(body: string): { readonly value: unknown } | undefined {
  try {
    return { value: body === '' ? {} : JSON.parse(body) };
  } catch {
    return undefined;
  }
}

function isNested(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
