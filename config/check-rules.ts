// Thread: any
/** `[[push.rules]]` by the table of mongooseim 2.18: conditions, action, content, and no rule twice. */
import { checkSection, isTable } from './check-section.ts';
import { membersOf } from './check-servers.ts';
import { pushConditionKeys, pushRuleKeys } from './push-schema.ts';
import type { Checking } from './check-section.ts';
import type { PushCondition, PushRule } from './engine-config.ts';

// Each is asked about every event until one matches; MongooseIM's documentation shows a handful.
const rulesMax = 1000;
const conditionsMax = 1000;

/** Takes `[push]` as it was written: whether `behaviour` is there makes a difference. */
export function checkRules(push: Readonly<Record<string, unknown>>, checking: Checking): readonly PushRule[] {
  const { issues } = checking;
  const raw = push['rules'];
  if (raw === undefined) return [];
  if (Array.isArray(raw) && raw.length === 0) {
    issues.add('push.rules', 'has no member', 'write [[push.rules]] with action, or remove it');
  }
  if (push['behaviour'] !== undefined) {
    issues.add('push.behaviour', 'is written beside [[push.rules]], which decide alone', 'remove one of the two');
  }
  const members = membersOf(raw, { path: 'push.rules', max: rulesMax }, checking);
  const places = new Map<string, string>();
  return members.map((member, index) => {
    const path = `push.rules.${index}`;
    const before = issues.count;
    const rule = checkRule(member, path, checking);
    if (issues.count === before) reportRepeat(rule, path, { places, checking });
    return rule;
  });
}

function checkRule(raw: unknown, path: string, checking: Checking): PushRule {
  const { issues } = checking;
  const { action, content } = checkSection({ raw, path, others: ['conditions'] }, pushRuleKeys, checking);
  if (!issues.has(path, `${path}.action`, `${path}.content`)) {
    if (action === 'push' && content === undefined) {
      issues.add(`${path}.content`, 'is missing', 'write content = "message" or "jingle": what is to be pushed');
    } else if (action === 'skip' && content !== undefined) {
      issues.add(`${path}.content`, 'is written, but the action "skip" pushes nothing', 'remove it');
    }
  }
  return { conditions: checkConditions(raw, `${path}.conditions`, checking), action, content: content ?? '' };
}

function checkConditions(rule: unknown, path: string, checking: Checking): readonly PushCondition[] {
  const raw = isTable(rule) ? rule['conditions'] : undefined;
  if (Array.isArray(raw) && raw.length === 0) {
    checking.issues.add(path, 'is empty', 'write a table such as { event = "msg" }, or remove it: always');
  }
  return membersOf(raw, { path, max: conditionsMax }, checking).map((member, index) =>
    checkCondition(member, `${path}.${index}`, checking),
  );
}

function checkCondition(raw: unknown, path: string, checking: Checking): PushCondition {
  if (isTable(raw) && Object.keys(raw).length === 0) {
    const known = Object.keys(pushConditionKeys).join(', ');
    checking.issues.add(path, 'is empty', `write one or more of ${known}, or remove it`);
  }
  const keys = checkSection({ raw, path }, pushConditionKeys, checking);
  return {
    ...(keys.event !== undefined && { event: keys.event }),
    ...(keys.type !== undefined && { type: keys.type }),
    ...(keys.body !== undefined && { body: keys.body }),
    ...(keys.hint !== undefined && { hint: keys.hint }),
    ...(keys.jingle !== undefined && { jingle: keys.jingle }),
    ...(keys.user_status !== undefined && { user_status: keys.user_status }),
    ...(keys.client_state !== undefined && { client_state: keys.client_state }),
  };
}

// The order of conditions changes nothing; that of their keys is the same here for all.
function reportRepeat(
  { conditions, action, content }: PushRule,
  path: string,
  { places, checking }: { readonly places: Map<string, string>; readonly checking: Checking },
): void {
  const same = JSON.stringify([action, content, conditions.map((condition) => JSON.stringify(condition)).toSorted()]);
  const first = places.get(same);
  if (first === undefined) places.set(same, path);
  else checking.issues.add(path, `is the same as ${first}, which is asked before it`, 'remove one of the two');
}
