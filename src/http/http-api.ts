// Thread: main
/**
 * What stands before and around all endpoints: admission, the token, the answers to what nobody serves, and to what was
 * not foreseen. fastify's own logger, error texts and JSON readers are not used: they would log requests, and repeat
 * parts of them.
 */
import { fastify } from 'fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifyServerFactory } from 'fastify';
import { addEventsAPI } from './events-api.ts';
import { countStatus } from './http-figures.ts';
import { addMongooseIMEvents } from './mongooseim-events.ts';
import { sendJSON, sendProblem } from './problem.ts';
import { addPushIQAPI } from './push-iq-api.ts';
import { addRegistrationsAPI } from './registrations-api.ts';
import { isLongerThan } from './request-body.ts';
import { challenge, TokenCheck } from './token-check.ts';
import type { Clock } from '../core/clock.ts';
import type { EngineDoor } from './engine-door.ts';
import type { HttpBounds } from './http-bounds.ts';
import type { HttpFigures } from './http-figures.ts';
import type { SparseLog } from './sparse-log.ts';

/** What endpoints work with. */
export interface APIContext {
  readonly door: EngineDoor;
  readonly clock: Clock;
  /** How long an event may take until its publishes have ended, ms. */
  readonly replyMs: number;
  readonly receiverDomain: string;
  readonly bounds: HttpBounds;
  readonly figures: HttpFigures;
  /** All that the engine counts, at this moment; plain data. */
  readonly engineFigures: () => unknown;
}

export interface APIOptions {
  readonly context: APIContext;
  readonly token: string;
  readonly log: SparseLog;
  readonly serverFactory: FastifyServerFactory;
  /** Nothing new is taken any more. */
  readonly isClosing: () => boolean;
}

// Paths longer than the header may be never arrive.
const paramCharsMax = 16_384;

export function buildAPI(options: APIOptions): FastifyInstance {
  const { context, serverFactory, isClosing } = options;
  const api = fastify({
    logger: false,
    serverFactory,
    bodyLimit: context.bounds.httpBodyBytesMax,
    // server.close() does it, and our own close() waits: http-server.ts
    forceCloseConnections: false,
    routerOptions: { maxParamLength: paramCharsMax },
    frameworkErrors: (_error, _request, reply) => {
      sendProblem(reply, { error: 'invalid', message: 'the path is not percent-encoded UTF-8' });
    },
    clientErrorHandler: (error, socket) => {
      context.figures.invalid++;
      if (socket.writable && error.code !== 'ECONNRESET') socket.end(answerTo(error.code));
      else socket.destroy();
    },
  });
  api.removeAllContentTypeParsers();
  api.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  api.addHook('onRequest', admission(options));
  api.addHook('onSend', (request, reply, _payload, done) => {
    countStatus(context.figures, reply.statusCode);
    if (isClosing() || isLongerThan(context.bounds.httpDrainBytesMax, request.raw)) reply.header('connection', 'close');
    else if (!request.raw.complete) reply.removeHeader('connection');
    done();
  });
  api.setErrorHandler((error: Thrown, request, reply) => answerError({ error, request, reply, options }));
  api.setNotFoundHandler(answerUnknown);
  api.get(healthPath, (_request, reply) =>
    isClosing() ? sendJSON(reply, 503, { status: 'stopping' }) : sendJSON(reply, 200, { status: 'ok' }),
  );
  api.get(figuresPath, (_request, reply) => sendJSON(reply, 200, context.engineFigures()));
  addEventsAPI(api, context);
  addMongooseIMEvents(api, context);
  addPushIQAPI(api, context);
  addRegistrationsAPI(api, context);
  return api;
}

const healthPath = '/healthz';
/** Counts, depths and streams: no token, name or body of anybody is in them. */
const figuresPath = '/v1/figures';

type OnRequest = (request: FastifyRequest, reply: FastifyReply, done: () => void) => void;

