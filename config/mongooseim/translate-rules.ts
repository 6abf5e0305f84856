// Thread: any
/**
 * `rules` of MongooseIM after 6.8 (mongooseim 2.18). Meerkat's have the same keys and values, so that a rule is copied;
 * what MongooseIM would refuse is said and left out.
 */
import { optionAt, optionsIn, sectionAt, sectionsIn } from './option-tree.ts';
import type { Option, OptionSection } from './option-tree.ts';
import type { Translation } from './translation.ts';

const conditionValues: ReadonlyMap<string, readonly (string | boolean)[]> = new Map([
  ['event', ['msg', 'unack_msg']],
  ['type', ['chat', 'groupchat']],
  ['body', ['absent', 'empty', 'non_empty']],
  ['hint', ['no_store', 'store']],
  ['jingle', [true, false]],
  ['user_status', ['online', 'offline']],
  ['client_state', ['active', 'inactive']],
]);

/** One rule that is wrong is left out whole: half of it would push, or skip, something else. */
export function translateRules(rules: readonly (readonly [string, OptionSection])[], translation: Translation): void {
  const seen = new Set<string>();
  for (const [, rule] of rules) {
    const problem = problemOf(rule) ?? repeatOf(rule, seen);
    if (problem === undefined) copyRule(rule, translation);
    else {
      for (const { option } of optionsIn(rule)) translation.say(option, 'decision', `rule left out: ${problem}`);
      if (rule.entries.size === 0) translation.say(rule, 'decision', `rule left out: ${problem}`);
    }
  }
}

function problemOf(rule: OptionSection): string | undefined {
  const action = rule.entries.get('action');
  const content = rule.entries.get('content');
  const word = action?.kind === 'option' ? action.value : undefined;
  if (word !== 'push' && word !== 'skip') return 'action must be "push" or "skip"';
  if (word === 'skip' && content !== undefined) return 'content does not go with action = "skip"';
  if (word === 'push' && !(content?.kind === 'option' && (content.value === 'message' || content.value === 'jingle'))) {
    return 'action = "push" needs content = "message" or "jingle"';
  }
  const unknown = [...rule.entries.keys()].find((name) => !['action', 'content', 'conditions'].includes(name));
  if (unknown !== undefined) return `${unknown} is not a key of a rule`;
  if (!rule.entries.has('conditions')) return undefined;
  const conditions = sectionsIn(sectionAt(rule, 'conditions'));
  if (conditions.length === 0) return 'conditions must have a member';
  for (const [, condition] of conditions) {
    if (condition.entries.size === 0) return 'a condition must have a key';
    for (const [name, node] of condition.entries) {
      const values = conditionValues.get(name);
      if (values === undefined) return `${name} is not a key of a condition`;
      const value = node.kind === 'option' ? node.value : undefined;
      if (!values.some((known) => known === value)) return `${name} must be one of ${values.join(', ')}`;
    }
  }
  return undefined;
}

/** MongooseIM refuses a rule that is there already; the order of conditions and of keys makes no other one. */
function repeatOf(rule: OptionSection, seen: Set<string>): string | undefined {
  const parts = (section: OptionSection): readonly string[] =>
    optionsIn(section)
      .map(({ path, option }) => JSON.stringify([path, option.value]))
      .toSorted();
  const conditions = sectionsIn(sectionAt(rule, 'conditions')).map(([, condition]) => parts(condition).join());
  const rest = ['action', 'content'].map((name) => optionAt(rule, name)?.value ?? '');
  const text = JSON.stringify([rest, conditions.toSorted()]);
  if (seen.has(text)) return 'it is the same as one before it';
  seen.add(text);
  return undefined;
}

function copyRule(rule: OptionSection, translation: Translation): void {
  const index = translation.draft.list('push.rules').length;
  const { keys } = translation.draft.add('push.rules');
  const conditions = sectionsIn(sectionAt(rule, 'conditions')).map(([, condition]) => copyCondition(condition));
  if (conditions.length > 0) keys.set('conditions', conditions);
  for (const { path, option } of optionsIn(rule)) {
    if (path.length === 1) keys.set(path[0] ?? '', String(option.value));
    translation.say(option, 'translated', `push.rules.${index}.${path.join('.')}, as it is`);
  }
}

function copyCondition(condition: OptionSection): ReadonlyMap<string, string | boolean> {
  const copy = new Map<string, string | boolean>();
  for (const [name, node] of condition.entries) {
    const value: Option['value'] | undefined = node.kind === 'option' ? node.value : undefined;
    if (typeof value === 'string' || typeof value === 'boolean') copy.set(name, value);
  }
  return copy;
}
