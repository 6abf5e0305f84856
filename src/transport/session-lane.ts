// Thread: worker
/**
 * One connection with what the pool must remember of it: how much room it has, whether it has ever answered, how often
 * it refused, how long it has been silent, without work, and up. Apple gives a fresh token-authenticated connection one
 * stream until a request has succeeded, and a dead connection is noticed only by a PING.
 */
import { limits } from '../core/limits.ts';
import type { Cancel, Clock } from '../core/clock.ts';
import type { Random } from '../core/random.ts';
import type { ConnectionEvents, Dial, GatewayConnection } from './gateway-connection.ts';
import type { GatewayRequest } from './gateway-session.ts';

/** Who waits for what the requests bring. */
export interface LaneRequests {
  /** There may be more room than before. */
  laneChanged(): void;
  laneResponded(
    lane: SessionLane,
    slot: number,
    status: number,
    fields: Readonly<Record<string, string>>,
    body: string,
  ): void;
  laneLost(slot: number, unprocessed: boolean, reason: string): void;
  /** All that one read brought has been told. */
  laneTurnEnded(): void;
}

/** Who opens and replaces connections. */
export interface LaneKeeper {
  laneOpened(): void;
  /** Its first answer has come. */
  laneAnswered(): void;
  /** The gateway ends it: GOAWAY, or it refuses everything. */
  laneLeaving(lane: SessionLane): void;
  /** It is older than it should be; told again and again until it is left. */
  laneAged(lane: SessionLane): void;
  /** `expected`: it was leaving already. */
  laneClosed(lane: SessionLane, expected: boolean, reason: string): void;
}

export interface LaneOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly dial: Dial;
  readonly requests: LaneRequests;
  readonly keeper: LaneKeeper;
  readonly streamsMax: number;
  readonly firstAlone: boolean;
  readonly pingAfterMs: number;
  readonly idleMs: number;
  readonly ageMs: number;
}

/** This share of the age is left to chance: threads that started together do not renew together. */
const ageJitter = 0.1;

export class SessionLane implements ConnectionEvents {
  /** Opened to take over from this one, which is too old. */
  replacement: SessionLane | undefined;
  readonly #options: LaneOptions;
  readonly #connection: GatewayConnection;
  readonly #startedAtMs: number;
  readonly #agedAtMs: number;
  #state: 'connecting' | 'open' | 'leaving' | 'closed' = 'connecting';
  #inFlight = 0;
  #answered = false;
  #refusals = 0;
  /** Since when something is asked and nothing heard; `Infinity`: nothing is asked. */
  #askedAtMs = Infinity;
  #heardAtMs = 0;
  #pingedAtMs = Infinity;
  /** When it last had work, as far as noted; `#worked`: it has had some since, not noted yet. */
  #workedAtMs = 0;
  #worked = false;
  #cancelTimer: Cancel;

