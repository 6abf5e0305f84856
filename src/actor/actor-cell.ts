// Thread: any
/**
 * One actor at run time: its mailbox, its state, its children, and where it is in its life. `actor-system.ts` gives it
 * turns. Every accepted message ends exactly once: its batch finishes, or `lost` is called for it.
 */
import { Mailbox } from './mailbox.ts';
import { RestartWindow } from './restart-window.ts';
import type { ActorContext, ActorRef, ActorSpec, Admission, Lost } from './actor.ts';
import type { Cancel, Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';

export interface CellHost {
  readonly clock: Clock;
  readonly logger: Logger;
  schedule(cell: Drainable): void;
  noteLost(): void;
  noteRestart(path: string, error: unknown): void;
  rootFailed(path: string, error: unknown): void;
}

export interface Drainable {
  /** Gives the actor one batch. */
  drain(): void;
}

/** What a parent, or the system, needs of a cell, whatever its messages are. */
export interface CellLife {
  started(): Promise<void>;
  stop(budgetMs: number): Promise<void>;
}

interface Parent {
  childFailed(error: unknown): void;
}

type Life = 'starting' | 'ready' | 'busy' | 'waiting-restart' | 'stopped';

export class ActorCell<M, S> implements ActorRef<M>, ActorContext<M>, Parent, Drainable, CellLife {
  readonly path: string;
  readonly #spec: ActorSpec<M, S>;
  readonly #parent: Parent | undefined;
  readonly #host: CellHost;
  readonly #mailbox: Mailbox<M>;
  readonly #restarts: RestartWindow;
  readonly #children = new Map<string, CellLife>();
  readonly #timers = new Set<Cancel>();
  #life: Life = 'starting';
  #accepting = true;
  #scheduled = false;
  #state: { readonly value: S } | undefined;
  /** Grows with every start: what an earlier life left running is ignored. */
  #generation = 0;
  #batch: readonly M[] = [];
  #idle: (() => void)[] = [];
  #starting: Promise<void> = Promise.resolve();

  constructor(spec: ActorSpec<M, S>, path: string, parent: Parent | undefined, host: CellHost) {
    this.path = path;
    this.#spec = spec;
    this.#parent = parent;
    this.#host = host;
    this.#mailbox = new Mailbox(spec.mailbox.capacity);
    this.#restarts = new RestartWindow(spec.supervision);
  }

  get self(): ActorRef<M> {
    return this;
  }

  get clock(): Clock {
    return this.#host.clock;
  }

  get depth(): number {
    return this.#mailbox.depth;
  }

  get capacity(): number {
    return this.#mailbox.capacity;
  }

  tell(message: M): Admission {
    if (!this.#accepting) return 'stopped';
    if (!this.#mailbox.put(message)) return 'full';
    if (this.#life === 'ready' && !this.#scheduled) this.#schedule();
    return 'accepted';
  }

  spawn<C, T>(spec: ActorSpec<C, T>): ActorRef<C> {
    const child = new ActorCell<C, T>(spec, `${this.path}/${spec.name}`, this, this.#host);
    this.#children.set(spec.name, child);
    child.start();
    return child;
  }

  after(delayMs: number, message: M): void {
    const cancel = this.clock.after(
      delayMs,
      () => {
        this.#timers.delete(cancel);
        // A full mailbox is not a reason to forget: the same wait again gives it time to drain.
        if (this.tell(message) === 'full') this.after(delayMs, message);
      },
      false,
    );
    this.#timers.add(cancel);
  }

  start(): void {
    this.#starting = this.#init();
  }

  async started(): Promise<void> {
    await this.#starting;
    await Promise.all([...this.#children.values()].map((child) => child.started()));
  }

  drain(): void {
    this.#scheduled = false;
    const state = this.#state;
    if (this.#life !== 'ready' || state === undefined) return;
    const batch = this.#mailbox.take(this.#spec.mailbox.batchMax);
    if (batch.length === 0) return;
    this.#batch = batch;
    const generation = this.#generation;
    try {
      const pending = this.#spec.receive(state.value, batch, this);
      if (pending === undefined) {
        this.#finished();
        return;
      }
      this.#life = 'busy';
      pending.then(
        () => {
          if (generation !== this.#generation) return;
          this.#life = 'ready';
          this.#finished();
        },
        (error: unknown) => {
          if (generation === this.#generation) this.#fail(error);
        },
      );
    } catch (error) {
      this.#fail(error);
    }
  }

  childFailed(error: unknown): void {
    this.#fail(error);
  }

  /** Refuses new messages, handles what waits, stops the children, releases the state. */
  async stop(budgetMs: number): Promise<void> {
    if (this.#life === 'stopped') return;
    this.#accepting = false;
    await this.#drained(budgetMs);
    this.#generation++;
    this.#life = 'stopped';
    this.#clearTimers();
    this.#lose({ kind: 'stopped' }, [...this.#batch, ...this.#mailbox.take(this.#mailbox.depth)]);
    await this.#stopChildren(budgetMs);
    await this.#release();
  }

  async #init(): Promise<void> {
    const generation = ++this.#generation;
    this.#life = 'starting';
    try {
      const value = await this.#spec.init(this);
      if (generation !== this.#generation) return;
      this.#state = { value };
      this.#life = 'ready';
      if (this.#mailbox.depth > 0) this.#schedule();
      else this.#wakeIdle();
    } catch (error) {
      if (generation === this.#generation) this.#fail(error);
    }
  }

  #finished(): void {
    this.#batch = [];
    if (this.#mailbox.depth > 0) this.#schedule();
    else this.#wakeIdle();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#host.schedule(this);
  }

  #fail(error: unknown): void {
    if (this.#life === 'stopped') return;
    this.#generation++;
    this.#clearTimers();
    const unfinished = this.#batch;
    this.#batch = [];
    this.#life = 'waiting-restart';
    this.#lose({ kind: 'failed', error }, unfinished);
    const delayMs = this.#restarts.next(this.clock.monotonicMs());
    if (delayMs === undefined) {
      this.#giveUp(error);
      return;
    }
    this.#host.noteRestart(this.path, error);
    this.clock.after(delayMs, () => {
      if (this.#life === 'waiting-restart') this.#starting = this.#restart();
    });
  }

  #giveUp(error: unknown): void {
    if (this.#parent !== undefined) {
      this.#parent.childFailed(error);
      return;
    }
    this.#accepting = false;
    this.#lose({ kind: 'failed', error }, this.#mailbox.take(this.#mailbox.depth));
    this.#wakeIdle();
    this.#host.rootFailed(this.path, error);
  }

  async #restart(): Promise<void> {
    await this.#stopChildren(0);
    await this.#release();
    if (this.#life === 'waiting-restart') await this.#init();
  }

  async #stopChildren(budgetMs: number): Promise<void> {
    const children = [...this.#children.values()].toReversed();
    this.#children.clear();
    for (const child of children) await child.stop(budgetMs);
  }

  async #release(): Promise<void> {
    const state = this.#state;
    this.#state = undefined;
    if (state === undefined) return;
    try {
      await this.#spec.stop?.(state.value);
    } catch (error) {
      this.#host.logger.error({ actor: this.path, error: String(error) }, 'actor failed while it stopped');
    }
  }

  #lose(cause: Lost, messages: readonly M[]): void {
    this.#batch = [];
    for (const message of messages) {
      this.#host.noteLost();
      try {
        this.#spec.lost(message, cause);
      } catch (error) {
        this.#host.logger.error({ actor: this.path, error: String(error) }, 'an actor cannot tell who has lost');
      }
    }
  }

  /** Resolves when nothing waits and nothing runs, or when the budget is over. */
  #drained(budgetMs: number): Promise<void> {
    if (this.#mailbox.depth === 0 && this.#batch.length === 0) return Promise.resolve();
    if (budgetMs <= 0 || (this.#life === 'waiting-restart' && !this.#accepting && this.#state === undefined)) {
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const cancel = this.clock.after(budgetMs, resolve);
      this.#idle.push(() => {
        cancel();
        resolve();
      });
    });
  }

  #wakeIdle(): void {
    if (this.#idle.length === 0) return;
    const waiting = this.#idle;
    this.#idle = [];
    for (const wake of waiting) wake();
  }

  #clearTimers(): void {
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }
}
