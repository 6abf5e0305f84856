// Thread: main
/**
 * What the end of a stream means, and how long to wait before the next attempt (xmpp 1.12, 1.13, 1.20). Pure: a table
 * and a formula, so that a thousand engines can be tried out in one test.
 */
import { limits } from '../core/limits.ts';
import { fullJitterMs } from '../core/random.ts';
import type { Random } from '../core/random.ts';
import { ns } from './namespaces.ts';
import { unreachable } from '../core/assert.ts';

export type ReactionKind =
  /** Server restart or network: the normal back-off. */
  | 'retry'
  /** The server cannot take us until somebody changes a configuration: never a hot loop. */
  | 'retry-slow'
  /** We sent what the server refuses to read: our defect; the normal back-off. */
  | 'fault'
  /** Another connection holds the domain; it may be our own, half-open. */
  | 'conflict'
  /** Another connection took the domain from us: coming back at once would start a fight. */
  | 'replaced';

export interface Reaction {
  readonly kind: ReactionKind;
  /** People should look: a wrong configuration, a defect of ours, or a second engine on the same domain. */
  readonly alarm: boolean;
}

const kindOf: Readonly<Record<string, ReactionKind>> = {
  'not-authorized': 'retry-slow',
  'host-unknown': 'retry-slow',
  'host-gone': 'retry-slow',
  'invalid-namespace': 'retry-slow',
  'improper-addressing': 'retry-slow',
  'bad-format': 'retry-slow',
  'bad-namespace-prefix': 'retry-slow',
  'unsupported-version': 'retry-slow',
  conflict: 'conflict',
  'invalid-from': 'fault',
  'not-well-formed': 'fault',
  'policy-violation': 'fault',
  'unsupported-stanza-type': 'fault',
  'unsupported-encoding': 'fault',
  'invalid-xml': 'fault',
  'restricted-xml': 'fault',
};

/** Being replaced this often without a stable connection in between means two engines share a domain (xmpp 1.13). */
const replacementsAlarming = 3;

/**
 * @param condition the child of `<stream:error>`; unknown ones are like a lost connection.
 * @param text the human-readable text, which is all that tells the conflicts apart.
 * @param replacedBefore how often this stream was replaced already since it was last stable.
 */
export function reactionTo(condition: string, text: string, replacedBefore = 0): Reaction {
  const kind = Object.hasOwn(kindOf, condition) ? (kindOf[condition] ?? 'retry') : 'retry';
  if (kind !== 'conflict') return { kind, alarm: kind === 'retry-slow' || kind === 'fault' };
  if (/replaced/i.test(text)) return { kind: 'replaced', alarm: replacedBefore + 1 >= replacementsAlarming };
  if (/local domain|register route/i.test(text)) return { kind: 'retry-slow', alarm: true };
  return { kind, alarm: false };
}

/** A connection that ended without a stream error. */
export const connectionLost: Reaction = { kind: 'retry', alarm: false };
/** A certificate that does not verify, and the like. */
export const misconfigured: Reaction = { kind: 'retry-slow', alarm: true };

/** @param attempt attempts since the last stable connection, 0 for the first. */
export function reconnectWaitMs(kind: ReactionKind, attempt: number, random: Random): number {
  switch (kind) {
    case 'retry':
    case 'fault':
      return fullJitterMs(random, attempt, limits.reconnectFirstMs, limits.reconnectMaxMs);
    case 'retry-slow':
      return spread(random, limits.reconnectMaxMs / 2);
    case 'conflict':
      return spread(random, limits.conflictMs);
    case 'replaced':
      return spread(random, limits.replacedMs);
    default:
      return unreachable(kind);
  }
}

/** At least `leastMs`, at most twice that. */
function spread(random: Random, leastMs: number): number {
  return leastMs * (1 + random.unit());
}

export const streamEnd = '</stream:stream>';

/** The last words of a stream that we give up (xmpp 1.14; RFC 6120 §4.9). */
export function streamErrorText(condition: string): string {
  return `<stream:error><${condition} xmlns='${ns.streamErrors}'/></stream:error>${streamEnd}`;
}
