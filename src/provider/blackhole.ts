// Thread: any
/**
 * Accepts everything at once, or stalls a share of it: for benchmarks and dry runs. No notification leaves the process.
 */
import { accepted, unavailable } from '../core/outcome.ts';
import type { BlackholeConfig } from '../../config/engine-config.ts';
import type { Cancel } from '../core/clock.ts';
import type { EpochMs } from '../core/ids.ts';
import type { Notification } from '../core/notification.ts';
import type { Provider, ProviderContext } from './provider.ts';

const swallowed = accepted('');

export class BlackholeProvider implements Provider {
  readonly #config: BlackholeConfig;
  readonly #context: ProviderContext;
  readonly #stalled = new Map<number, Cancel>();
  #idle: (() => void) | undefined;

  constructor(config: BlackholeConfig, context: ProviderContext) {
    this.#config = config;
    this.#context = context;
  }

  publish(_notification: Notification, _authorization: string, deadlineMs: EpochMs, tag: number): void {
    const { stallShare, stallMs } = this.#config;
    const { clock, random, settle } = this.#context;
    if (stallShare === 0 || random.unit() >= stallShare) {
      settle(tag, swallowed);
      return;
    }
    const leftMs = Math.max(0, deadlineMs - clock.now());
    const cancel = clock.after(Math.min(stallMs, leftMs), () => {
      this.#stalled.delete(tag);
      settle(tag, stallMs <= leftMs ? swallowed : unavailable('unknown', 'deadline'));
      if (this.#stalled.size === 0) this.#idle?.();
    });
    this.#stalled.set(tag, cancel);
  }

  async drain(budgetMs: number): Promise<void> {
    if (this.#stalled.size > 0) {
      await new Promise<void>((resolve) => {
        const cancel = this.#context.clock.after(budgetMs, resolve);
        this.#idle = () => {
          cancel();
          resolve();
        };
      });
    }
    for (const [tag, cancel] of this.#stalled) {
      cancel();
      this.#context.settle(tag, unavailable('unknown', 'drained'));
    }
    this.#stalled.clear();
  }
}
