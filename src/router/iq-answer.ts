// Thread: main
/**
 * What an answer to an IQ of ours says, read off the element at once: everything comes out short and flat, and an error
 * without its parts is still an error (mongooseim 2.11: MongooseIM's worker dies of one without `<error/>`).
 */
import type { IqAnswer } from '../event/commands.ts';
import { ns } from '../xmpp/namespaces.ts';
import { attribute, childElements, childOf, localName, namespaceOf } from '../xmpp/xml.ts';
import type { XmlElement } from '../xmpp/xml.ts';

const errorTypes: ReadonlySet<string> = new Set(['auth', 'cancel', 'continue', 'modify', 'wait']);

/** @param iq of type `result` or `error`. */
export function answerOf(iq: XmlElement): IqAnswer {
  if (attribute(iq, 'type') !== 'error') return { kind: 'result' };
  // Inside a forwarded answer it is in jabber:client, else in jabber:component:accept; the request may stand before it.
  const error = childElements(iq).find((child) => localName(child) === 'error');
  const type = error === undefined ? '' : (attribute(error, 'type') ?? '');
  let condition = '';
  let detail = '';
  for (const child of error === undefined ? [] : childElements(error)) {
    const name = localName(child);
    if (namespaceOf(child) !== ns.stanzaErrors) detail ||= name;
    else if (name !== 'text') condition ||= name;
  }
  return {
    kind: 'error',
    type: errorTypes.has(type) ? type : '',
    condition: condition === '' ? 'undefined-condition' : condition,
    detail,
  };
}

/** A refusal by the user's own server hides the push service's answer, or there never was one (xmpp 6.40). */
const hiddenError: IqAnswer = { kind: 'hidden-error' };

/**
 * The answer that came back through a privilege.
 * @param forwarded the IQ inside, if there is one; `isGenuine`: has the id and the sender that were asked for.
 */
export function privilegedAnswerOf(iq: XmlElement, isGenuine: (forwarded: XmlElement) => boolean): IqAnswer {
  if (attribute(iq, 'type') === 'error') return hiddenError;
  const privilege = childOf(iq, 'privilege', ns.privilege2);
  const wrapper = privilege === undefined ? undefined : childOf(privilege, 'forwarded', ns.forward);
  const forwarded = wrapper === undefined ? undefined : childOf(wrapper, 'iq', ns.client);
  return forwarded !== undefined && isGenuine(forwarded) ? answerOf(forwarded) : hiddenError;
}
