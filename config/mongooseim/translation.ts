// Thread: any
/**
 * One translation under way: the draft of the result, what has been said about each option, and what all parts of it
 * ask: which pool is meant, whether a number fits.
 */
import { problemOf } from '../check-value.ts';
import { nearestKey } from '../../src/core/nearest-key.ts';
import { findingOf } from './finding.ts';
import { MeerkatDraft } from './meerkat-draft.ts';
import { optionsIn, sectionAt } from './option-tree.ts';
import type { ConfigKey } from '../config-key.ts';
import type { Became, Finding } from './finding.ts';
import type { DraftSection, DraftTable, DraftValue } from './meerkat-draft.ts';
import type { MongooseConfig, Option, OptionNode, OptionScope, OptionSection } from './option-tree.ts';

/**
 * By the name of an option inside its section (`wpool.workers`; `tls.*` for all below): what to do with it, or why it
 * has no counterpart.
 */
export type OptionRules = Readonly<Record<string, string | ((option: Option) => void)>>;

export class Translation {
  readonly draft: MeerkatDraft = new MeerkatDraft();
  readonly config: MongooseConfig;
  /** Pools that something of push uses; of the others only the name is told. */
  readonly pools: Set<OptionSection> = new Set();
  readonly #findings: Finding[] = [];
  readonly #told = new Set<OptionNode>();

  constructor(config: MongooseConfig) {
    this.config = config;
  }

  /** In the order of the file; what is not in the file comes last. */
  findings(): readonly Finding[] {
    const place = ({ line }: Finding): number => (line === 0 ? Number.MAX_SAFE_INTEGER : line);
    return this.#findings.toSorted((a, b) => place(a) - place(b));
  }

  say(node: Option | OptionSection, became: Became, note: string): void {
    this.#told.add(node);
    this.#findings.push(findingOf(node, became, note));
  }

  /** About something that MongooseIM does although no option says so. */
  sayOfAbsent(key: string, became: Became, note: string): void {
    this.#findings.push({ key, line: 0, value: '', became, note });
  }

  isTold(node: OptionNode): boolean {
    return this.#told.has(node);
  }

  /** Sets a key of the result and says so; hosts that want different things are a decision. Lists become one. */
  set(
    option: Option | OptionSection,
    [section, key]: readonly [DraftSection, string],
    value: DraftValue,
    more = '',
  ): void {
    const { keys } = this.draft.table(section);
    const before = keys.get(key);
    const name = `${section}.${key}`;
    if (isTexts(value)) {
      const all = isTexts(before) ? [...new Set([...before, ...value])] : value;
      keys.set(key, all);
      this.say(option, 'translated', sentence(`${name} = ${JSON.stringify(all)}`, more));
    } else if (before !== undefined && before !== value) {
      const note =
        `${name} is ${JSON.stringify(before)} already, for other hosts; one Meerkat has one of it: ` +
        `choose, or start a second Meerkat with ${JSON.stringify(value)}`;
      this.say(option, 'decision', note);
    } else {
      keys.set(key, value);
      this.say(option, 'translated', sentence(`${name} = ${JSON.stringify(value)}`, more));
    }
  }

  /** Sets a key of a member of a list, such as one provider. */
  put(
    option: Option | OptionSection,
    [table, name]: readonly [DraftTable, string],
    value: DraftValue,
    more = '',
  ): void {
    table.keys.set(name.slice(name.lastIndexOf('.') + 1), value);
    this.say(option, 'translated', sentence(`${name} = ${JSON.stringify(value)}`, more));
  }

  /** Every option below `section`, each by its rule; one without a rule is unknown to MongooseIM too. */
  apply(section: OptionSection, rules: OptionRules): void {
    for (const { path, option } of optionsIn(section)) {
      if (this.#told.has(option)) continue;
      const name = path.join('.');
      const rule = ruleFor(rules, path);
      if (typeof rule === 'string') this.say(option, 'no-counterpart', rule);
      else if (rule !== undefined) rule(option);
      else {
        const nearest = nearestKey(name, Object.keys(rules));
        const hint = nearest === undefined || nearest.includes('*') ? '' : `; is ${nearest} meant?`;
        this.say(option, 'ignored', `not an option that MongooseIM has here${hint}`);
      }
    }
  }

  /** The section at `path`, of this host or of all hosts. */
  lookup(scope: OptionScope, ...path: readonly string[]): OptionSection | undefined {
    const [all] = this.config.scopes;
    return sectionAt(scope.root, ...path) ?? (all === undefined ? undefined : sectionAt(all.root, ...path));
  }

  /** The text of an option if Meerkat's key takes it, or `undefined` after saying why not. */
  fitting(option: Option, key: ConfigKey): string | undefined {
    const text = textOf(option);
    const problem = text === '' ? 'is no text' : problemOf(key, text);
    if (problem === undefined) return text;
    this.say(option, 'decision', `cannot be taken: it ${problem}`);
    return undefined;
  }

  /** The whole number of an option within bounds, the nearest bound, or `undefined` after saying that it is none. */
  wholeNumber(option: Option, min: number, max: number): number | undefined {
    const value = Number(option.value);
    if (Number.isInteger(value) && typeof option.value !== 'boolean') return Math.min(max, Math.max(min, value));
    this.say(option, 'decision', 'not a whole number: MongooseIM refuses it; left out');
    return undefined;
  }
}

export function textOf(option: Option | undefined): string {
  return typeof option?.value === 'string' ? option.value : '';
}

/** The texts of a list; one text is a list of one. */
export function textsOf(option: Option | undefined): readonly string[] {
  if (option === undefined) return [];
  if (typeof option.value === 'string') return [option.value];
  return typeof option.value === 'object' ? option.value.filter((item) => typeof item === 'string') : [];
}

function ruleFor(rules: OptionRules, path: readonly string[]): OptionRules[string] | undefined {
  const name = path.join('.');
  if (Object.hasOwn(rules, name)) return rules[name];
  for (let length = path.length - 1; length > 0; length--) {
    const below = `${path.slice(0, length).join('.')}.*`;
    if (Object.hasOwn(rules, below)) return rules[below];
  }
  return undefined;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function sentence(fact: string, more: string): string {
  return more === '' ? fact : `${fact}; ${more}`;
}
