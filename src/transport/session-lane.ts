// Thread: worker
/**
 * One connection with what the pool must remember of it: how much room it has, whether it has ever answered, how often
 * it refused, and how long it has been silent. Apple gives a fresh token-authenticated connection one stream until a
 * request has succeeded, and a dead connection is noticed only by a PING.
 */
import { limits } from '../core/limits.ts';
import type { ConnectionEvents, Dial, GatewayConnection } from './gateway-connection.ts';
import type { GatewayRequest } from './gateway-session.ts';
import type { Cancel, Clock } from '../core/clock.ts';

export interface LaneOwner {
  /** It may have more room than before. */
  laneChanged(): void;
  /** The gateway ends it: GOAWAY, or it refuses everything. */
  laneLeaving(lane: SessionLane): void;
  laneResponded(slot: number, status: number, fields: Readonly<Record<string, string>>, body: string): void;
  laneLost(slot: number, unprocessed: boolean, reason: string): void;
  /** `expected`: it was leaving already. */
  laneClosed(lane: SessionLane, expected: boolean, reason: string): void;
}

export interface LaneOptions {
  readonly clock: Clock;
  readonly dial: Dial;
  readonly owner: LaneOwner;
  readonly streamsMax: number;
  readonly firstAlone: boolean;
  readonly pingAfterMs: number;
}

export class SessionLane implements ConnectionEvents {
  readonly #options: LaneOptions;
  readonly #connection: GatewayConnection;
  readonly #startedAtMs: number;
  #state: 'connecting' | 'open' | 'leaving' | 'closed' = 'connecting';
  #inFlight = 0;
  #answered = false;
  #refusals = 0;
  #firstSentAtMs = 0;
  #heardAtMs = 0;
  #pinged = false;
  #cancelTimer: Cancel;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#startedAtMs = options.clock.monotonicMs();
    this.#cancelTimer = options.clock.after(limits.gatewayConnectMs, () => this.destroy('connect timeout'));
    this.#connection = options.dial(this);
  }

  get state(): 'connecting' | 'open' | 'leaving' | 'closed' {
    return this.#state;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Something was answered here: the gateway is really there. */
  get answered(): boolean {
    return this.#answered;
  }

  get ageMs(): number {
    return this.#options.clock.monotonicMs() - this.#startedAtMs;
  }

  /** Streams that may be started now. */
  get room(): number {
    if (this.#state !== 'open' || !this.#connection.writable) return 0;
    const { streamsMax, firstAlone } = this.#options;
    const allowed = firstAlone && !this.#answered ? 1 : Math.min(streamsMax, this.#connection.streamsMax);
    return allowed - this.#inFlight;
  }

  /** Will soon have room: a second connection is not the answer yet. */
  get promising(): boolean {
    if (this.#state === 'connecting') return true;
    if (this.#state !== 'open' || this.#answered || !this.#options.firstAlone || this.#inFlight === 0) return false;
    return this.#options.clock.monotonicMs() - this.#firstSentAtMs < limits.gatewayFirstAnswerMs;
  }

  send(slot: number, request: GatewayRequest): 'sent' | 'closed' | 'invalid' {
    const verdict = this.#connection.send(slot, request);
    if (verdict === 'sent') {
      this.#inFlight += 1;
      if (!this.#answered) this.#firstSentAtMs = this.#options.clock.monotonicMs();
    }
    return verdict;
  }

  cancel(slot: number): void {
    this.#inFlight -= 1;
    this.#connection.cancel(slot);
    this.#endIfIdle();
  }

  /** Takes no new requests; closes when those in flight have ended. */
  leave(): void {
    if (this.#state === 'leaving' || this.#state === 'closed') return;
    if (this.#state === 'connecting') {
      this.#state = 'leaving';
      this.#connection.destroy('no longer needed');
      return;
    }
    this.#state = 'leaving';
    this.#endIfIdle();
  }

  destroy(reason: string): void {
    if (this.#state !== 'closed') this.#connection.destroy(reason);
  }

  opened(): void {
    if (this.#state !== 'connecting') return;
    this.#state = 'open';
    this.#cancelTimer();
    this.#heard();
    if (this.#options.pingAfterMs > 0) this.#watch(this.#options.pingAfterMs);
    this.#options.owner.laneChanged();
  }

  streamsChanged(): void {
    this.#heard();
    this.#options.owner.laneChanged();
  }

  writableAgain(): void {
    this.#options.owner.laneChanged();
  }

  responded(slot: number, status: number, fields: Readonly<Record<string, string>>, body: string): void {
    this.#inFlight -= 1;
    this.#answered = true;
    this.#refusals = 0;
    this.#heard();
    this.#options.owner.laneResponded(slot, status, fields, body);
    this.#endIfIdle();
  }

  lost(slot: number, unprocessed: boolean, reason: string): void {
    this.#inFlight -= 1;
    if (unprocessed) {
      this.#heard();
      this.#refusals += 1;
      // A connection that refuses everything was once kept for six hours by another client: give it up.
      if (this.#refusals >= limits.gatewayRefusalsMax) this.leaving();
    }
    this.#options.owner.laneLost(slot, unprocessed, reason);
    this.#endIfIdle();
  }

  ponged(): void {
    this.#heard();
  }

  leaving(): void {
    if (this.#state === 'leaving' || this.#state === 'closed') return;
    this.leave();
    this.#options.owner.laneLeaving(this);
  }

  closed(reason: string): void {
    if (this.#state === 'closed') return;
    const expected = this.#state === 'leaving';
    this.#state = 'closed';
    this.#cancelTimer();
    this.#options.owner.laneClosed(this, expected, reason);
  }

  #endIfIdle(): void {
    if (this.#state === 'leaving' && this.#inFlight === 0) this.#connection.close();
  }

  #heard(): void {
    this.#heardAtMs = this.#options.clock.monotonicMs();
    this.#pinged = false;
  }

  // One timer for each connection, moved on only when it fires: what is heard in between costs an assignment.
  #watch(delayMs: number): void {
    this.#cancelTimer = this.#options.clock.after(delayMs, () => this.#lookAtSilence(), false);
  }

  #lookAtSilence(): void {
    const { clock, pingAfterMs } = this.#options;
    if (this.#state === 'closed') return;
    if (this.#pinged) {
      this.destroy('PING not answered');
      return;
    }
    const silentMs = clock.monotonicMs() - this.#heardAtMs;
    if (silentMs < pingAfterMs) {
      this.#watch(pingAfterMs - silentMs);
      return;
    }
    this.#pinged = true;
    this.#connection.ping();
    this.#watch(limits.gatewayPingAnswerMs);
  }
}
