// Thread: main
/**
 * `/v1/registrations`: what users have enabled, told by their server rather than by a stanza; `/v1/accounts/JID` and
 * `/v1/domains/DOMAIN`: the clean-up when those are removed (mongooseim 2.5). Values of publish-options are secrets and
 * never come back.
 */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { unreachable } from '../core/assert.ts';
import { limits } from '../core/limits.ts';
import { parseJID } from '../core/jid.ts';
import { hashForPeople } from '../core/redact.ts';
import { err, ok } from '../core/result.ts';
import { parseQuery } from './form-fields.ts';
import { parseJSON } from './json-text.ts';
import { sendJSON, sendProblem, sendRefusal, shortName } from './problem.ts';
import { accepting, bodyText } from './request-body.ts';
import type { APIContext } from './http-api.ts';
import type { EnabledAnswer, EnabledRegistration } from '../core/enabled.ts';
import type { EnableInput } from '../event/enable-input.ts';
import type { Result } from '../core/result.ts';

const path = '/v1/registrations';

export function addRegistrationsAPI(api: FastifyInstance, { door }: APIContext): void {
  api.put(path, { onRequest: accepting('application/json') }, async (request, reply) => {
    const text = bodyText(request);
    const json = text.ok ? parseJSON(text.value) : text;
    const input = json.ok ? enableInputOf(json.value) : json;
    if (!input.ok) return sendProblem(reply, { error: 'invalid', message: input.error });
    return answer(reply, await door.enable(input.value), 'written');
  });
  api.delete(path, async (request, reply) => {
    const query = queryOf(request.url, ['owner', 'service', 'node']);
    if (!query.ok) return sendProblem(reply, { error: 'invalid', message: query.error });
    const { owner = '', service = '', node } = query.value;
    const missing = owner === '' ? 'owner' : service === '' ? 'service' : node === '' ? 'node' : undefined;
    if (missing !== undefined) return sendProblem(reply, { error: 'invalid', message: `${missing}: missing` });
    return answer(reply, await door.disable({ owner, service, ...(node === undefined ? {} : { node }) }), 'removed');
  });
  api.get(path, async (request, reply) => {
    const query = queryOf(request.url, ['owner']);
    if (!query.ok) return sendProblem(reply, { error: 'invalid', message: query.error });
    const { owner = '' } = query.value;
    if (!isAccount(owner))
      return sendProblem(reply, { error: 'invalid', message: 'owner: is not a bare JID of a user' });
    const rows = await door.enabledOf(owner);
    if (rows === undefined) return sendRefusal(reply, 'store-failed');
    return sendJSON(reply, 200, { registrations: rows.map(shown) });
  });
  api.delete<{ Params: { jid: string } }>('/v1/accounts/:jid', async ({ params }, reply) => {
    if (isAccount(params.jid)) return answer(reply, await door.removeAccount(params.jid), 'removed');
    return sendProblem(reply, { error: 'invalid', message: 'the path does not end in the bare JID of a user' });
  });
  api.delete<{ Params: { domain: string } }>('/v1/domains/:domain', async ({ params }, reply) => {
    const jid = parseJID(params.domain);
    const isDomain = jid.ok && jid.value.local + jid.value.resource === '';
    if (isDomain) return answer(reply, await door.removeDomain(params.domain), 'removed');
    return sendProblem(reply, { error: 'invalid', message: 'the path does not end in a domain' });
  });
}

function isAccount(text: string): boolean {
  const jid = parseJID(text);
  return jid.ok && jid.value.local !== '' && jid.value.resource === '';
}

function answer(reply: FastifyReply, result: EnabledAnswer, verb: 'written' | 'removed'): FastifyReply {
  switch (result.kind) {
    case 'done':
      return sendJSON(reply, 200, { [verb]: result.count });
    case 'refused':
      if (result.refusal !== 'options') return sendRefusal(reply, result.refusal);
      return sendProblem(reply, { error: 'invalid', message: result.problem });
    case 'enabled-list':
      return sendJSON(reply, 200, { [verb]: result.rows.length });
    default:
      return unreachable(result);
  }
}

/** Names of options only; of the device token a hash, by which two rows can be told apart. */
function shown({ owner, service, node, options, session, enabledAtMs }: EnabledRegistration): unknown {
  const token = options.find(([name]) => name === 'device_id')?.[1];
  return {
    owner,
    service,
    node,
    options: options.map(([name]) => name),
    token: token === undefined ? '' : hashForPeople(token),
    session,
    enabledAt: new Date(enabledAtMs).toISOString(),
  };
}

/** A name that is not known is refused: `?nod=...` would otherwise disable every node. */
function queryOf<K extends string>(url: string, names: readonly K[]): Result<Partial<Record<K, string>>, string> {
  const query = parseQuery(url);
  if (!query.ok) return query;
  const found: Partial<Record<K, string>> = {};
  for (const [name, value] of query.value) {
    const known = names.find((candidate) => candidate === name);
    if (known === undefined) return err(`${shortName(name)}: unknown; there are ${names.join(', ')}`);
    found[known] = value;
  }
  return ok(found);
}

const fields = ['owner', 'service', 'node', 'session', 'options'];

/** Shapes only: what the values mean is the engine's to judge. */
function enableInputOf(value: unknown): Result<EnableInput, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return err('a registration is an object');
  const given = new Map<string, unknown>(Object.entries(value));
  for (const name of given.keys()) {
    if (!fields.includes(name)) return err(`${shortName(name)}: unknown; there are ${fields.join(', ')}`);
  }
  const texts = new Map<string, string>();
  for (const name of ['owner', 'service', 'node', 'session']) {
    const text = given.get(name) ?? (name === 'session' ? '' : undefined);
    if (text === undefined || (text === '' && name !== 'session')) return err(`${name}: missing`);
    if (typeof text !== 'string') return err(`${name}: not a text`);
    texts.set(name, text);
  }
  const options = optionsOf(given.get('options') ?? {});
  if (!options.ok) return options;
  const [owner = '', service = '', node = '', session = ''] = texts.values();
  return ok({ owner, service, node, session, options: options.value });
}

function optionsOf(value: unknown): Result<Readonly<Record<string, string>>, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return err('options: not an object');
  const entries: [string, string][] = [];
  for (const [name, text] of Object.entries(value)) {
    if (name === '' || name === 'FORM_TYPE' || isTooLong(name))
      return err(`options: ${shortName(name)}: no such option`);
    if (typeof text !== 'string') return err(`options: ${shortName(name)}: not a text`);
    if (isTooLong(text)) return err(`options: ${shortName(name)}: longer than ${limits.fieldBytesMax} bytes`);
    entries.push([name, text]);
  }
  if (entries.length > limits.enabledOptionsMax) return err(`options: more than ${limits.enabledOptionsMax}`);
  return ok(Object.fromEntries(entries));
}

function isTooLong(text: string): boolean {
  return Buffer.byteLength(text) > limits.fieldBytesMax;
}
