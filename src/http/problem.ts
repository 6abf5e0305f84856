// Thread: main
/**
 * How a request that did not succeed is answered: a status, one word for programs, one sentence for people. Nothing of
 * the request is repeated beyond the name of a field.
 */
import type { FastifyReply } from 'fastify';
import { limits } from '../core/limits.ts';
import { truncateUtf8 } from '../core/utf8.ts';

export type ProblemWord =
  | 'invalid'
  | 'unauthorized'
  | 'not-found'
  | 'method-not-allowed'
  | 'timeout'
  | 'too-large'
  | 'unsupported-type'
  | 'failed'
  | 'overloaded'
  | 'store-failed'
  | 'stopping';

const statuses: Readonly<Record<ProblemWord, number>> = {
  invalid: 400,
  unauthorized: 401,
  'not-found': 404,
  'method-not-allowed': 405,
  timeout: 408,
  'too-large': 413,
  'unsupported-type': 415,
  failed: 500,
  overloaded: 503,
  'store-failed': 503,
  stopping: 503,
};

/** Answers; `more` stands beside `error` and `message`. 503 says when to come again. */
export function sendProblem(
  reply: FastifyReply,
  problem: { readonly error: ProblemWord; readonly message: string; readonly more?: Readonly<Record<string, unknown>> },
): FastifyReply {
  const { error, message, more = {} } = problem;
  const status = statuses[error];
  if (status === 503) reply.header('retry-after', String(limits.httpRetryAfterSeconds));
  return sendJSON(reply, status, { error, message, ...more });
}

/** The bytes are made here: the framework then looks for no serializer. */
export function sendJSON(reply: FastifyReply, status: number, value: unknown): FastifyReply {
  return reply.code(status).header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(value));
}

const refusals = {
  overloaded: 'too much is under way; send it again later',
  'store-failed': 'the store could not be read or written; send it again later',
  stopping: 'the engine is stopping; send it again later',
} as const;

/** The engine has not taken it, and nothing was done. */
export function sendRefusal(
  reply: FastifyReply,
  refusal: keyof typeof refusals,
  more: Readonly<Record<string, unknown>> = {},
): FastifyReply {
  return sendProblem(reply, { error: refusal, message: refusals[refusal], more });
}

const nameBytesMax = 64;

/** A field's name as it came, short enough for a sentence. */
export function shortName(name: string): string {
  return JSON.stringify(truncateUtf8(name, nameBytesMax));
}
