// Thread: main
/**
 * `POST /v1/mongooseim/...`: what MongooseIM's `http` event pusher sends (mongooseim 5.2), as it sends it. Its caller
 * is the sender's session, which stands still until the answer: that comes as soon as the engine has taken the event.
 * Any path will do after the prefix, with the token in it where the header cannot be set.
 */
import type { FastifyInstance } from 'fastify';
import { parseJID } from '../core/jid.ts';
import { err, ok } from '../core/result.ts';
import { parseForm } from './form-fields.ts';
import { sendProblem, sendRefusal } from './problem.ts';
import { accepting, bodyText } from './request-body.ts';
import type { APIContext } from './http-api.ts';
import type { EventResult } from '../core/event.ts';
import type { Result } from '../core/result.ts';

export function addMongooseIMEvents(api: FastifyInstance, context: APIContext): void {
  const { door, replyMs, figures, receiverDomain } = context;
  const onRequest = accepting('application/x-www-form-urlencoded');
  api.post('/v1/mongooseim/*', { onRequest }, async (request, reply) => {
    const text = bodyText(request);
    const event = text.ok ? eventOfForm(text.value, receiverDomain) : text;
    if (!event.ok) return sendProblem(reply, { error: 'invalid', message: event.error });
    figures.events++;
    const trouble = await firstTurn(door.onRawEvents([event.value], replyMs), context);
    if (trouble?.kind === 'invalid') return sendProblem(reply, { error: 'invalid', message: trouble.reason });
    if (trouble?.kind === 'refused') return sendRefusal(reply, trouble.reason);
    return reply.code(200).send();
  });
}

/** How the event ended if it ended at once, which means that it was not taken; `undefined`: it was. */
function firstTurn(
  ending: Promise<readonly EventResult[]>,
  { clock, figures }: APIContext,
): Promise<EventResult | undefined> {
  return new Promise((resolve, reject) => {
    let isTold = false;
    ending.then(([result]) => {
      if (isTold && result?.kind === 'refused') figures.refusedLate++;
      resolve(result);
    }, reject);
    clock.soon(() => {
      isTold = true;
      resolve(undefined);
    });
  });
}

interface FormEvent {
  readonly kind: 'message';
  readonly direction: 'out';
  readonly type: 'chat';
  readonly from: string;
  readonly to: string;
  readonly body: string;
}

/**
 * `author` and `receiver` are local parts, `server` is the author's domain. Fields besides the four are a custom
 * callback's own, and not looked at.
 *
 * @param receiverDomain `''`: that of the author.
 */
export function eventOfForm(text: string, receiverDomain: string): Result<FormEvent, string> {
  const form = parseForm(text);
  if (!form.ok) return form;
  const [author, server, receiver, body] = ['author', 'server', 'receiver', 'message'].map((name) =>
    form.value.get(name),
  );
  if (author === undefined) return err('author: missing');
  if (server === undefined) return err('server: missing');
  if (receiver === undefined) return err('receiver: missing');
  if (body === undefined) return err('message: missing');
  const domain = parseJID(server);
  if (!domain.ok || domain.value.local + domain.value.resource !== '') return err('server: is not a domain');
  const from = addressOf(author, domain.value.domain);
  if (from === undefined) return err('author: is not the local part of a JID');
  const to = addressOf(receiver, receiverDomain === '' ? domain.value.domain : receiverDomain);
  if (to === undefined) return err('receiver: is not the local part of a JID');
  return ok({ kind: 'message', direction: 'out', type: 'chat', from, to, body });
}

function addressOf(local: string, domain: string): string | undefined {
  const jid = parseJID(`${local}@${domain}`);
  const isOne = jid.ok && jid.value.local !== '' && jid.value.domain === domain && jid.value.resource === '';
  return isOne ? `${jid.value.local}@${domain}` : undefined;
}
