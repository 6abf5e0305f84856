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
import type { IqAdmission, IqReply, IqSender, PublishIq } from '../event/commands.ts';
import type { DelegatedDomains } from './delegated-domains.ts';
import type { OwnIqs } from './own-iqs.ts';
import type { StreamGroup } from './stream-group.ts';

export interface PublishIqsOptions {
  readonly group: StreamGroup;
  readonly iqs: OwnIqs;
  readonly delegated: DelegatedDomains;
}

export class PublishIqs implements IqSender {
  readonly #options: PublishIqsOptions;

  constructor(options: PublishIqsOptions) {
    this.#options = options;
  }

  sendPublish({ account, service, payload, waitMs }: PublishIq, reply: IqReply, tag: number): IqAdmission {
    const { group, iqs, delegated } = this.#options;
    if (group.online === 0) return 'offline';
    const isPrivileged = delegated.mayPublish(domainOf(account));
    const [to, through] = isPrivileged ? [account, service] : [service, ''];
    const id = iqs.open({ to, through, waitMs, reply, tag }, limits.publishIqsMax);
    if (id === undefined) return 'full';
    const from = group.server.domain;
    const stanza = isPrivileged
      ? privilegedIqXml({ id, from, account, to: service, payload })
      : iqRequest('set', id, from, service, payload);
    const isLong = isTooLong(stanza);
    if (!isLong && group.sendInTurn(stanza)) return 'sent';
    iqs.forget(id);
    return isLong ? 'too-long' : 'full';
  }
}