  constructor(options: LaneOptions) {
    const { clock, random, ageMs } = options;
    this.#options = options;
    this.#startedAtMs = clock.monotonicMs();
    this.#agedAtMs = ageMs > 0 ? this.#startedAtMs + ageMs * (1 - ageJitter * random.unit()) : Infinity;
    this.#cancelTimer = clock.after(limits.gatewayConnectMs, () => this.destroy('connect timeout'));
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

  get retiring(): boolean {
    return this.replacement !== undefined;
  }

  get ageMs(): number {
    return this.#options.clock.monotonicMs() - this.#startedAtMs;
  }

  /** Streams that may be started now. */
  get room(): number {
    if (this.#state !== 'open') return 0;
    const { streamsMax, firstAlone } = this.#options;
    const allowed = firstAlone && !this.#answered ? 1 : Math.min(streamsMax, this.#connection.streamsMax);
    const room = allowed - this.#inFlight;
    return room > 0 && this.#connection.writable ? room : 0;
  }

  /** Will soon have room: a second connection is not the answer yet. */
  get promising(): boolean {
    if (this.#state === 'connecting') return true;
    if (this.#state !== 'open' || this.#answered || !this.#options.firstAlone || this.#inFlight === 0) return false;
    return this.#options.clock.monotonicMs() - this.#askedAtMs < limits.gatewayFirstAnswerMs;
  }

  send(slot: number, request: GatewayRequest): 'sent' | 'closed' | 'invalid' {
    const verdict = this.#connection.send(slot, request);
    if (verdict === 'sent') {
      this.#inFlight += 1;
      this.#worked = true;
      if (this.#askedAtMs === Infinity) this.#askedAtMs = this.#options.clock.monotonicMs();
    }
    return verdict;
  }

  cancel(slot: number): void {
    this.#inFlight -= 1;
    if (this.#inFlight === 0) this.#askedAtMs = Infinity;
    this.#connection.cancel(slot);
    this.#endIfIdle();
  }

  /**
   * A request has reached its deadline. With nothing heard for a while although something was asked, the other end is
   * gone or forgotten on the way, and TCP does not tell: what comes must not end like it.
   */
  overdue(slot: number): void {
    const isMute = this.#options.clock.monotonicMs() - this.#askedAtMs >= limits.gatewayMuteMs;
    this.cancel(slot);
    if (isMute) this.leaving();
  }

  /** Takes no new requests; closes when those in flight have ended. */
  leave(): void {
    if (this.#state === 'leaving' || this.#state === 'closed') return;
    const connecting = this.#state === 'connecting';
    this.#state = 'leaving';
    if (connecting) this.#connection.destroy('no longer needed');
    else this.#endIfIdle();
  }

  destroy(reason: string): void {
    if (this.#state !== 'closed') this.#connection.destroy(reason);
  }

  opened(): void {
    if (this.#state !== 'connecting') return;
    this.#state = 'open';
    this.#cancelTimer();
    this.#heard();
    this.#workedAtMs = this.#heardAtMs;
    this.#watch(this.#heardAtMs);
    this.#options.keeper.laneOpened();
  }

  streamsChanged(): void {
    this.#options.requests.laneChanged();
  }

  writableAgain(): void {
    this.#options.requests.laneChanged();
  }

  responded(slot: number, status: number, fields: Readonly<Record<string, string>>, body: string): void {
    this.#inFlight -= 1;
    this.#refusals = 0;
    if (!this.#answered) {
      this.#answered = true;
      this.#options.keeper.laneAnswered();
    }
    this.#options.requests.laneResponded(this, slot, status, fields, body);
    this.#endIfIdle();
  }

  lost(slot: number, unprocessed: boolean, reason: string): void {
    this.#inFlight -= 1;
    if (unprocessed) {
      this.#refusals += 1;
      // A connection that refuses everything was once kept for six hours by another client: give it up.
      if (this.#refusals >= limits.gatewayRefusalsMax) this.leaving();
    }
    this.#options.requests.laneLost(slot, unprocessed, reason);
    this.#endIfIdle();
  }

  turnEnded(): void {
    this.#heard();
    this.#askedAtMs = this.#inFlight > 0 ? this.#heardAtMs : Infinity;
    if (this.#worked) {
      this.#workedAtMs = this.#heardAtMs;
      this.#worked = this.#inFlight > 0;
    }
    this.#options.requests.laneTurnEnded();
  }

  leaving(): void {
    if (this.#state === 'leaving' || this.#state === 'closed') return;
    this.leave();
    this.#options.keeper.laneLeaving(this);
  }

  closed(reason: string): void {
    if (this.#state === 'closed') return;
    const expected = this.#state === 'leaving';
    this.#state = 'closed';
    this.#cancelTimer();
    this.#options.keeper.laneClosed(this, expected, reason);
  }

  #endIfIdle(): void {
    if (this.#state === 'leaving' && this.#inFlight === 0) this.#connection.close();
  }

  #heard(): void {
    this.#heardAtMs = this.#options.clock.monotonicMs();
    this.#pingedAtMs = Infinity;
  }

  // One timer for each connection, moved on only when it fires: what is heard in between costs an assignment.
  #watch(nowMs: number): void {
    const { clock, pingAfterMs, idleMs } = this.#options;
    let nextMs = pingAfterMs > 0 ? this.#silentUntilMs() : Infinity;
    if (this.#state === 'open') {
      const agedMs = this.#agedAtMs > nowMs ? this.#agedAtMs : nowMs + limits.gatewayReconnectMaxMs;
      const idleAtMs = idleMs > 0 ? (this.#inFlight > 0 ? nowMs : this.#workedAtMs) + idleMs : Infinity;
      nextMs = Math.min(nextMs, agedMs, idleAtMs);
    }
    if (nextMs < Infinity) this.#cancelTimer = clock.after(Math.max(0, nextMs - nowMs), () => this.#look(), false);
  }

  /** Until then silence is borne: then comes a PING, and after a PING the end. */
  #silentUntilMs(): number {
    return this.#pingedAtMs === Infinity
      ? this.#heardAtMs + this.#options.pingAfterMs
      : this.#pingedAtMs + limits.gatewayPingAnswerMs;
  }

  #look(): void {
    const { clock, pingAfterMs, idleMs, keeper } = this.#options;
    if (this.#state === 'closed') return;
    const nowMs = clock.monotonicMs();
    if (pingAfterMs > 0 && nowMs >= this.#silentUntilMs()) {
      if (this.#pingedAtMs < Infinity) {
        this.destroy('PING not answered');
        return;
      }
      this.#pingedAtMs = nowMs;
      this.#connection.ping();
    }
    if (this.#worked && this.#inFlight === 0) {
      this.#worked = false; // the last of it was cancelled
      this.#workedAtMs = nowMs;
    }
    if (idleMs > 0 && this.#inFlight === 0 && nowMs >= this.#workedAtMs + idleMs) this.leave();
    if (this.#state === 'open' && nowMs >= this.#agedAtMs) keeper.laneAged(this);
    this.#watch(nowMs);
  }
}
