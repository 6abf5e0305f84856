// Thread: main
/**
 * IQs that an XMPP server forwards to us because its users' push registrations are ours (XEP-0355; xmpp 6.12 to 6.24).
 * Both servers forward a request that one user addressed to another's account: the check that it is his own is here.
 */
import { preparedBareJID } from '../core/ids.ts';
import { bareOf, domainOf, fullJID, localOf, resourceOf } from '../core/jid.ts';
import { delegationOf, forwardedError, readForwarded } from '../xmpp/delegation-codec.ts';
import { isForOwnAccount, readPushIq } from '../xmpp/enable-codec.ts';
import { ns } from '../xmpp/namespaces.ts';
import { stanzaErrors } from '../xmpp/stanza-errors.ts';
import { namespaceOf } from '../xmpp/xml.ts';
import { refuse } from './routed.ts';
import type { FullJID } from '../core/ids.ts';
import type { DelegationNamespace, ReadForwarded } from '../xmpp/delegation-codec.ts';
import type { StanzaError } from '../xmpp/stanza-errors.ts';
import type { XmlElement } from '../xmpp/xml.ts';
import type { Asked, Routed } from './routed.ts';

/** @param delegation the only child of an IQ that was addressed to our domain itself. */
export function routeForwarded(asked: Asked, delegation: XmlElement, namespace: DelegationNamespace): Routed {
  const { request, settings, from } = asked;
  if (!settings.delegatedDomains.has(from)) return refuse(asked, stanzaErrors.forbidden); // 6.20
  const read = readForwarded(delegation, namespace);
  const inside = (error: StanzaError): Routed => ({ kind: 'reply', xml: forwardedError(request, read.iq, error) });
  const { type, child } = read;
  if (child === undefined || (type !== 'get' && type !== 'set') || read.iq.inner.id === '') {
    return inside(stanzaErrors.badRequest); // 6.24
  }
  const sender = senderOf(read, from);
  if (typeof sender !== 'string') return inside(sender);
  if (namespaceOf(child) !== ns.push) {
    const isNested = delegationOf(child) !== undefined || namespaceOf(child) === ns.forward;
    return inside(isNested ? stanzaErrors.badRequest : stanzaErrors.serviceUnavailable); // 6.23
  }
  const owner = preparedBareJID(bareOf(sender));
  const push = readPushIq(type, child, owner);
  if (push.kind === 'refused') return inside(push.error);
  const answering = { kind: 'forwarded', iq: read.iq } as const;
  if (push.kind === 'disable') {
    const { service, node } = push;
    return { kind: 'enabled', command: { kind: 'disable-service', owner, service, node }, answering, request };
  }
  const { service, node, options, preferences } = push;
  const session = resourceOf(sender);
  return {
    kind: 'enabled',
    command: { kind: 'enable', owner, session, service, node, options, preferences },
    answering,
    request,
  };
}

/** Who asks, or why he may not. */
function senderOf({ iq }: ReadForwarded, domain: FullJID): FullJID | StanzaError {
  const sender = fullJID(iq.inner.from);
  if (!sender.ok) return stanzaErrors.badRequest;
  if (domainOf(sender.value) !== domain || localOf(sender.value) === '') return stanzaErrors.forbidden; // 6.21
  if (iq.inner.to === '') return sender.value; // 6.14
  return isForOwnAccount(sender.value, iq.inner.to) ? sender.value : stanzaErrors.forbidden; // 6.22
}
