// Thread: main
/**
 * The operator's own rules, as MongooseIM's vendor has them after 6.8 (mongooseim 2.18): the first rule one of whose
 * conditions holds decides, within a condition every key must hold, and a key that does not apply to the event is
 * false. No rule matches: nothing is pushed.
 */
import type { PushCondition, PushRule } from '../../config/engine-config.ts';
import type { MessageEvent } from '../core/event.ts';
import { jingleVerdict, kindOf, skips } from './verdicts.ts';
import type { ClientStateOf, StatusOf } from './verdicts.ts';
import type { PushVerdict } from './push-verdict.ts';

/** `in`, and other types than chat and groupchat, are not looked at: their event module never hands them on. */
export function ruleDecider(
  rules: readonly PushRule[],
  statusOf: StatusOf,
  clientStateOf: ClientStateOf,
): (event: MessageEvent) => PushVerdict {
  return (event) => {
    if (event.kind === 'message' && event.direction === 'in') return skips.sent;
    if (event.carbon !== 'none') return skips.copy;
    if (event.type !== 'chat' && event.type !== 'groupchat') return skips.type;
    const status = statusOf(event);
    const facts: Facts = {
      event,
      status: event.kind !== 'message' ? '' : status === 'offline' ? 'offline' : 'online',
      clientState: event.kind === 'message' && status !== 'offline' ? clientStateOf(event) : '',
    };
    for (const rule of rules) if (matches(rule, facts)) return verdictOf(rule, event);
    return skips.noRule;
  };
}

/** `''`: does not apply to this event. */
interface Facts {
  readonly event: MessageEvent;
  readonly status: 'online' | 'offline' | '';
  readonly clientState: MessageEvent['clientState'] | '';
}

function matches({ conditions }: PushRule, facts: Facts): boolean {
  if (conditions.length === 0) return true;
  for (const condition of conditions) if (holds(condition, facts)) return true;
  return false;
}

function holds(condition: PushCondition, { event, status, clientState }: Facts): boolean {
  const { event: kind, type, body, hint, jingle } = condition;
  if (kind !== undefined && (kind === 'msg') !== (event.kind === 'message')) return false;
  if (type !== undefined && type !== event.type) return false;
  if (body !== undefined && (body === 'non_empty' ? 'non-empty' : body) !== event.bodyState) return false;
  if (hint !== undefined && !(hint === 'no_store' ? event.hints.noStore : event.hints.store)) return false;
  if (jingle !== undefined && jingle !== (event.jingle !== '')) return false;
  if (condition.user_status !== undefined && condition.user_status !== status) return false;
  return condition.client_state === undefined || condition.client_state === clientState;
}

/** All registrations of the user, for an unacknowledged message as well. */
function verdictOf({ action, content }: PushRule, event: MessageEvent): PushVerdict {
  if (action === 'skip') return skips.rule;
  if (content === 'jingle') {
    return event.jingle === '' || event.jingleId === '' ? skips.noJingle : jingleVerdict(event, 'all');
  }
  if (event.bodyState === 'absent') return skips.noBody;
  return { push: true, kind: kindOf(event), content: 'message', audience: 'all', isSilent: false };
}
