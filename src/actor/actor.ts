// Thread: any
/** The actor contract, types only. The rules that types cannot say are in src/README.md, "Actors". */
import type { Clock } from '../core/clock.ts';

/**
 * An actor receives batches, never single messages; `receive` is never re-entered, and a returned promise pauses this
 * mailbox alone.
 */
export interface ActorSpec<M, S> {
  /** Last segment of the path: `shard-03`. */
  readonly name: string;
  /** Messages; both required, never infinite. */
  readonly mailbox: { readonly capacity: number; readonly batchMax: number };
  readonly supervision: Supervision;
  /** At start and after every restart. */
  init(context: ActorContext<M>): S | Promise<S>;
  receive(state: S, batch: readonly M[], context: ActorContext<M>): void | Promise<void>;
  /** Exactly once for each message that no handler finished: tell whoever waits. */
  lost(message: M, cause: Lost): void;
  /** After the last batch; release what `init` took. */
  stop?(state: S): void | Promise<void>;
}

export type Supervision =
  | {
      readonly kind: 'restart';
      readonly restartsMax: number;
      readonly windowMs: number;
      readonly backoffMs: readonly [first: number, max: number];
    }
  /** The parent restarts in my place; at the root the system has failed. */
  | { readonly kind: 'escalate' };

export interface ActorRef<M> {
  /** `/engine/registrations/shard-03` */
  readonly path: string;
  /** Messages waiting, 0 to capacity. */
  readonly depth: number;
  readonly capacity: number;
  /** Synchronous; never throws, waits, or drops in silence. */
  tell(message: M): Admission;
}

/** The whole backpressure signal: the sender must look at it. */
export type Admission = 'accepted' | 'full' | 'stopped';

export type Lost = { readonly kind: 'failed'; readonly error: unknown } | { readonly kind: 'stopped' };

export interface ActorContext<M> {
  readonly self: ActorRef<M>;
  /** Virtual under simulation. */
  readonly clock: Clock;
  /** A child: stopped before its parent, restarted with it. */
  spawn<C, T>(spec: ActorSpec<C, T>): ActorRef<C>;
  /**
   * A message to self; dropped when the actor restarts or stops. A full mailbox is tried again after the same delay.
   */
  after(delayMs: number, message: M): void;
}
