// Thread: any
/**
 * Which of several equal gateways takes the next request: the one with the least in flight among those that work. One
 * that fails often enough in a row is left out, and asked how it is after waits with full jitter; when it says that it
 * works it is on probation, so that a single failure takes it out again. Rules alone: no clock, no timer, no socket.
 */
import { limits } from '../core/limits.ts';
import { fullJitterMs } from '../core/random.ts';
import type { Random } from '../core/random.ts';

/**
 * How a request ended for the gateway. `unreached`: no connection, or one that was lost. `troubled`: no answer in time,
 * or one that names a fault of the gateway itself. Answers about a notification, bad ones too, are `worked`.
 */
export type GatewayEnd = 'worked' | 'unreached' | 'troubled';

interface Place {
  inFlight: number;
  isUp: boolean;
  /** In a row, of both kinds. */
  failures: number;
  /** Times it was left out or failed to come back since it last worked. */
  attempt: number;
}

export class GatewayChoice {
  readonly #random: Random;
  readonly #places: readonly Place[];
  /** Where the search begins: equals take turns. */
  #next = 0;

  constructor(count: number, random: Random) {
    this.#random = random;
    this.#places = Array.from({ length: count }, () => ({ inFlight: 0, isUp: true, failures: 0, attempt: 0 }));
  }

  /** -1: all are left out. `except`: one that must not be chosen, -1 for none. */
  choose(except: number): number {
    const places = this.#places;
    let chosen = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let step = 0; step < places.length; step++) {
      const index = (this.#next + step) % places.length;
      const place = places[index];
      if (place === undefined || !place.isUp || index === except || place.inFlight >= least) continue;
      chosen = index;
      least = place.inFlight;
    }
    if (chosen !== -1) this.#next = (chosen + 1) % places.length;
    return chosen;
  }

  isUp(index: number): boolean {
    return this.#places[index]?.isUp ?? false;
  }

  inFlight(index: number): number {
    return this.#places[index]?.inFlight ?? 0;
  }

  began(index: number): void {
    const place = this.#places[index];
    if (place !== undefined) place.inFlight++;
  }

  /** It is over, and says nothing about the gateway. */
  ended(index: number): void {
    const place = this.#places[index];
    if (place !== undefined) place.inFlight--;
  }

  /** @returns whether this is what takes it out: now the caller has to ask it after `waitMs`. */
  judge(index: number, end: GatewayEnd): boolean {
    const place = this.#places[index];
    if (place === undefined) return false;
    if (end === 'worked') {
      place.isUp = true;
      place.failures = 0;
      place.attempt = 0;
      return false;
    }
    place.failures++;
    const max = end === 'unreached' ? limits.gatewayUnreachedMax : limits.gatewayTroubledMax;
    return place.isUp && place.failures >= max && this.leaveOut(index);
  }

  /** @returns true: see `judge`. */
  leaveOut(index: number): true {
    const place = this.#places[index];
    if (place !== undefined) place.isUp = false;
    return true;
  }

  /** One that is out was asked. */
  asked(index: number, isWell: boolean): void {
    const place = this.#places[index];
    if (place === undefined) return;
    place.attempt++;
    if (!isWell) return;
    place.isUp = true;
    place.failures = limits.gatewayTroubledMax - 1; // on probation
  }

  /** Until it is to be asked how it is. */
  waitMs(index: number): number {
    const place = this.#places[index];
    if (place === undefined || place.isUp) return limits.gatewayCheckEveryMs * (0.5 + this.#random.unit());
    return fullJitterMs(this.#random, place.attempt, limits.gatewayReconnectFirstMs, limits.gatewayReconnectMaxMs);
  }
}
