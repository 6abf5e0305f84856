// Thread: main
/**
 * `<enable/>` and `<disable/>` (XEP-0357 §5, §6) as MongooseIM reads them (mongooseim 2.2, 2.4), with what our own
 * answers are instead (xmpp 5.45). Stricter than data-form.ts on purpose: what is kept here goes into every publish, so
 * that a field with no value, or with two, is refused while the client can still be told. An error says which place is
 * wrong and never what was written there: values are tokens and secrets.
 */
import { bareJID, bareOf, domainOf, fullJID } from '../core/jid.ts';
import { parseNodeId } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import { err, ok } from '../core/result.ts';
import { fieldName, fitsField } from './data-form.ts';
import { ns } from './namespaces.ts';
import { readPreferences } from './enable-preferences.ts';
import { stanzaErrors, withText } from './stanza-errors.ts';
import { attribute, bequeaths, childOf, isElement, isHeir, textOf } from './xml.ts';
import type { EnabledAnswer, PublishOption, PushPreferences } from '../core/enabled.ts';
import type { BareJID, FullJID, NodeId } from '../core/ids.ts';
import type { Result } from '../core/result.ts';
import type { StanzaError } from './stanza-errors.ts';
import type { XmlElement } from './xml.ts';

export type PushIq =
  | {
      readonly kind: 'enable';
      readonly service: BareJID;
      readonly node: NodeId;
      readonly options: readonly PublishOption[];
      readonly preferences: PushPreferences;
    }
  | {
      readonly kind: 'disable';
      readonly service: BareJID;
      /** `''`: all nodes at that service. */
      readonly node: NodeId | '';
    }
  | { readonly kind: 'refused'; readonly error: StanzaError };

/**
 * @param child the only child of the IQ.
 * @param account whose registrations it is about: the bare JID of the sender.
 */
export function readPushIq(type: 'get' | 'set', child: XmlElement, account: BareJID): PushIq {
  const read = readChild(type, child, account);
  return read.ok ? read.value : { kind: 'refused', error: read.error };
}

/** Users act on their own accounts only: `to` is the sender's account, or its domain (mongooseim 2.1, xmpp 6.22). */
export function isForOwnAccount(sender: FullJID, to: string): boolean {
  const addressee = fullJID(to);
  const own: readonly string[] = [bareOf(sender), domainOf(sender)];
  return addressee.ok && own.includes(addressee.value);
}

/** The error to answer with; `undefined`: the empty result. */
export function enabledError(answer: EnabledAnswer): StanzaError | undefined {
  if (answer.kind !== 'refused') return undefined;
  if (answer.refusal === 'options') return withText(stanzaErrors.notAcceptable, answer.problem);
  return answer.refusal === 'store-failed' ? stanzaErrors.waitInternal : stanzaErrors.waitUnavailable;
}

type Read<T> = Result<T, StanzaError>;
type Accepted = Exclude<PushIq, { readonly kind: 'refused' }>;

function readChild(type: 'get' | 'set', child: XmlElement, account: BareJID): Read<Accepted> {
  if (type === 'get') return bad('push is enabled and disabled by an IQ of type set');
  if (isElement(child, 'enable', ns.push)) return readEnable(child, account);
  if (isElement(child, 'disable', ns.push)) return readDisable(child);
  return bad('the child must be <enable/> or <disable/>');
}

function readEnable(enable: XmlElement, account: BareJID): Read<Accepted> {
  const options = readOptions(childOf(enable, 'x', ns.data));
  if (!options.ok) return options;
  const node = readNode(attribute(enable, 'node') ?? '');
  if (!node.ok) return node;
  const service = readService(enable);
  if (!service.ok) return service;
  // A publish to it would come back to the account itself (xmpp 8.26).
  if (service.value === account) return bad("the attribute 'jid' is the account's own address, not a push service");
  const preferences = readPreferences(enable);
  if (!preferences.ok) return preferences;
  return ok({
    kind: 'enable',
    service: service.value,
    node: node.value,
    options: options.value,
    preferences: preferences.value,
  });
}

function readDisable(disable: XmlElement): Read<Accepted> {
  const name = attribute(disable, 'node');
  const node = name === undefined ? ok('' as const) : readNode(name);
  if (!node.ok) return node;
  const service = readService(disable);
  if (!service.ok) return service;
  return ok({ kind: 'disable', service: service.value, node: node.value });
}

function readNode(name: string): Read<NodeId> {
  const node = parseNodeId(name);
  if (node.ok) return node;
  return bad(`the attribute 'node' ${node.error === 'empty' ? 'is missing or empty' : 'is too long'}`);
}

/** Its resource is dropped. */
function readService(element: XmlElement): Read<BareJID> {
  const text = attribute(element, 'jid') ?? '';
  if (text === '') return bad("the attribute 'jid' is missing or empty");
  const service = bareJID(text);
  return service.ok ? service : bad("the attribute 'jid' is not a JID");
}

const noOptions: readonly PublishOption[] = Object.freeze([]);

function readOptions(x: XmlElement | undefined): Read<readonly PublishOption[]> {
  if (x === undefined) return ok(noOptions);
  if (attribute(x, 'type') !== 'submit') return bad("the form's type must be 'submit'");
  const inherits = bequeaths(x, ns.data);
  const values = new Map<string, string>();
  for (const child of x.children) {
    const name = fieldName(child, inherits);
    if (typeof child === 'string' || name === '') continue;
    const value = onlyValue(child, inherits);
    if (value === undefined) return bad(`the field '${shown(name)}' must have exactly one value`);
    if (!fitsField(name) || !fitsField(value)) return bad(`the field '${shown(name)}' is too long`);
    // The last one counts, at the place of the first.
    values.set(name, value);
  }
  if (values.get('FORM_TYPE') !== ns.pubsubPublishOptions) {
    return bad(`the form's FORM_TYPE must be ${ns.pubsubPublishOptions}`);
  }
  values.delete('FORM_TYPE');
  if (values.size > limits.enabledOptionsMax) return bad(`the form has more than ${limits.enabledOptionsMax} fields`);
  return ok(values.size === 0 ? noOptions : [...values]);
}

/** `undefined`: there is none, or more than one. */
function onlyValue(element: XmlElement, inherits: boolean): string | undefined {
  const passesOn = attribute(element, 'xmlns') === undefined ? inherits : bequeaths(element, ns.data);
  let found: string | undefined;
  for (const child of element.children) {
    if (typeof child === 'string' || !isHeir(child, 'value', ns.data, passesOn)) continue;
    if (found !== undefined) return undefined;
    found = textOf(child);
  }
  return found;
}

// Enough to recognise a field by; names come from strangers.
const shownCharacters = 40;

function shown(name: string): string {
  return name.length <= shownCharacters ? name : `${name.slice(0, shownCharacters)}...`;
}

function bad(text: string): Read<never> {
  return err(withText(stanzaErrors.badRequest, text));
}
