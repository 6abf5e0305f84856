// Thread: any
/**
 * Stanzas as text. Everything that leaves the engine is put together here, escaped and checked: one bad stanza costs
 * the whole stream and every IQ in flight on it (xmpp 1.10). No stanza carries `xmlns`: it inherits
 * jabber:component:accept (xmpp 1.9).
 */
import { ns } from './namespaces.ts';
import type { StanzaError } from './stanza-errors.ts';

// What may not stand in an attribute or text as it is; most values have none of it.
const special = /[&<>"'\r\n\t]/;
// Not a character of XML 1.0 (§2.2), lone surrogates included; such a character is dropped.
const illegal = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Cs}/gu;
const suspicious = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ud800-\udfff\ufffe\uffff]/;
// Either of the two: nearly all text has neither, and one look is half of two.
const notable = /[&<>"'\u0000-\u001f\ud800-\udfff\ufffe\uffff]/;

const entityOf: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  '\r': '&#13;',
  '\n': '&#10;',
  '\t': '&#9;',
};

/** Text or attribute value, escaped for both; characters that XML cannot carry are left out. */
export function escapeXml(text: string): string {
  if (!notable.test(text)) return text;
  const legal = suspicious.test(text) ? text.replace(illegal, '') : text;
  return special.test(legal) ? legal.replace(/[&<>"'\r\n\t]/g, (character) => entityOf[character] ?? '') : legal;
}

/** Whether XML can carry all of it: nothing of it would be left out. */
export function isXmlText(text: string): boolean {
  return !suspicious.test(text) || text.search(illegal) === -1;
}

/** The addresses of an answer: those of the request, swapped (xmpp 2.1, 2.2). */
export interface Addressed {
  readonly id: string;
  /** `to` of the request: our side. */
  readonly to: string;
  /** `from` of the request: the peer. */
  readonly from: string;
}

// A server sends from one address to one address all day: the last pair is kept, escaped.
const last = { to: '', from: '', xml: ` from='' to=''` };

function addresses({ to, from }: Addressed): string {
  if (last.to !== to || last.from !== from) {
    last.to = to;
    last.from = from;
    last.xml = ` from='${escapeXml(to)}' to='${escapeXml(from)}'`;
  }
  return last.xml;
}

function opening(type: 'result' | 'error', request: Addressed): string {
  return `<iq type='${type}' id='${escapeXml(request.id)}'${addresses(request)}`;
}

/** @param payload XML of the only child, already escaped; `''` for an empty result. */
export function iqResult(request: Addressed, payload: string): string {
  return payload === '' ? `${opening('result', request)}/>` : `${opening('result', request)}>${payload}</iq>`;
}

export function iqError(request: Addressed, error: StanzaError): string {
  return (
    `${opening('error', request)}><error type='${error.type}'>` +
    `<${error.condition} xmlns='${ns.stanzaErrors}'/>${error.detail}</error></iq>`
  );
}

/** An IQ of our own. `payload`: XML of its only child, already escaped. */
export function iqRequest(type: 'get' | 'set', id: string, from: string, to: string, payload: string): string {
  return `<iq type='${type}' id='${escapeXml(id)}' from='${escapeXml(from)}' to='${escapeXml(to)}'>${payload}</iq>`;
}
