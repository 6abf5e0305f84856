// Thread: main
/**
 * What a program says a user has enabled or disabled, checked as what comes over a wire is: the same bounds as
 * `<enable/>` has (mongooseim 2.2; xmpp 5.45, 8.26), because it is kept and goes into every publish. A problem names
 * the field and never what is in it: values are tokens and secrets.
 */
import { noPreferences } from '../core/enabled.ts';
import { parseNodeId } from '../core/ids.ts';
import { bareJID, fullJID, resourceOf } from '../core/jid.ts';
import { limits } from '../core/limits.ts';
import { err, ok } from '../core/result.ts';
import { fitsField } from '../xmpp/data-form.ts';
import { isXmlText } from '../xmpp/stanza.ts';
import { isFields } from './event-fields.ts';
import type { PublishOption } from '../core/enabled.ts';
import type { BareJID, NodeId } from '../core/ids.ts';
import type { Result } from '../core/result.ts';
import type { DisableServiceCommand, EnableCommand } from './commands.ts';

/** What a program says a user has enabled; the same as `<enable/>`. */
export interface EnableInput {
  /** The user's bare JID. */
  readonly owner: string;
  /** The push service. */
  readonly service: string;
  readonly node: string;
  /** publish-options: names and values. */
  readonly options?: Readonly<Record<string, string>>;
  /** Resource of the session that enables it. */
  readonly session?: string;
}

export interface DisableInput {
  readonly owner: string;
  readonly service: string;
  /** Left out: all nodes at that service. */
  readonly node?: string;
}

/** The error: `node: is empty`. */
export function enableOf(input: EnableInput): Result<Omit<EnableCommand, 'reply' | 'tag'>, string> {
  if (!isFields(input)) return err('a registration is an object');
  const { session = '', options = {} } = input;
  const key = keyOf(input.owner, input.service);
  if (!key.ok) return key;
  const { owner, service } = key.value;
  if (owner === service) return err("service: is the user's own address, not a push service");
  const node = nodeOf(input.node);
  if (!node.ok) return node;
  const resource = resourceFrom(session);
  if (resource === undefined) return err('session: is not a resource');
  const given = optionsOf(options);
  if (!given.ok) return given;
  return ok({
    ...{ kind: 'enable', owner, service, node: node.value, session: resource },
    ...{ options: given.value, preferences: noPreferences },
  });
}

export function disableOf(input: DisableInput): Result<Omit<DisableServiceCommand, 'reply' | 'tag'>, string> {
  if (!isFields(input)) return err('a registration is an object');
  const key = keyOf(input.owner, input.service);
  if (!key.ok) return key;
  if (input.node === undefined) return ok({ kind: 'disable-service', ...key.value, node: '' });
  const node = nodeOf(input.node);
  return node.ok ? ok({ kind: 'disable-service', ...key.value, node: node.value }) : node;
}

/** The bare JID of a user, nothing more and nothing less. */
export function accountOf(owner: unknown): Result<BareJID, string> {
  const jid = typeof owner === 'string' && !owner.includes('/') ? bareJID(owner) : undefined;
  return jid?.ok === true && jid.value.includes('@') ? jid : err('owner: is not a bare JID of a user');
}

function keyOf(user: unknown, at: unknown): Result<{ readonly owner: BareJID; readonly service: BareJID }, string> {
  const owner = accountOf(user);
  if (!owner.ok) return owner;
  const service = typeof at === 'string' ? bareJID(at) : err('not a text');
  return service.ok ? ok({ owner: owner.value, service: service.value }) : err(`service: ${service.error}`);
}

function nodeOf(name: unknown): Result<NodeId, string> {
  const node = typeof name === 'string' ? parseNodeId(name) : err('not a text');
  if (!node.ok) return err(`node: ${node.error}`);
  return isXmlText(node.value) ? node : err(`node: ${notXml}`);
}

/** Prepared, as presence has it; `undefined`: it is none. */
function resourceFrom(session: unknown): string | undefined {
  if (session === '') return '';
  const jid = typeof session === 'string' ? fullJID(`a/${session}`) : undefined;
  return jid?.ok === true ? resourceOf(jid.value) : undefined;
}

const notXml = 'holds a character that XML cannot carry';

function optionsOf(options: unknown): Result<readonly PublishOption[], string> {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) return err('options: not an object');
  const given: PublishOption[] = [];
  for (const [name, value] of Object.entries(options)) {
    const shown = JSON.stringify(name.slice(0, shownCharacters));
    if (name === '' || name === 'FORM_TYPE') return err(`options: ${shown} is no option`);
    if (typeof value !== 'string') return err(`options: the value of ${shown} is not a text`);
    if (!fitsField(name) || !fitsField(value)) return err(`options: ${shown} is too long`);
    if (!isXmlText(name) || !isXmlText(value)) return err(`options: ${shown} ${notXml}`);
    given.push([name, value]);
  }
  if (given.length > limits.enabledOptionsMax) return err(`options: there are more than ${limits.enabledOptionsMax}`);
  return ok(given);
}

// Enough to recognise a field by; names come from strangers.
const shownCharacters = 40;
