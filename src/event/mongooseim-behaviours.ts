// Thread: main
/**
 * The three plugins that MongooseIM 6.8 ships, in what they push and what they leave (mongooseim 2.7, 2.13, 2.14). Only
 * messages on their way to a user who is offline; what says nothing to MongooseIM says nothing here.
 */
import type { MessageEvent } from '../core/event.ts';
import { jingleVerdict, kindOf, skips } from './verdicts.ts';
import type { StatusOf } from './verdicts.ts';
import type { PushVerdict } from './push-verdict.ts';

export type MongooseimBehaviour = 'default' | 'enhanced' | 'hints';

export function mongooseimDecider(
  behaviour: MongooseimBehaviour,
  statusOf: StatusOf,
): (event: MessageEvent) => PushVerdict {
  return (event) => {
    const isMessage = event.kind === 'message';
    if (isMessage && event.direction === 'in') return skips.sent;
    // Copies raise no event there, and in a session's buffer they are messages without a body.
    if (event.carbon !== 'none') return skips.copy;
    const isConversation = event.type === 'chat' || event.type === 'groupchat';
    if (isMessage && !isConversation) return skips.type;
    if (!isMessage && behaviour === 'default') return skips.unacknowledged;
    if (behaviour === 'hints' && event.hints.noStore) return skips.noStore;
    const audience = isMessage ? 'all' : 'session';
    const rings = event.bodyState !== 'non-empty';
    if (rings && (behaviour !== 'hints' || !isStoredCall(event))) {
      return event.bodyState === 'empty' ? skips.emptyBody : skips.noBody;
    }
    // Its builder of a message has no clause for other types; that of a call asks for none.
    if (!rings && !isConversation) return skips.type;
    if (isMessage && statusOf(event) !== 'offline') return skips.online;
    if (rings) return jingleVerdict(event, audience);
    return { push: true, kind: kindOf(event), content: 'message', audience, isSilent: false };
  };
}

function isStoredCall(event: MessageEvent): boolean {
  return event.hints.store && event.jingle !== '' && event.jingleId !== '';
}
