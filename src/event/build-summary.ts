// Thread: main
/**
 * What push services are told about a message that is to be pushed (mongooseim 2.8, 2.9, 2.18). The same for all of the
 * recipient's registrations; what a service that is not ours may not see is taken out later (publish-payload.ts). Hot
 * path: one object.
 */
import { bareOf } from '../core/jid.ts';
import { limits } from '../core/limits.ts';
import type { PushVerdict } from './push-verdict.ts';
import type { PushConfig } from '../../config/engine-config.ts';
import type { MessageEvent } from '../core/event.ts';
import type { Summary } from '../core/notification.ts';

type Push = Extract<PushVerdict, { readonly push: true }>;

const invitation = 'Invitation to a group chat';

export function buildSummary(
  event: MessageEvent,
  verdict: Push,
  rules: Pick<PushConfig, 'unread' | 'encryptedBody'>,
): Summary {
  // A call that has rung out is told of as a message: these two fields would make the phone ring.
  const isCall = verdict.kind === 'call' || verdict.kind === 'call-end';
  const body = bodyOf(event, verdict, rules.encryptedBody);
  return {
    messageCount: countOf(event, rules.unread),
    pendingSubscriptionCount: -1,
    // Of a room the occupant says who speaks. JIDs are prepared already; the nick keeps its case, which people see.
    lastMessageSender: event.type === 'groupchat' ? event.from : bareOf(event.from),
    lastMessageBody: body,
    priority: priorityOf(verdict, body),
    jingleMessage: isCall ? event.jingle : '',
    jingleSessionId: isCall ? event.jingleId : '',
    encrypted: '',
    encryptedIv: '',
    encryptedType: '',
    kind: isCall ? '' : verdict.kind,
    roomName: '',
  };
}

/** A server that does not count says what MongooseIM says without its inbox: one. */
function countOf({ unread, unreadTotal }: MessageEvent, which: PushConfig['unread']): number {
  const count = which === 'total' && unreadTotal >= 0 ? unreadTotal : unread;
  return count < 0 ? 1 : Math.min(count, limits.messageCountMax);
}

function bodyOf(event: MessageEvent, { kind, content }: Push, encryptedBody: string): string {
  if (content === 'jingle') return `Jingle message: ${event.jingle}, session ID: ${event.jingleId}`;
  // The body beside an encrypted payload tells people to get another client. Keys alone are nothing to read.
  if (event.encryption === 'payload' || (event.encryption === 'keys' && event.body !== '')) return encryptedBody;
  return event.body === '' && kind === 'invitation' ? invitation : event.body;
}

/** What people are to see is urgent; a message without text, which rules may push, does not say (xmpp 5.26). */
function priorityOf({ kind, isSilent }: Push, body: string): Summary['priority'] {
  if (isSilent || kind === 'call-end') return 'low';
  return kind === 'call' || body !== '' ? 'high' : '';
}
