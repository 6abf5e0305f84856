/**
 * One spoilt server stream against our HTTP/2 client, in memory and on a clock of its own: nothing is thrown, each
 * request ends once, what is written stays in proportion, and nothing is left behind. A seed names a stream.
 */
import { H2Connection } from '../../src/transport/h2/h2-connection.ts';
import { readCaptures } from '../peers/h2-captures.ts';
import { TurnClock } from '../peers/turn-clock.ts';
import { below, capturedStream, chanceOf, goodStream, spoilt } from './server-streams.ts';
import type { ConnectionEvents } from '../../src/transport/gateway-connection.ts';
import type { ByteWire } from '../../src/transport/h2/byte-wire.ts';
import type { Chance, ServerStream } from './server-streams.ts';

const originals: readonly ServerStream[] = [
  ...Array.from({ length: 256 }, (_, seed) => goodStream(seed + 1)),
  ...readCaptures().flatMap(({ bytes }) => Array.from({ length: 8 }, () => capturedStream(bytes))),
];
const untouchedShare = 1 / 16;
const advancesMs = 120_000;

function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

class CountingWire implements ByteWire {
  bytes = 0;
  over = false;
  readonly #clock: TurnClock;

  constructor(clock: TurnClock) {
    this.#clock = clock;
  }

  write(bytes: Uint8Array, written: () => void): void {
    check(!this.over, 'a write after the end');
    this.bytes += bytes.length;
    this.#clock.soon(written);
  }

  end(): void {
    this.over = true;
  }

  destroy(): void {
    this.over = true;
  }
}

class CountingEvents implements ConnectionEvents {
  readonly open: Set<number> = new Set();
  readonly ends: string[] = [];
  closedTimes = 0;
  opened(): void {
    this.#told();
  }

  streamsChanged(): void {
    this.#told();
  }

  writableAgain(): void {
    this.#told();
  }

  turnEnded(): void {
    this.#told();
  }

  responded(slot: number, status: number, fields: Readonly<Record<string, string>>, body: string): void {
    this.#ended(slot, `${status} ${fields['apns-id'] ?? ''} ${body}`);
    check(status >= 200 && status <= 999, `status ${status}`);
  }

  lost(slot: number, _unprocessed: boolean, reason: string): void {
    this.#ended(slot, 'lost');
    check(reason.length > 0 && reason.length < 1_000, `reason ${reason}`);
  }

  leaving(): void {
    this.#told();
  }

  closed(): void {
    this.#told();
    check(this.open.size === 0, 'closed before all streams have ended');
    this.closedTimes++;
  }

  #ended(slot: number, how: string): void {
    this.#told();
    check(this.open.delete(slot), `slot ${slot} ends that is not open: ${how}`);
    this.ends[slot] = how;
  }

  #told(): void {
    check(this.closedTimes === 0, 'something is told after closed');
  }
}

class Run {
  readonly #chance: Chance;
  readonly #clock = new TurnClock();
  readonly #wire = new CountingWire(this.#clock);
  readonly #events = new CountingEvents();
  readonly #connection: H2Connection;
  readonly #original: ServerStream;
  readonly #frames: readonly Buffer[];
  readonly #untouched: boolean;
  #slots = 0;
  #requestBytes = 0;

  constructor(seed: number) {
    this.#chance = chanceOf(seed);
    this.#original = this.#anOriginal();
    this.#untouched = this.#chance() < untouchedShare;
    this.#frames = this.#untouched
      ? this.#original.frames
      : spoilt(this.#chance, this.#original.frames, this.#anOriginal().frames);
    this.#connection = new H2Connection({
      clock: this.#clock,
      events: this.#events,
      wire: this.#wire,
      authority: 'gateway.example',
      fields: { 'content-type': 'application/json' },
      replyFields: ['apns-id'],
    });
  }

  go(): void {
    const [first = Buffer.alloc(0), ...rest] = this.#frames;
    this.#connection.start();
    this.#clock.settle();
    const bytes = Buffer.concat(rest);
    const bytesMax = bytes.length + first.length;
    this.#receive(Buffer.from(first));
    for (let count = 0; count < this.#original.requests; count++) this.#send();
    this.#clock.settle();
    this.#feed(bytes);
    if (this.#untouched) {
      const { ends } = this.#original;
      check(
        ends.every((end, slot) => this.#events.ends[slot] === end),
        `untouched, but ${JSON.stringify(this.#events.ends)} instead of ${JSON.stringify(ends)}`,
      );
    }
    if (this.#chance() < 0.5) this.#connection.wireClosed('the fuzz run closes');
    else this.#connection.destroy('the fuzz run ends');
    this.#clock.advance(advancesMs);
    check(this.#events.closedTimes === 1, 'closed is not told once');
    check(this.#events.open.size === 0, `${this.#events.open.size} requests without an end`);
    check(this.#clock.pending === 0, `${this.#clock.pending} timers left`);
    const allowed = 4_096 + this.#requestBytes + 4 * bytesMax;
    check(this.#wire.bytes <= allowed, `${this.#wire.bytes} bytes written, ${bytesMax} received`);
  }

  #anOriginal(): ServerStream {
    const original = originals[below(this.#chance, originals.length)];
    check(original !== undefined, 'no originals');
    return original;
  }

  #feed(bytes: Buffer): void {
    const chance = this.#chance;
    const cuts = chance() < 0.02 ? bytes.length : below(chance, 4);
    for (let at = 0, left = cuts; at < bytes.length; left--) {
      const rest = bytes.length - at;
      const size = left <= 0 ? rest : cuts === bytes.length ? 1 : 1 + below(chance, rest);
      this.#receive(bytes.subarray(at, at + size));
      at += size;
      if (!this.#untouched && chance() < 0.1) this.#act();
      if (chance() < 0.5) this.#clock.settle();
    }
    this.#clock.settle();
  }

  /** The memory belongs to the socket: other bytes stand there afterwards. */
  #receive(bytes: Buffer): void {
    this.#connection.received(bytes);
    bytes.fill(0xee);
  }

  #send(): void {
    const slot = this.#slots++;
    this.#events.open.add(slot);
    const large = this.#chance() < 0.02;
    const body = large ? 'x'.repeat(70_000) : '{"aps":{"alert":"hello"}}';
    const request = { path: `/3/device/${slot}`, shared: {}, fields: {}, body };
    if (this.#connection.send(slot, request) === 'sent') this.#requestBytes += body.length + 300;
    else this.#events.open.delete(slot);
  }

  #act(): void {
    const chance = this.#chance;
    const what = below(chance, 12);
    if (what < 5) this.#send();
    else if (what < 8) {
      const slot = below(chance, this.#slots + 1);
      this.#connection.cancel(slot);
      this.#events.open.delete(slot);
    } else if (what === 8) {
      this.#connection.ping();
      this.#requestBytes += 17;
    } else if (what === 9) this.#connection.close();
    else if (what === 10) this.#clock.advance(below(chance, 20_000));
    else this.#connection.destroy('the fuzz run ends early');
  }
}

/** Throws with the seed in its message. */
export function fuzzConnection(seed: number): void {
  try {
    new Run(seed).go();
  } catch (error) {
    throw new Error(`seed ${seed}: again by npm run fuzz -- --streams 1 --seed ${seed}`, { cause: error });
  }
}
