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
import { fullJitterMs } from '../core/random.ts';
import { SessionLane } from './session-lane.ts';
import { SlotQueue } from './slot-queue.ts';
import type { Cancel, Clock } from '../core/clock.ts';
import type { EpochMs } from '../core/ids.ts';
import type { Random } from '../core/random.ts';
import type { Dial } from './gateway-connection.ts';
import type { GatewayFailure, GatewayReplies, GatewayRequest, GatewaySession } from './gateway-session.ts';
import type { LaneOwner } from './session-lane.ts';

export interface SessionPoolOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly replies: GatewayReplies;
  readonly dial: Dial;
  readonly sessionsMax: number;
  readonly streamsMax: number;
  readonly waitingMax: number;
  readonly firstAlone: boolean;
  readonly pingAfterMs: number;
}

/** A request from `taken` to its end; reused, because there is one for each notification. */
interface Flight {
  tag: number;
  deadlineMs: number;
  request: GatewayRequest;
  /** Where it was written; undefined while it waits. */
  lane: SessionLane | undefined;
  replayed: boolean;
  live: boolean;
}

const noRequest: GatewayRequest = Object.freeze({ path: '', shared: {}, fields: {}, body: '' });
const gatewayGone = 'gateway unreachable';

export class SessionPool implements GatewaySession, LaneOwner {
  readonly #options: SessionPoolOptions;
  readonly #flights: Flight[] = [];
  readonly #free: number[] = [];
  readonly #waiting = new SlotQueue();
  #lanes: readonly SessionLane[] = [];
  /** Connections in a row that ended without an answer. */
  #failures = 0;
  #lastFailure = '';
  #cancelRetry: Cancel | undefined;
  #cancelSweep: Cancel | undefined;
  #sweepAtMs = Infinity;
  #pumpSoon = false;
  /** The connection whose response is being told: the one `renew` is about. */
  #speaking: SessionLane | undefined;
  #draining: { readonly promise: Promise<void>; readonly resolve: () => void; readonly cancel: Cancel } | undefined;

  constructor(options: SessionPoolOptions) {
    this.#options = options;
  }

