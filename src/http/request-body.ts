// Thread: main
/**
 * What may be in the body of a request: looked at before a byte of it is read (type, encoding), and afterwards (UTF-8).
 */
import { isUtf8 } from 'node:buffer';
import { err, ok } from '../core/result.ts';
import { sendProblem } from './problem.ts';
import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify';
import type { IncomingMessage } from 'node:http';
import type { Result } from '../core/result.ts';

type OnRequest = (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => void;

/** Refuses every content type but these, any charset but UTF-8, and compressed bodies. */
export function accepting(...types: readonly string[]): OnRequest {
  return (request, reply, done) => {
    const { 'content-encoding': encoding = 'identity' } = request.headers;
    const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(request.headers['content-type'] ?? '')?.[1] ?? 'utf-8';
    if (types.includes(contentTypeOf(request)) && /^utf-?8$/i.test(charset) && encoding.toLowerCase() === 'identity') {
      done();
      return;
    }
    const message = `send ${types.join(' or ')}, in UTF-8, not compressed`;
    sendProblem(reply, { error: 'unsupported-type', message });
  };
}

/** Without parameters, lower case; `''` if there is none. */
export function contentTypeOf(request: FastifyRequest): string {
  return (request.headers['content-type'] ?? '').split(';', 1).join('').trim().toLowerCase();
}

/** The body as text; a request without one has the empty text. */
export function bodyText(request: FastifyRequest): Result<string, string> {
  const { body } = request;
  if (!Buffer.isBuffer(body)) return ok('');
  return isUtf8(body) ? ok(body.toString('utf8')) : err('the body is not UTF-8');
}

/** Whether what is left of the body is too much to be read away, or may be. */
export function isLongerThan(bytes: number, request: IncomingMessage): boolean {
  if (request.complete) return false;
  if (request.headers['transfer-encoding'] !== undefined) return true;
  return Number(request.headers['content-length'] ?? 0) > bytes;
}
