// Thread: main
/**
 * One event of a room to one event for each member who is to be asked: classic rooms deliver to their occupants only,
 * so that members whose phones are off would never hear of a message (mongooseim 8).
 */
import type { PushConfig } from '../../config/engine-config.ts';
import type { MessageEvent, RoomMember } from '../core/event.ts';
import { preparedFullJID } from '../core/ids.ts';
import { bareOf, resourceOf } from '../core/jid.ts';
import { mentionOf } from './mention.ts';

const none: readonly RoomMember[] = Object.freeze([]);

/**
 * @param event of type groupchat with `members`; `from` is the occupant who has written it.
 * @param affiliations `push.groups.affiliations`.
 */
export function memberEvents(
  event: MessageEvent,
  affiliations: PushConfig['groups']['affiliations'],
): readonly MessageEvent[] {
  const pushed: ReadonlySet<string> = new Set(affiliations);
  const author = resourceOf(event.from);
  // In rooms whose occupants are known by their own addresses, the nick is one.
  const authors: ReadonlySet<string> = new Set([bareOf(author), bareOf(event.from)]);
  const events: MessageEvent[] = [];
  for (const member of event.members) {
    if (member.isOccupant || !pushed.has(member.affiliation)) continue;
    if (authors.has(member.jid) || (member.nick !== '' && member.nick === author)) continue;
    events.push(eventFor(event, member));
  }
  return events;
}

/** The members themselves are left behind: ten thousand events would each hold ten thousand of them. */
function eventFor(event: MessageEvent, { jid, affiliation, nick }: RoomMember): MessageEvent {
  const own: MessageEvent = { ...event, to: preparedFullJID(jid), affiliation, nick, members: none };
  return { ...own, isMentioned: mentionOf(own, nick) };
}
