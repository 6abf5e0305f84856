// Thread: any
/** Presence of a session as its server forwards it to us (XEP-0356 §7.1, RFC 6121 §4.7; xmpp 6.30). */
import { fullJID, resourceOf } from '../core/jid.ts';
import { ns } from './namespaces.ts';
import { attribute, childOf, textOf } from './xml.ts';
import type { StatusEvent } from '../core/event.ts';
import type { XmlElement } from './xml.ts';

const shows: ReadonlySet<string> = new Set(['away', 'chat', 'dnd', 'xa']);

/** `undefined`: says nothing about a session. */
export function readStatus(presence: XmlElement): StatusEvent | undefined {
  const type = attribute(presence, 'type');
  if (type !== undefined && type !== 'unavailable') return undefined;
  const jid = fullJID(attribute(presence, 'from') ?? '');
  if (!jid.ok || resourceOf(jid.value) === '') return undefined;
  const status = type === undefined && !isNegative(presence) ? 'online' : 'offline';
  const show = childOf(presence, 'show', ns.component);
  const word = show === undefined || status === 'offline' ? '' : textOf(show).trim();
  return { kind: 'status', jid: jid.value, status, clientState: 'unknown', show: shows.has(word) ? word : '' };
}

/** RFC 6121 §4.7.2.3: -128 to 127, 0 when it is not said. */
function isNegative(presence: XmlElement): boolean {
  const priority = childOf(presence, 'priority', ns.component);
  return priority !== undefined && /^\s*-0*[1-9]/.test(textOf(priority));
}