  request(request: GatewayRequest, tag: number, deadlineAtMs: EpochMs): 'taken' | 'full' | 'closed' {
    if (this.#draining !== undefined) return 'closed';
    const lane = this.#waiting.size === 0 ? this.#roomiest() : undefined;
    if (lane === undefined && this.#waiting.size >= this.#options.waitingMax) return 'full';
    // Wall time may jump while a request flies; what is left of it now does not change any more.
    const { clock } = this.#options;
    const deadlineMs = clock.monotonicMs() + deadlineAtMs - clock.now();
    const slot = this.#take(request, tag, deadlineMs);
    if (lane === undefined) {
      this.#waiting.push(slot);
      this.#schedulePump();
    } else {
      this.#send(lane, slot);
    }
    this.#armSweep(deadlineMs);
    return 'taken';
  }

  renew(): void {
    const speaking = this.#speaking;
    for (const lane of speaking === undefined ? this.#lanes : [speaking]) {
      if (lane.ageMs >= limits.gatewayRenewGapMs) lane.leave();
    }
    this.#schedulePump();
  }

  drain(budgetMs: number): Promise<void> {
    if (this.#draining === undefined) {
      let resolve: () => void = () => undefined;
      const promise = new Promise<void>((settle) => (resolve = settle));
      const cancel = this.#options.clock.after(budgetMs, () => this.#abandon());
      this.#draining = { promise, resolve, cancel };
      this.#schedulePump();
    }
    return this.#draining.promise;
  }

  laneChanged(): void {
    this.#schedulePump();
  }

  laneLeaving(lane: SessionLane): void {
    // One that leaves without ever having answered counts as failed: else a gateway that says GOAWAY at once would be
    // dialled without end. One that is busy is replaced before the next request needs it.
    if (!lane.answered) this.#failed('closed by the gateway');
    if (lane.inFlight > 0 && this.#draining === undefined) this.#grow();
    this.#schedulePump();
  }

  laneResponded(slot: number, status: number, fields: Readonly<Record<string, string>>, body: string): void {
    this.#failures = 0;
    const flight = this.#flight(slot);
    const { tag, lane } = flight;
    this.#release(slot);
    this.#speaking = lane;
    this.#options.replies.responded(tag, status, fields, body);
    this.#speaking = undefined;
    if (this.#waiting.size > 0 || this.#draining !== undefined) this.#pump();
  }

  laneLost(slot: number, unprocessed: boolean, reason: string): void {
    const flight = this.#flight(slot);
    if (unprocessed && !flight.replayed) {
      flight.replayed = true;
      flight.lane = undefined;
      this.#waiting.pushFront(slot);
    } else {
      this.#fail(slot, unprocessed ? 'not-sent' : 'no-answer', reason);
    }
    this.#schedulePump();
  }

  laneClosed(lane: SessionLane, expected: boolean, reason: string): void {
    this.#lanes = this.#lanes.filter((other) => other !== lane);
    if (!expected && !lane.answered && this.#draining === undefined) this.#failed(reason);
    this.#schedulePump();
  }

  // In a later turn: what a connection reports must be complete before the pool acts on it.
  #schedulePump(): void {
    if (this.#pumpSoon) return;
    this.#pumpSoon = true;
    this.#options.clock.soon(() => {
      this.#pumpSoon = false;
      this.#pump();
    });
  }

  #pump(): void {
    while (this.#waiting.size > 0) {
      const lane = this.#roomiest();
      if (lane === undefined) break;
      const slot = this.#waiting.shift();
      if (slot === undefined) break;
      this.#send(lane, slot);
    }
    if (this.#waiting.size > 0) this.#grow();
    if (this.#draining !== undefined) this.#endDrain();
  }

  #roomiest(): SessionLane | undefined {
    let best: SessionLane | undefined;
    let room = 0;
    for (const lane of this.#lanes) {
      const laneRoom = lane.room;
      if (laneRoom > room) {
        best = lane;
        room = laneRoom;
      }
    }
    return best;
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

  #grow(): void {
    if (this.#cancelRetry !== undefined) {
      if (this.#failures >= limits.gatewayConnectAttemptsMax) this.#giveUpWaiting();
      return;
    }
    const usable = this.#lanes.filter((lane) => lane.state === 'connecting' || lane.state === 'open');
    if (usable.length >= this.#options.sessionsMax || usable.some((lane) => lane.promising)) return;
    // Those that only finish are bounded too: the oldest gives way.
    if (this.#lanes.length >= this.#options.sessionsMax * 2) this.#lanes[0]?.destroy('replaced');
    const { clock, dial, streamsMax, firstAlone, pingAfterMs } = this.#options;
    this.#lanes = [...this.#lanes, new SessionLane({ clock, dial, owner: this, streamsMax, firstAlone, pingAfterMs })];
  }

  #failed(reason: string): void {
    this.#failures += 1;
    this.#lastFailure = reason;
    const { clock, random } = this.#options;
    // The first failure is met at once: gateways end connections for reasons of their own.
    if (this.#failures === 1) return;
    const firstMs = limits.gatewayReconnectFirstMs;
    const delayMs = fullJitterMs(random, this.#failures - 2, firstMs, limits.gatewayReconnectMaxMs);
    this.#cancelRetry?.();
    this.#cancelRetry = clock.after(delayMs, () => {
      this.#cancelRetry = undefined;
      this.#pump();
    });
  }

  #giveUpWaiting(): void {
    // Another connection may still be up and merely full: then waiting is worth it.
    if (this.#lanes.some((lane) => lane.state === 'open')) return;
    const reason = this.#lastFailure === '' ? gatewayGone : this.#lastFailure;
    for (const slot of this.#waiting.removeWhere(() => true)) this.#fail(slot, 'not-sent', reason);
  }

  #armSweep(deadlineMs: number): void {
    if (deadlineMs >= this.#sweepAtMs) return;
    this.#cancelSweep?.();
    const nowMs = this.#options.clock.monotonicMs();
    this.#sweepAtMs = Math.max(deadlineMs, nowMs + limits.gatewaySweepGapMs);
    this.#cancelSweep = this.#options.clock.after(this.#sweepAtMs - nowMs, () => this.#sweep());
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
      lane.cancel(slot);
      this.#fail(slot, 'deadline', 'deadline');
    }
    // While something waits, look often enough to see that a first request stays unanswered.
    if (this.#waiting.size > 0) nextMs = Math.min(nextMs, nowMs + limits.gatewayFirstAnswerMs);
    if (nextMs < Infinity) this.#armSweep(nextMs);
    this.#pump();
  }

  #abandon(): void {
    const reason = 'drained';
    for (const slot of this.#waiting.removeWhere(() => true)) this.#fail(slot, 'not-sent', reason);
    for (let slot = 0; slot < this.#flights.length; slot++) {
      const flight = this.#flights[slot];
      if (flight === undefined || !flight.live) continue;
      flight.lane?.cancel(slot);
      this.#fail(slot, 'no-answer', reason);
    }
    for (const lane of this.#lanes) lane.destroy(reason);
    this.#schedulePump();
  }

  #endDrain(): void {
    if (this.#flights.length > this.#free.length) return;
    for (const lane of this.#lanes) lane.leave();
    if (this.#lanes.length > 0) return;
    this.#cancelRetry?.();
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
