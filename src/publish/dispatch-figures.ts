// Thread: main
/** What one dispatcher has done, counted in plain fields: no metric call per notification. */
import { outcomeKinds } from '../core/outcome.ts';
import type { OutcomeKind } from '../core/outcome.ts';
import type { QuotaPaceFigures } from './quota-pace.ts';

export interface DispatchFigures {
  readonly provider: string;
  /** Publish messages taken from the mailbox. */
  readonly taken: number;
  readonly retries: number;
  readonly inFlight: number;
  readonly creditMax: number;
  /** In the mailbox. */
  readonly waiting: number;
  /** Taken from it, waiting for credit, an authorization or the quota: meanwhile the mailbox waits, too. */
  readonly held: number;
  /** Of the project at the gateway; `undefined` for a provider without one. */
  readonly quota: QuotaPaceFigures | undefined;
  /** Outcomes told to whoever asked. */
  readonly outcomes: Readonly<Record<OutcomeKind, number>>;
  /** Outcomes that never came from the executor and were written off: always 0 unless we have a defect. */
  readonly overdue: number;
}

export function noOutcomes(): Record<OutcomeKind, number> {
  return {
    accepted: 0,
    unregistered: 0,
    rejected: 0,
    expired: 0,
    throttled: 0,
    unauthorized: 0,
    unavailable: 0,
  };
}

export function addOutcomes(into: Record<OutcomeKind, number>, from: Readonly<Record<OutcomeKind, number>>): void {
  for (const kind of outcomeKinds) into[kind] += from[kind];
}
