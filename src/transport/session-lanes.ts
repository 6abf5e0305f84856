// Thread: worker
/**
 * The connections of one pool: which of them takes the next request, when another is opened, and when one is given up.
 * A second is opened only when the first is full; one that leaves or grows old is replaced while it finishes; one that
 * cannot be opened is tried again with full jitter, never at once for a second time (APNs: repeated open and close
 * looks like an attack).
 */
import { limits } from '../core/limits.ts';
import { fullJitterMs } from '../core/random.ts';
import { SessionLane } from './session-lane.ts';
import type { Cancel } from '../core/clock.ts';
import type { Dial } from './gateway-connection.ts';
import type { GatewaySessionOptions } from './gateway-session.ts';
import type { LaneKeeper, LaneRequests } from './session-lane.ts';

export type SessionLanesOptions = Pick<
  GatewaySessionOptions,
  'clock' | 'random' | 'sessionsMax' | 'streamsMax' | 'firstAlone' | 'pingAfterMs' | 'idleMs' | 'ageMs'
>;

const gatewayGone = 'gateway unreachable';

export class SessionLanes implements LaneKeeper {
  readonly #options: SessionLanesOptions;
  readonly #dial: Dial;
  readonly #requests: LaneRequests;
  #lanes: readonly SessionLane[] = [];
  /** Connections in a row that ended without an answer. */
  #failures = 0;
  #lastFailure = '';
  #cancelRetry: Cancel | undefined;
  #ending = false;

  constructor(options: SessionLanesOptions, dial: Dial, requests: LaneRequests) {
    this.#options = options;
    this.#dial = dial;
    this.#requests = requests;
  }

  get size(): number {
    return this.#lanes.length;
  }

  /** Why nothing should wait for a connection, if that is so: several in a row have failed, and none is up. */
  get hopeless(): string | undefined {
    if (this.#cancelRetry === undefined || this.#failures < limits.gatewayConnectAttemptsMax) return undefined;
    // Another connection may still be up and merely full: then waiting is worth it.
    if (this.#lanes.some((lane) => lane.state === 'open')) return undefined;
    return this.#lastFailure === '' ? gatewayGone : this.#lastFailure;
  }

  /** The one with most room; one that is being replaced only when no other has any. */
  roomiest(): SessionLane | undefined {
    let best: SessionLane | undefined;
    let room = 0;
    const lanes = this.#lanes;
    for (let index = 0; index < lanes.length; index++) {
      const lane = lanes[index];
      if (lane === undefined) continue;
      const laneRoom = lane.room;
      if (laneRoom <= 0) continue;
      const better = best === undefined || best.retiring === lane.retiring ? laneRoom > room : best.retiring;
      if (!better) continue;
      best = lane;
      room = laneRoom;
    }
    return best;
  }

  /** Something waits: opens a connection if that helps and is allowed now. */
  grow(): void {
    if (this.#cancelRetry !== undefined) return;
    let usable = 0;
    for (const lane of this.#lanes) {
      if (lane.promising) return;
      if (lane.state === 'open' && !lane.retiring) usable += 1;
    }
    if (usable >= this.#options.sessionsMax) return;
    // Those that only finish are bounded too: the oldest gives way.
    if (this.#lanes.length >= this.#options.sessionsMax * 2) {
      (this.#lanes.find((lane) => lane.state === 'leaving') ?? this.#lanes[0])?.destroy('replaced');
    }
    this.#open();
  }

  /** Leaves this one, or all, unless it is too young to be at fault. */
  renew(only: SessionLane | undefined): void {
    for (const lane of only === undefined ? this.#lanes : [only]) {
      if (lane.ageMs >= limits.gatewayRenewGapMs) lane.leave();
    }
  }

  /** Something was answered. */
  answered(): void {
    this.#failures = 0;
  }

  /** From now on none is replaced. */
  end(): void {
    this.#ending = true;
  }

  leaveAll(): void {
    for (const lane of this.#lanes) lane.leave();
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
  }

  destroyAll(reason: string): void {
    for (const lane of this.#lanes) lane.destroy(reason);
  }

  laneOpened(): void {
    this.#relieve();
    this.#requests.laneChanged();
  }

  laneAnswered(): void {
    this.#relieve();
  }

  laneLeaving(lane: SessionLane): void {
    // One that leaves without ever having answered counts as failed: else a gateway that says GOAWAY at once would be
    // dialled without end. One that is busy is replaced before the next request needs it.
    if (!lane.answered) this.#failed('closed by the gateway');
    if (lane.inFlight > 0 && !this.#ending) this.grow();
    this.#requests.laneChanged();
  }

  laneAged(lane: SessionLane): void {
    if (this.#ending) return;
    const { replacement } = lane;
    if (replacement?.state === 'connecting' || replacement?.state === 'open') {
      this.#relieve();
      return;
    }
    if (this.#cancelRetry !== undefined || this.#lanes.length >= this.#options.sessionsMax * 2) return;
    lane.replacement = this.#open();
  }

  laneClosed(lane: SessionLane, expected: boolean, reason: string): void {
    this.#lanes = this.#lanes.filter((other) => other !== lane);
    if (!expected && !lane.answered) this.#failed(reason);
    this.#requests.laneChanged();
  }

  #open(): SessionLane {
    const lane = new SessionLane({ ...this.#options, dial: this.#dial, keeper: this, requests: this.#requests });
    this.#lanes = [...this.#lanes, lane];
    return lane;
  }

  // An old one is left when its replacement can take over all it carries: where the first request goes alone, that is
  // after its answer.
  #relieve(): void {
    for (const lane of this.#lanes) {
      const { replacement } = lane;
      if (replacement?.state !== 'open') continue;
      if (replacement.answered || !this.#options.firstAlone || lane.inFlight === 0) lane.leave();
    }
  }

  #failed(reason: string): void {
    this.#failures += 1;
    this.#lastFailure = reason;
    const { clock, random } = this.#options;
    // The first failure is met at once: gateways end connections for reasons of their own.
    if (this.#failures === 1) return;
    const { gatewayReconnectFirstMs, gatewayReconnectMaxMs } = limits;
    const waitMs = fullJitterMs(random, this.#failures - 2, gatewayReconnectFirstMs, gatewayReconnectMaxMs);
    this.#cancelRetry?.();
    this.#cancelRetry = clock.after(waitMs, () => {
      this.#cancelRetry = undefined;
      this.#requests.laneChanged();
    });
  }
}
