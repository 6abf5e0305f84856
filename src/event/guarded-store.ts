// Thread: main
/**
 * The store of enabled registrations as the event actor sees it: trouble is an answer, told to people now and then, and
 * never a restart, which would not help. Anything but trouble of the store is a defect, and is thrown.
 */
import { EngineError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { expiredKeys } from './decide-enable.ts';
import type { EnabledCommand } from './commands.ts';
import type { Clock } from '../core/clock.ts';
import type { EnabledAnswer } from '../core/enabled.ts';
import type { BareJID, EpochMs } from '../core/ids.ts';
import type { Logger } from '../core/log.ts';
import type { EnabledChange, EnabledKey, EnabledRows, EnabledStore } from '../storage/enabled-store.ts';

export interface GuardedStoreOptions {
  readonly store: EnabledStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** 0: registrations never expire. */
  readonly expireDays: number;
}

export type Removal = Extract<EnabledCommand, { readonly kind: 'remove-account' | 'remove-domain' }>;

export type ReadRows = readonly EnabledRows[] | 'failed';

export const storeFailed: EnabledAnswer = { kind: 'refused', refusal: 'store-failed' };

// A store that fails fails for every command: one line for each of these intervals, with how many.
const complaintMs = 10_000;

export class GuardedStore {
  readonly #options: GuardedStoreOptions;
  #sweptTo: EnabledKey | undefined;
  #failures = 0;
  #complainedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: GuardedStoreOptions) {
    this.#options = options;
  }

  /**
   * One entry for each owner, in order. `failed` is not `unreadable`: the records are there, and nobody knows what is
   * in them, so that nothing may be begun anew.
   */
  read(owners: readonly BareJID[]): ReadRows | Promise<ReadRows> {
    try {
      const rows = this.#options.store.readMany(owners);
      return rows instanceof Promise ? rows.catch((error: unknown) => this.#readFailed(error)) : rows;
    } catch (error) {
      return this.#readFailed(error);
    }
  }

  /** Why one of these could not be kept, `''` if all can. */
  problemOf(changes: readonly EnabledChange[]): string {
    for (const change of changes) {
      const problem = change.kind === 'put' ? (this.#options.store.rowProblem?.(change.row) ?? '') : '';
      if (problem !== '') return problem;
    }
    return '';
  }

  /** All or none; false: none. */
  async write(changes: readonly EnabledChange[]): Promise<boolean> {
    if (changes.length === 0) return true;
    try {
      await this.#options.store.writeMany(changes);
      return true;
    } catch (error) {
      this.#complain(error);
      return false;
    }
  }

  async remove(command: Removal): Promise<EnabledAnswer> {
    const { store } = this.#options;
    try {
      const count =
        command.kind === 'remove-account'
          ? await store.removeOwners([command.owner])
          : await store.removeDomain(command.domain);
      return { kind: 'done', count };
    } catch (error) {
      this.#complain(error);
      return storeFailed;
    }
  }

  /** Removes what has expired on the next page of all registrations; from the end it starts again. Returns how many. */
  async sweep(nowMs: EpochMs): Promise<number> {
    const { store, expireDays } = this.#options;
    if (expireDays === 0) return 0;
    try {
      const rows = await store.scan(this.#sweptTo, limits.sweepRows, () => undefined);
      this.#sweptTo = rows.length < limits.sweepRows ? undefined : rows.at(-1);
      const keys = expiredKeys(rows, nowMs, expireDays);
      if (keys.length > 0) await store.writeMany(keys.map((key) => ({ kind: 'remove', key })));
      return keys.length;
    } catch (error) {
      this.#sweptTo = undefined;
      this.#complain(error);
      return 0;
    }
  }

  #readFailed(error: unknown): 'failed' {
    this.#complain(error);
    return 'failed';
  }

  #complain(error: unknown): void {
    if (!(error instanceof EngineError)) throw error;
    this.#failures++;
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#complainedAtMs < complaintMs) return;
    this.#complainedAtMs = nowMs;
    const { code, message } = error;
    this.#options.logger.error({ code, failures: this.#failures }, message);
  }
}
