// Thread: main
/**
 * An `<iq>` of a client about push, handed over as a whole by its server (mongooseim 2.1): who asks, for which account,
 * and what. The account is always the sender's own; a request addressed to anybody else is refused.
 */
import { bareOf, fullJID, resourceOf } from '../core/jid.ts';
import { preparedBareJID } from '../core/ids.ts';
import { isForOwnAccount, readPushIq } from '../xmpp/enable-codec.ts';
import { stanzaErrors } from '../xmpp/stanza-errors.ts';
import { attribute, childElements, localName } from '../xmpp/xml.ts';
import type { BareJID } from '../core/ids.ts';
import type { PushIq } from '../xmpp/enable-codec.ts';
import type { Addressed } from '../xmpp/stanza.ts';
import type { XmlElement } from '../xmpp/xml.ts';

export interface PushRequest {
  readonly request: Addressed;
  readonly account: BareJID;
  /** Resource of the session that asks. */
  readonly session: string;
  readonly asked: PushIq;
}

/** `undefined`: no IQ request, or nobody it could be answered to. */
export function readPushRequest(iq: XmlElement): PushRequest | undefined {
  const type = attribute(iq, 'type');
  const id = attribute(iq, 'id') ?? '';
  const from = attribute(iq, 'from') ?? '';
  const sender = fullJID(from);
  if (localName(iq) !== 'iq' || (type !== 'get' && type !== 'set') || id === '' || !sender.ok) return undefined;
  if (!sender.value.includes('@')) return undefined;
  const account = preparedBareJID(bareOf(sender.value));
  const to = attribute(iq, 'to') ?? account;
  const request: Addressed = { id, from, to };
  const asked: PushIq = isForOwnAccount(sender.value, to)
    ? readOnlyChild(iq, type, account)
    : { kind: 'refused', error: stanzaErrors.forbidden };
  return { request, account, session: resourceOf(sender.value), asked };
}

function readOnlyChild(iq: XmlElement, type: 'get' | 'set', account: BareJID): PushIq {
  const [child, ...others] = childElements(iq);
  if (child === undefined || others.length > 0) return { kind: 'refused', error: stanzaErrors.badRequest };
  return readPushIq(type, child, account);
}
