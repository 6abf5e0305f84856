// Thread: main
/**
 * `POST /v1/iq`: the `<iq>` with `<enable/>` or `<disable/>` that a user sent, handed over by a server that cannot
 * delegate `urn:xmpp:push:0`. The reply IQ comes back, an error stanza too: the server sends it on as it is.
 */
import type { FastifyInstance } from 'fastify';
import { parseStanza } from '../xmpp/parse-stanza.ts';
import { sendProblem } from './problem.ts';
import { accepting, bodyText } from './request-body.ts';
import type { APIContext } from './http-api.ts';

export function addPushIQAPI(api: FastifyInstance, { door }: APIContext): void {
  api.post('/v1/iq', { onRequest: accepting('text/xml', 'application/xml') }, async (request, reply) => {
    const text = bodyText(request);
    if (!text.ok) return sendProblem(reply, { error: 'invalid', message: text.error });
    const answer = await door.pushIQ(text.value);
    if (answer === undefined) return sendProblem(reply, { error: 'invalid', message: problemOf(text.value) });
    return reply.code(200).header('content-type', 'application/xml; charset=utf-8').send(answer);
  });
}

function problemOf(text: string): string {
  const stanza = parseStanza(text);
  return stanza.ok ? 'this is not an iq of a user with <enable/> or <disable/>' : stanza.error;
}
