// Thread: worker
/**
 * The rules for talking to a gateway over HTTP/2, whichever client makes the connections (APNs: "Sending notification
 * requests"; RFC 9113 §6.8, §8.7): the first request alone where Apple wants it, then as many as the peer allows at
 * this moment; a second connection only when the first is full; a leaving connection finishes while another opens; what
 * was certainly not acted on is sent once more, nothing else is; every request has a deadline; nothing waits without a
 * bound.
 */
import { assert, unreachable } from '../core/assert.ts';
import { limits } from '../core/limits.ts';
import { SessionLanes } from './session-lanes.ts';
import { SlotQueue } from './slot-queue.ts';
import type { Cancel } from '../core/clock.ts';
import type { EpochMs } from '../core/ids.ts';
import type { Dial } from './gateway-connection.ts';
import type { GatewayFailure, GatewayRequest, GatewaySession, GatewaySessionOptions } from './gateway-session.ts';
import type { LaneRequests, SessionLane } from './session-lane.ts';
import type { SessionLanesOptions } from './session-lanes.ts';

/** Of the options of a session those that are the same for every client; the others are for its `dial`. */
export type SessionPoolOptions = SessionLanesOptions & Pick<GatewaySessionOptions, 'replies' | 'waitingMax'>;

/** A request from `taken` to its end; reused, because there is one for each notification. */
interface Flight {
  tag: number;
  /** On the monotonic clock. */
  deadlineMs: number;
  request: GatewayRequest;
  /** Where it was written; undefined while it waits. */
  lane: SessionLane | undefined;
  replayed: boolean;
  live: boolean;
}

const noRequest: GatewayRequest = Object.freeze({ path: '', shared: {}, fields: {}, body: '' });

export class SessionPool implements GatewaySession, LaneRequests {
  readonly #options: SessionPoolOptions;
  readonly #lanes: SessionLanes;
  readonly #flights: Flight[] = [];
  readonly #free: number[] = [];
  readonly #waiting = new SlotQueue();
  #cancelSweep: Cancel | undefined;
  #sweepAtMs = Infinity;
  #laterAsked = false;
  #pumpLater = false;
  /** From wall time to the monotonic clock; undefined between turns. */
  #skewMs: number | undefined;
  /** The connection whose response is being told: the one `renew` is about. */
  #speaking: SessionLane | undefined;
  #draining: { readonly promise: Promise<void>; readonly resolve: () => void; readonly cancel: Cancel } | undefined;

  constructor(options: SessionPoolOptions, dial: Dial) {
    this.#options = options;
    this.#lanes = new SessionLanes(options, dial, this);
  }