/** In this order: may it come in at all, then who it is; its body has not been read yet. */
function admission({ context, token, log, isClosing }: APIOptions): OnRequest {
  const check = new TokenCheck(token);
  const { figures, bounds } = context;
  return (request, reply, done) => {
    if (request.routeOptions.url === healthPath) {
      done();
    } else if (isClosing()) {
      sendProblem(reply, { error: 'stopping', message: 'the server is stopping; send it again later' });
    } else if (figures.inFlight > bounds.httpRequestsMax) {
      sendProblem(reply, { error: 'overloaded', message: 'too many requests are under way; send it again later' });
    } else if (check.acceptsHeader(request.headers.authorization) || check.acceptsPath(request.url)) {
      done();
    } else {
      log.note('warn', {}, 'HTTP requests without the right token; compare http.token with what the callers send');
      reply.header('www-authenticate', challenge);
      const message = 'send the token of the configuration: `Authorization: Bearer TOKEN`, or as password of Basic';
      sendProblem(reply, { error: 'unauthorized', message });
    }
  };
}

/** By the framework, with both, or by an endpoint, with neither as a rule. */
type Thrown = Error & { readonly code?: string; readonly statusCode?: number };

interface Failure {
  readonly error: Thrown;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly options: APIOptions;
}

const framesMax = 5;

/** What the framework refused, or what an endpoint threw: of the latter nothing reaches the caller. */
function answerError({ error, request, reply, options }: Failure): FastifyReply {
  const { code = error.name } = error;
  const isFrameworks = code.startsWith('FST_') || request.raw.errored !== null;
  const status = isFrameworks ? (error.statusCode ?? 500) : 500;
  if (status === 413) {
    const message = `the body is longer than ${options.context.bounds.httpBodyBytesMax} bytes`;
    return sendProblem(reply, { error: 'too-large', message });
  }
  if (status >= 400 && status < 500) {
    return sendProblem(reply, { error: 'invalid', message: 'the body does not have the length it says' });
  }
  // The message of an error may repeat what was sent: only where it happened is told.
  const where = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const endpoint = `${request.method} ${request.routeOptions.url ?? ''}`;
  options.log.note('error', { endpoint, code, where: where.slice(0, framesMax) }, 'an HTTP request failed');
  return sendProblem(reply, { error: 'failed', message: 'the request failed; the log of the engine says where' });
}

/** All there is. `pattern` is for telling 405 from 404. */
const endpoints: readonly { readonly path: string; readonly pattern: RegExp; readonly methods: string }[] = [
  { path: healthPath, pattern: /^\/healthz$/, methods: 'GET, HEAD' },
  { path: figuresPath, pattern: /^\/v1\/figures$/, methods: 'GET, HEAD' },
  { path: '/v1/events', pattern: /^\/v1\/events$/, methods: 'POST' },
  { path: '/v1/mongooseim/events', pattern: /^\/v1\/mongooseim\/./, methods: 'POST' },
  { path: '/v1/iq', pattern: /^\/v1\/iq$/, methods: 'POST' },
  { path: '/v1/registrations', pattern: /^\/v1\/registrations$/, methods: 'PUT, DELETE, GET, HEAD' },
  { path: '/v1/accounts/JID', pattern: /^\/v1\/accounts\/[^/]+$/, methods: 'DELETE' },
  { path: '/v1/domains/DOMAIN', pattern: /^\/v1\/domains\/[^/]+$/, methods: 'DELETE' },
];

function answerUnknown(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const [path = ''] = request.url.split('?', 1);
  const known = endpoints.find(({ pattern }) => pattern.test(path));
  if (known === undefined) {
    const all = endpoints.map(({ path: endpoint, methods }) => `${methods} ${endpoint}`).join('; ');
    return sendProblem(reply, { error: 'not-found', message: `nothing is here; there are: ${all}` });
  }
  reply.header('allow', known.methods);
  return sendProblem(reply, { error: 'method-not-allowed', message: `${known.path} takes ${known.methods}` });
}

/** For what is not readable as a request, or not in time: written past the framework. */
function answerTo(code: string): string {
  const [status, error, message] =
    code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? ['408 Request Timeout', 'timeout', 'the request did not come in time']
      : code === 'HPE_HEADER_OVERFLOW'
        ? ['431 Request Header Fields Too Large', 'too-large', 'the header fields are too long']
        : ['400 Bad Request', 'invalid', 'this is not HTTP/1.1'];
  const body = JSON.stringify({ error, message });
  const fields = `content-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`;
  return `HTTP/1.1 ${status}\r\n${fields}connection: close\r\n\r\n${body}`;
}
