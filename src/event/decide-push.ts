// Thread: main
/**
 * From one message event to its verdict: the behaviour that is configured says whether it deserves a push (mongooseim
 * 2.7, 2.13, 2.18; xmpp 7.A to 7.C), then what MongooseIM knows nothing of may still take it back: blocked senders,
 * muted conversations, policies of rooms, quiet hours. An event that says none of that is judged as MongooseIM would.
 *
 * On the path of every message, most of which go to users who are there: no registration is read, nothing is allocated
 * unless there is a push.
 */
import type { PushConfig } from '../../config/engine-config.ts';
import type { MessageEvent } from '../core/event.ts';
import { limits } from '../core/limits.ts';
import { meerkatDecider } from './meerkat-behaviour.ts';
import { mentionOf } from './mention.ts';
import { mongooseimDecider } from './mongooseim-behaviours.ts';
import { quietHours } from './quiet-hours.ts';
import { ruleDecider } from './rules.ts';
import { skips } from './verdicts.ts';
import type { ClientStateOf, Decide, NegativeVerdict, StatusOf } from './verdicts.ts';

/** What a decision may know besides; each may be left out. */
export interface DeciderFacts {
  /** Default: what the event says. Asked by rules only. */
  readonly clientStateOf?: ClientStateOf;
  /** Life of a notification, ms: `notifications.time_to_live_seconds`. Default: the longest there is. */
  readonly lifeMs?: number;
}

/** @param statusOf of the user `event.to`; `unknown` has become what the configuration takes it for. */
export function pushDecider(config: PushConfig, statusOf: StatusOf, facts: DeciderFacts = {}): Decide {
  const behave = behaviourOf(config, statusOf, facts);
  const { quietHours: hours } = config;
  const isQuietAt = hours === undefined ? undefined : quietHours(hours);
  return (event, nowMs) => {
    if (event.type === 'error') return skips.error;
    const verdict = behave(event, nowMs);
    if (!verdict.push) return verdict;
    const taken = takenBack(event, config.groups);
    if (taken !== undefined) return taken;
    if (isQuietAt === undefined || verdict.kind === 'call' || verdict.kind === 'call-end') return verdict;
    if (!isQuietAt(nowMs)) return verdict;
    return hours?.action === 'skip' ? skips.quiet : { ...verdict, isSilent: true };
  };
}

function behaviourOf(config: PushConfig, statusOf: StatusOf, facts: DeciderFacts): Decide {
  const { clientStateOf = (event) => event.clientState, lifeMs = limits.notificationLifeMsMax } = facts;
  if (config.rules.length > 0) return ruleDecider(config.rules, statusOf, clientStateOf);
  if (config.behaviour === 'meerkat') return meerkatDecider(statusOf, lifeMs);
  return mongooseimDecider(config.behaviour, statusOf);
}

function takenBack(event: MessageEvent, groups: PushConfig['groups']): NegativeVerdict | undefined {
  if (event.isBlocked) return skips.blocked;
  if (event.isMuted) return skips.muted;
  if (event.type !== 'groupchat') return undefined;
  const { affiliation } = event;
  if (affiliation === 'outcast') return skips.affiliation;
  if (affiliation !== '' && !groups.affiliations.includes(affiliation)) return skips.affiliation;
  const policy = event.roomKind === 'public' ? groups.public : groups.private;
  if (policy === 'always') return undefined;
  if (policy === 'never') return skips.groupNever;
  return mentionOf(event, event.nick) === 'yes' ? undefined : skips.notMentioned;
}