  request(request: GatewayRequest, tag: number, deadlineAtMs: EpochMs): 'taken' | 'full' | 'closed' {
    if (this.#draining !== undefined) return 'closed';
    const lane = this.#waiting.size === 0 ? this.#lanes.roomiest() : undefined;
    if (lane === undefined && this.#waiting.size >= this.#options.waitingMax) return 'full';
    // Wall time may jump while a request flies; what is left of it now does not change any more.
    const deadlineMs = deadlineAtMs + this.#skew();
    const slot = this.#take(request, tag, deadlineMs);
    if (lane === undefined) {
      this.#waiting.push(slot);
      this.#schedulePump();
    } else {
      this.#send(lane, slot);
    }
    if (deadlineMs < this.#sweepAtMs) this.#armSweep(deadlineMs);
    return 'taken';
  }

  renew(): void {
    this.#lanes.renew(this.#speaking);
    this.#schedulePump();
  }

  drain(budgetMs: number): Promise<void> {
    if (this.#draining === undefined) {
      let resolve: () => void = () => undefined;
      const promise = new Promise<void>((settle) => (resolve = settle));
      const cancel = this.#options.clock.after(budgetMs, () => this.#abandon());
      this.#draining = { promise, resolve, cancel };
      this.#lanes.end();
      this.#schedulePump();
    }
    return this.#draining.promise;
  }

  laneChanged(): void {
    this.#schedulePump();
  }

  laneResponded(
    lane: SessionLane,
    slot: number,
    status: number,
    fields: Readonly<Record<string, string>>,
    body: string,
  ): void {
    this.#lanes.answered();
    const { tag } = this.#flight(slot);
    this.#release(slot);
    this.#speaking = lane;
    this.#options.replies.responded(tag, status, fields, body);
    this.#speaking = undefined;
  }

  laneLost(slot: number, unprocessed: boolean, reason: string): void {
    const flight = this.#flight(slot);
    if (unprocessed && !flight.replayed) {
      flight.replayed = true;
      flight.lane = undefined;
      this.#waiting.pushReturned(slot);
    } else {
      this.#fail(slot, unprocessed ? 'not-sent' : 'no-answer', reason);
    }
    this.#schedulePump();
  }

  laneTurnEnded(): void {
    if (this.#waiting.size > 0 || this.#draining !== undefined) this.#pump();
  }

  // Clocks are read once for all requests of a turn.
  #skew(): number {
    if (this.#skewMs === undefined) {
      const { clock } = this.#options;
      this.#skewMs = clock.monotonicMs() - clock.now();
      this.#askLater();
    }
    return this.#skewMs;
  }

  // In a later turn: what a connection reports must be complete before the pool acts on it.
  #schedulePump(): void {
    this.#pumpLater = true;
    this.#askLater();
  }

  #askLater(): void {
    if (this.#laterAsked) return;
    this.#laterAsked = true;
    this.#options.clock.soon(this.#later);
  }

  readonly #later = (): void => {
    this.#laterAsked = false;
    this.#skewMs = undefined;
    if (!this.#pumpLater) return;
    this.#pumpLater = false;
    this.#pump();
  };

  #pump(): void {
    while (this.#waiting.size > 0) {
      const lane = this.#lanes.roomiest();
      if (lane === undefined) break;
      const slot = this.#waiting.shift();
      if (slot === undefined) break;
      this.#send(lane, slot);
    }
    if (this.#waiting.size > 0) {
      this.#lanes.grow();
      const { hopeless } = this.#lanes;
      if (hopeless !== undefined) this.#failWaiting(hopeless);
    }
    if (this.#draining !== undefined) this.#endDrain();
  }

  #send(lane: SessionLane, slot: number): void {
    const flight = this.#flight(slot);
    const verdict = lane.send(slot, flight.request);
    switch (verdict) {
      case 'sent':
        flight.lane = lane;
        return;
      case 'closed':
        lane.leave();
        this.#waiting.pushFront(slot);
        this.#schedulePump();
        return;
      case 'invalid':
        this.#fail(slot, 'not-sent', 'a field cannot be sent over HTTP/2');
        return;
      default:
        unreachable(verdict);
    }
  }

  #failWaiting(reason: string): void {
    for (const slot of this.#waiting.removeWhere(() => true)) this.#fail(slot, 'not-sent', reason);
  }

  #armSweep(deadlineMs: number): void {
    const nowMs = this.#options.clock.monotonicMs();
    const dueMs = Math.max(deadlineMs, nowMs + limits.gatewaySweepGapMs);
    if (dueMs >= this.#sweepAtMs) return; // else requests that are nearly late would put it off for ever
    this.#cancelSweep?.();
    this.#sweepAtMs = dueMs;
    this.#cancelSweep = this.#options.clock.after(dueMs - nowMs, () => this.#sweep());
  }

  #sweep(): void {
    const nowMs = this.#options.clock.monotonicMs();
    this.#sweepAtMs = Infinity;
    this.#cancelSweep = undefined;
    const late = this.#waiting.removeWhere((slot) => this.#flight(slot).deadlineMs <= nowMs);
    for (const slot of late) this.#fail(slot, 'deadline-unsent', 'deadline');
    let nextMs = Infinity;
    for (let slot = 0; slot < this.#flights.length; slot++) {
      const flight = this.#flights[slot];
      if (flight === undefined || !flight.live) continue;
      if (flight.deadlineMs > nowMs) {
        nextMs = Math.min(nextMs, flight.deadlineMs);
        continue;
      }
      const lane = flight.lane;
      if (lane === undefined) continue;
      lane.overdue(slot);
      this.#fail(slot, 'deadline', 'deadline');
    }
    // While something waits, look often enough to see that a first request stays unanswered.
    if (this.#waiting.size > 0) nextMs = Math.min(nextMs, nowMs + limits.gatewayFirstAnswerMs);
    if (nextMs < Infinity) this.#armSweep(nextMs);
    this.#pump();
  }

  #abandon(): void {
    const reason = 'drained';
    this.#failWaiting(reason);
    for (let slot = 0; slot < this.#flights.length; slot++) {
      const flight = this.#flights[slot];
      if (flight === undefined || !flight.live) continue;
      flight.lane?.cancel(slot);
      this.#fail(slot, 'no-answer', reason);
    }
    this.#lanes.destroyAll(reason);
    this.#schedulePump();
  }

  #endDrain(): void {
    if (this.#flights.length > this.#free.length) return;
    this.#lanes.leaveAll();
    if (this.#lanes.size > 0) return;
    this.#cancelSweep?.();
    this.#draining?.cancel();
    this.#draining?.resolve();
  }

  #take(request: GatewayRequest, tag: number, deadlineMs: number): number {
    const reused = this.#free.pop();
    if (reused === undefined) {
      this.#flights.push({ tag, deadlineMs, request, lane: undefined, replayed: false, live: true });
      return this.#flights.length - 1;
    }
    const flight = this.#flight(reused);
    flight.tag = tag;
    flight.deadlineMs = deadlineMs;
    flight.request = request;
    flight.live = true;
    return reused;
  }

  #flight(slot: number): Flight {
    const flight = this.#flights[slot];
    assert(flight !== undefined, 'a slot number is one of the pool');
    return flight;
  }

  #release(slot: number): void {
    const flight = this.#flight(slot);
    flight.live = false;
    flight.lane = undefined;
    flight.replayed = false;
    flight.request = noRequest; // the payload is not kept
    this.#free.push(slot);
  }

  #fail(slot: number, failure: GatewayFailure, reason: string): void {
    const { tag } = this.#flight(slot);
    this.#release(slot);
    this.#options.replies.failed(tag, failure, reason);
  }
}
