// Thread: main
/**
 * Publishes to push services that are not ours, for the event actor (xmpp 6.40): in the user's name where his server
 * lets us, so that services which look at the publisher's domain take them, and otherwise in our own. The first shows
 * the service who the user is.
 */
import { limits } from '../core/limits.ts';
import { domainOf } from '../core/jid.ts';
import { privilegedIqXml } from '../xmpp/privilege-codec.ts';
import { iqRequest } from '../xmpp/stanza.ts';
import { isTooLong } from './stream-group.ts';
import type { Clock } from '../core/clock.ts';
import type { IqAnswer, IqReply, IqSender, PublishIq } from '../event/commands.ts';
import type { DelegatedDomains } from './delegated-domains.ts';
import type { OwnIqs } from './own-iqs.ts';
import type { StreamGroup } from './stream-group.ts';

export interface PublishIqsOptions {
  readonly clock: Clock;
  readonly group: StreamGroup;
  readonly iqs: OwnIqs;
  readonly delegated: DelegatedDomains;
}

/** As a server answers what is too long for it; it would end the stream besides, so it is not asked. */
const tooLong: IqAnswer = { kind: 'error', type: 'modify', condition: 'policy-violation', detail: '' };

export class PublishIqs implements IqSender {
  readonly #options: PublishIqsOptions;

  constructor(options: PublishIqsOptions) {
    this.#options = options;
  }

  sendPublish(
    { account, service, payload, waitMs }: PublishIq,
    reply: IqReply,
    tag: number,
  ): ReturnType<IqSender['sendPublish']> {
    const { clock, group, iqs, delegated } = this.#options;
    if (group.online === 0) return 'offline';
    const isPrivileged = delegated.mayPublish(domainOf(account));
    const [to, through] = isPrivileged ? [account, service] : [service, ''];
    const id = iqs.open({ to, through, waitMs, reply, tag }, limits.publishIqsMax);
    if (id === undefined) return 'full';
    const from = group.server.domain;
    const stanza = isPrivileged
      ? privilegedIqXml({ id, from, account, to: service, payload })
      : iqRequest('set', id, from, service, payload);
    if (isTooLong(stanza)) {
      iqs.forget(id);
      clock.soon(() => reply.iqAnswered(tag, tooLong)); // not before the sender knows that it was taken
      return 'sent';
    }
    if (group.sendInTurn(stanza)) return 'sent';
    iqs.forget(id);
    return 'full';
  }
}
