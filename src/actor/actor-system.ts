// Thread: any
/**
 * Runs actors: spawn, drain turns, supervise, stop in order. One drain turn gives every ready actor one batch and then
 * yields to the event loop, so that no actor starves a socket or another actor. The rules are in src/README.md.
 */
import { ActorCell } from './actor-cell.ts';
import type { ActorRef, ActorSpec } from './actor.ts';
import type { CellHost, CellLife, Drainable } from './actor-cell.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';

export interface ActorSystemOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** An actor at the root has failed for good: nothing below can be trusted, and the process should end. */
  readonly failed: (path: string, error: unknown) => void;
}

export class ActorSystem implements CellHost {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly #failed: (path: string, error: unknown) => void;
  readonly #roots: CellLife[] = [];
  #ready: Drainable[] = [];
  #turnIsDue = false;
  #lost = 0;
  #restarts = 0;

  constructor(options: ActorSystemOptions) {
    this.clock = options.clock;
    this.logger = options.logger;
    this.#failed = options.failed;
  }

  /** Messages that ended in `lost`, and restarts, since the start. */
  get counters(): { readonly lost: number; readonly restarts: number } {
    return { lost: this.#lost, restarts: this.#restarts };
  }

  /** An actor directly below the root; its path is `/<name>`. The name may have slashes: `registrations/shard-03`. */
  spawn<M, S>(spec: ActorSpec<M, S>): ActorRef<M> {
    const cell = new ActorCell<M, S>(spec, `/${spec.name}`, undefined, this);
    this.#roots.push(cell);
    cell.start();
    return cell;
  }

  /** Resolves when every root has run its `init` (and so have their children). */
  async started(): Promise<void> {
    await Promise.all(this.#roots.map((cell) => cell.started()));
  }

  /**
   * Stops roots in the reverse order of their spawning, children before parents. Each first handles what waits in its
   * mailbox; what is left when `budgetMs` (of all together) is over is `lost`.
   */
  async stop(budgetMs: number): Promise<void> {
    const endMs = this.clock.monotonicMs() + budgetMs;
    for (const cell of this.#roots.toReversed()) {
      await cell.stop(Math.max(0, endMs - this.clock.monotonicMs()));
    }
    this.#roots.length = 0;
  }

  schedule(cell: Drainable): void {
    this.#ready.push(cell);
    if (this.#turnIsDue) return;
    this.#turnIsDue = true;
    this.clock.soon(() => this.#turn());
  }

  noteLost(): void {
    this.#lost++;
  }

  noteRestart(path: string, error: unknown): void {
    this.#restarts++;
    this.logger.error({ actor: path, error: describe(error) }, 'actor failed; it is restarted');
  }

  rootFailed(path: string, error: unknown): void {
    this.logger.error({ actor: path, error: describe(error) }, 'actor failed too often');
    this.#failed(path, error);
  }

  #turn(): void {
    const ready = this.#ready;
    this.#ready = [];
    this.#turnIsDue = false;
    for (const cell of ready) cell.drain();
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
