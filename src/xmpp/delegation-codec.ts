// Thread: main
/**
 * Namespace delegation (XEP-0355; xmpp 6.10 to 6.24) as the managing entity speaks it. Every answer is an outer result
 * in the version of the question, with the errors inside: for an outer error ejabberd never answers its client. Not one
 * space may stand between the elements, and the inner IQ must say its namespace: Prosody drops everything else without
 * a word (xmpp 6.13).
 */
import { bareOf } from '../core/jid.ts';
import { limits } from '../core/limits.ts';
import { fitsField } from './data-form.ts';
import { preferenceFeatures } from './enable-preferences.ts';
import { ns } from './namespaces.ts';
import { escapeXml, iqResult } from './stanza.ts';
import { attribute, childElements, childrenOf, isElement, localName, namespaceOf } from './xml.ts';
import type { StanzaError } from './stanza-errors.ts';
import type { Addressed } from './stanza.ts';
import type { XmlElement } from './xml.ts';

export type DelegationNamespace = typeof ns.delegation1 | typeof ns.delegation2;

const versions: readonly DelegationNamespace[] = [ns.delegation1, ns.delegation2];

/** Which version of delegation the element belongs to; `undefined`: it is no delegation that we know. */
export function delegationOf(element: XmlElement): DelegationNamespace | undefined {
  if (localName(element) !== 'delegation') return undefined;
  const namespace = namespaceOf(element);
  return versions.find((version) => version === namespace);
}

/** What an answer to a forwarded IQ needs. */
export interface ForwardedIq {
  readonly namespace: DelegationNamespace;
  /** Of the inner IQ, as they arrived; `''` where nothing was said. */
  readonly inner: Addressed;
}

export interface ReadForwarded {
  readonly iq: ForwardedIq;
  /** As it arrived, `''` if there is none. */
  readonly type: string;
  /** The inner IQ's only child; `undefined`: there is not exactly one, or what was forwarded is not one IQ. */
  readonly child: XmlElement | undefined;
}

/** @param delegation `<delegation/>` of that namespace. */
export function readForwarded(delegation: XmlElement, namespace: DelegationNamespace): ReadForwarded {
  const forwarded = only(delegation);
  const stanza = forwarded === undefined ? undefined : only(forwarded);
  const isIq =
    forwarded !== undefined &&
    stanza !== undefined &&
    isElement(forwarded, 'forwarded', ns.forward) &&
    isElement(stanza, 'iq', ns.client);
  // An answer can only be brought home by the inner addresses, so they are read even where nothing else is right.
  const outermost = stanza ?? childElements(childElements(delegation)[0] ?? delegation)[0] ?? delegation;
  const inner = {
    id: mirrored(outermost, 'id', limits.iqIdBytesMax),
    from: mirrored(outermost, 'from', jidBytesMax),
    to: mirrored(outermost, 'to', jidBytesMax),
  };
  const child = isIq ? only(stanza) : undefined;
  return { iq: { namespace, inner }, type: attribute(outermost, 'type') ?? '', child };
}

const jidBytesMax = 3 * limits.jidPartBytesMax + 2;

/** What is longer than it may be is left out: with it, the answer could be too long to leave. */
function mirrored(element: XmlElement, name: string, bytesMax: number): string {
  const value = attribute(element, name) ?? '';
  return fitsField(value, bytesMax) ? value : '';
}

function only(element: XmlElement): XmlElement | undefined {
  const children = childElements(element);
  return children.length === 1 ? children[0] : undefined;
}

/** The inner IQ was granted. */
export function forwardedResult(request: Addressed, iq: ForwardedIq): string {
  return iqResult(request, wrapped(iq, `${innerOpening('result', iq)}/>`));
}

/** The inner IQ was refused. */
export function forwardedError(request: Addressed, iq: ForwardedIq, error: StanzaError): string {
  const inner =
    `${innerOpening('error', iq)}><error type='${error.type}'>` +
    `<${error.condition} xmlns='${ns.stanzaErrors}'/>${error.detail}</error></iq>`;
  return iqResult(request, wrapped(iq, inner));
}

function wrapped({ namespace }: ForwardedIq, inner: string): string {
  return `<delegation xmlns='${namespace}'><forwarded xmlns='${ns.forward}'>${inner}</forwarded></delegation>`;
}

/** From whom the client has asked: Prosody leaves out what the client did, and then it was his own account (6.14). */
function innerOpening(type: 'result' | 'error', { inner }: ForwardedIq): string {
  const { id, from, to } = inner;
  const asked = to === '' ? bareOf(from) : to;
  const addresses = attributeXml('id', id) + attributeXml('from', asked) + attributeXml('to', from);
  return `<iq xmlns='${ns.client}' type='${type}'${addresses}`;
}

function attributeXml(name: string, value: string): string {
  return value === '' ? '' : ` ${name}='${escapeXml(value)}'`;
}

export interface Delegated {
  readonly version: DelegationNamespace;
  /** The namespaces that are ours. */
  readonly namespaces: readonly string[];
}

/** `undefined`: the message does not speak of delegation. */
export function readDelegated(message: XmlElement): Delegated | undefined {
  for (const child of childElements(message)) {
    const version = delegationOf(child);
    if (version === undefined) continue;
    const entries = childrenOf(child, 'delegated', version);
    return { version, namespaces: entries.map((entry) => attribute(entry, 'namespace') ?? '') };
  }
  return undefined;
}

// What an account says it can do, for its server has us do it (xmpp 3.12).
const accountFeatures = [ns.push, ...preferenceFeatures].map((feature) => `<feature var='${feature}'/>`).join('');

const infos: ReadonlyMap<string, string> = new Map(
  versions.flatMap((version): [string, string][] => [
    // Nothing for the server itself, which does not take registrations; but it waits for an answer (xmpp 6.10).
    [`${version}::${ns.push}`, ''],
    [`${version}:bare:${ns.push}`, accountFeatures],
  ]),
);

/**
 * disco#info by which a server asks what to say in our name (XEP-0355 §7.2). ejabberd delegates only once both are
 * answered. `undefined`: not a node of this kind.
 */
export function delegationInfoXml(node: string): string | undefined {
  const features = infos.get(node);
  if (features === undefined) return undefined;
  const opening = `<query xmlns='${ns.discoInfo}' node='${node}'`;
  return features === '' ? `${opening}/>` : `${opening}>${features}</query>`;
}
