// Thread: main
/**
 * `POST /v1/events`: message and status events in our own JSON (src/event/event-input.ts): one, an array of them, or
 * one in each line. The answer comes when all have ended, with one result for each, in order.
 */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { err, ok } from '../core/result.ts';
import { parseJSON } from './json-text.ts';
import { sendJSON, sendProblem, sendRefusal } from './problem.ts';
import { accepting, bodyText, contentTypeOf } from './request-body.ts';
import type { APIContext } from './http-api.ts';
import type { EventResult } from '../core/event.ts';
import type { Result } from '../core/result.ts';

const json = 'application/json';
const lines = 'application/x-ndjson';

interface Batch {
  readonly inputs: readonly unknown[];
  /** What is wrong with the text of an input; that input is then `undefined`. */
  readonly problems: ReadonlyMap<number, string>;
}

export function addEventsAPI(api: FastifyInstance, { door, replyMs, bounds, figures }: APIContext): void {
  api.post('/v1/events', { onRequest: accepting(json, lines) }, async (request, reply) => {
    const text = bodyText(request);
    if (!text.ok) return sendProblem(reply, { error: 'invalid', message: text.error });
    const batch = contentTypeOf(request) === lines ? readLines(text.value) : readJSON(text.value);
    if (!batch.ok) return sendProblem(reply, { error: 'invalid', message: batch.error });
    const { inputs, problems } = batch.value;
    if (inputs.length > bounds.httpEventsMax) {
      const message = `${inputs.length} events; send at most ${bounds.httpEventsMax} at a time`;
      return sendProblem(reply, { error: 'too-large', message });
    }
    figures.events += inputs.length;
    const results = [...(await door.onRawEvents(inputs, replyMs))];
    for (const [index, reason] of problems) results[index] = { kind: 'invalid', reason };
    return answer(reply, results);
  });
}

function readJSON(text: string): Result<Batch, string> {
  const value = parseJSON(text);
  if (!value.ok) return value;
  const inputs: readonly unknown[] = Array.isArray(value.value) ? value.value : [value.value];
  return ok({ inputs, problems: noProblems });
}

const noProblems: ReadonlyMap<number, string> = new Map();

/** A line that cannot be read costs its own event only; empty lines are none. */
function readLines(text: string): Result<Batch, string> {
  const inputs: unknown[] = [];
  const problems = new Map<number, string>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const value = parseJSON(line);
    if (!value.ok) problems.set(inputs.length, value.error.replace(/^line 1/, `line ${index + 1}`));
    inputs.push(value.ok ? value.value : undefined);
  }
  return inputs.length === 0 ? err('line 1, column 1: there is no event') : ok({ inputs, problems });
}

/** A status of its own only for what is true of all. */
function answer(reply: FastifyReply, results: readonly EventResult[]): FastifyReply {
  const [first] = results;
  if (first?.kind === 'refused' && results.every(({ kind }) => kind === 'refused')) {
    return sendRefusal(reply, first.reason, { results });
  }
  if (first?.kind === 'invalid' && results.every(({ kind }) => kind === 'invalid')) {
    const message = results.length === 1 ? first.reason : `none of them can be read; the first: ${first.reason}`;
    return sendProblem(reply, { error: 'invalid', message, more: { results } });
  }
  return sendJSON(reply, 200, { results });
}
