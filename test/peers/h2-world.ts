/**
 * Our HTTP/2 client and a scripted peer in one memory and on one clock: what `connection-*.test.ts` begin with. Keeps
 * account of how each stream ended and throws at a second ending, or at one told from inside a call.
 */
import assert from 'node:assert/strict';
import { limits } from '../../src/core/limits.ts';
import { H2Connection } from '../../src/transport/h2/h2-connection.ts';
import { headers } from './h2-frames.ts';
import { H2Peer } from './h2-peer.ts';
import { TurnClock } from './turn-clock.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { ConnectionEvents } from '../../src/transport/gateway-connection.ts';
import type { GatewayRequest } from '../../src/transport/gateway-session.ts';
import type { ByteWire } from '../../src/transport/h2/byte-wire.ts';
import type { Field } from './h2-hpack.ts';
import type { Settings } from './h2-frames.ts';
import type { PeerStream } from './h2-peer.ts';

export type StreamEnd =
  | {
      readonly kind: 'responded';
      readonly status: number;
      readonly fields: Readonly<Record<string, string>>;
      readonly body: string;
    }
  | { readonly kind: 'lost'; readonly unprocessed: boolean; readonly reason: string };

/** Every event in order, and each stream's end. */
export class Ends implements ConnectionEvents {
  readonly log: string[] = [];
  readonly bySlot: Map<number, StreamEnd> = new Map();
  readonly leavings: string[] = [];
  closedReason: string | undefined;
  /** Reads that were told. */
  turns = 0;
  /** No event may come now: a call into the connection is on the stack. */
  inCall = false;

  opened(): void {
    this.#note('opened');
  }

  streamsChanged(): void {
    this.#note('streamsChanged');
  }

  writableAgain(): void {
    this.#note('writableAgain');
  }

  responded(slot: number, status: number, fields: Readonly<Record<string, string>>, body: string): void {
    this.#end(slot, { kind: 'responded', status, fields: { ...fields }, body });
  }

  lost(slot: number, unprocessed: boolean, reason: string): void {
    this.#end(slot, { kind: 'lost', unprocessed, reason });
  }

  turnEnded(): void {
    assert.ok(!this.inCall && this.closedReason === undefined, 'turnEnded is told of a read');
    this.turns += 1;
  }

  leaving(reason: string): void {
    this.#note('leaving');
    this.leavings.push(reason);
  }

  closed(reason: string): void {
    this.#note('closed');
    this.closedReason = reason;
  }

  count(event: string): number {
    return this.log.filter((one) => one === event).length;
  }

  #end(slot: number, end: StreamEnd): void {
    this.#note(`${end.kind} ${slot}`);
    assert.ok(!this.bySlot.has(slot), `slot ${slot} ends once, not by ${JSON.stringify(end)} too`);
    this.bySlot.set(slot, end);
  }

  #note(event: string): void {
    assert.ok(!this.inCall, `${event} is told from a later turn`);
    assert.equal(this.closedReason, undefined, `${event} after closed`);
    if (event !== 'opened') assert.ok(this.log.includes('opened') || !event.startsWith('responded'), 'opened is first');
    this.log.push(event);
  }
}

export const replyFields: readonly string[] = ['apns-id', 'retry-after'];

export interface H2World {
  readonly clock: TurnClock;
  readonly peer: H2Peer;
  readonly ends: Ends;
  readonly connection: H2Connection;
  /** Starts a request and returns the connection's answer; nothing is written yet. */
  readonly send: (slot: number, changes?: Partial<GatewayRequest>) => 'sent' | 'closed' | 'invalid';
  /** Starts a request and returns it as it arrives at the peer. */
  readonly start: (slot: number, changes?: Partial<GatewayRequest>) => PeerStream;
  /** A call into the connection, inside which nothing may be told. */
  readonly call: (run: (connection: H2Connection) => void) => void;
  readonly responded: (slot: number) => Extract<StreamEnd, { kind: 'responded' }>;
  readonly lost: (slot: number) => Extract<StreamEnd, { kind: 'lost' }>;
  /** A request is answered: the connection works. */
  readonly works: () => void;
  /** §5.4.1: GOAWAY with this code, every stream ended, `closed` told. */
  readonly failsWith: (code: number) => void;
  /** §5.4.2: RST_STREAM with this code, the request is lost, and the connection works. */
  readonly failsStream: (streamId: number, slot: number, code: number) => void;
}

export function request(changes: Partial<GatewayRequest> = {}): GatewayRequest {
  return { path: '/3/device/0a1b', shared: {}, fields: {}, body: '{"aps":{}}', ...changes };
}

export function answer(streamId: number, status = '200', ...fields: readonly Field[]): Buffer {
  return headers(streamId, [[':status', status], ...fields], { end: true });
}

/** Before `start`. */
export function freshWorld(options: { readonly wire?: (peer: H2Peer, clock: Clock) => ByteWire } = {}): H2World {
  const clock = new TurnClock();
  const peer = new H2Peer(clock);
  const ends = new Ends();
  const connection = new H2Connection({
    clock,
    events: ends,
    wire: options.wire?.(peer, clock) ?? peer,
    authority: 'gateway.example',
    fields: { 'content-type': 'application/json' },
    replyFields,
  });
  peer.attach(connection);
  let slots = 0;
  const sent = new Set<number>();
  const world: H2World = {
    clock,
    peer,
    ends,
    connection,
    send(slot, changes) {
      ends.inCall = true;
      const said = connection.send(slot, request(changes));
      ends.inCall = false;
      if (said === 'sent') sent.add(slot);
      slots = Math.max(slots, slot + 1);
      return said;
    },
    start(slot, changes) {
      const before = Math.max(0, ...peer.streams.keys());
      assert.equal(world.send(slot, changes), 'sent');
      clock.settle();
      const last = Math.max(...peer.streams.keys());
      assert.ok(last > before, 'HEADERS have come');
      return peer.expectHeaders(last);
    },
    call(run) {
      ends.inCall = true;
      run(connection);
      ends.inCall = false;
    },
    responded(slot) {
      clock.settle();
      const end = ends.bySlot.get(slot);
      assert.ok(end?.kind === 'responded', `slot ${slot} has a response, not ${JSON.stringify(end)}`);
      return end;
    },
    lost(slot) {
      clock.settle();
      const end = ends.bySlot.get(slot);
      assert.ok(end?.kind === 'lost', `slot ${slot} is lost, not ${JSON.stringify(end)}`);
      return end;
    },
    works() {
      const slot = Math.max(slots, 1_000_000);
      const { id } = world.start(slot);
      peer.expectRequest(id);
      peer.send(answer(id));
      assert.equal(world.responded(slot).status, 200);
    },
    failsWith(code) {
      clock.settle();
      clock.advance(60_000);
      assert.equal(peer.goaways.at(-1)?.code, code, `GOAWAY; ${JSON.stringify(peer.goaways)}`);
      assert.ok(ends.closedReason !== undefined, 'closed is told');
      for (const slot of sent) assert.ok(ends.bySlot.has(slot), `slot ${slot} has ended`);
      assert.equal(connection.send(9_999_999, request()), 'closed');
    },
    failsStream(streamId, slot, code) {
      clock.settle();
      peer.expectReset(streamId, code);
      assert.equal(world.lost(slot).unprocessed, false);
      assert.deepEqual(peer.goaways, []);
      world.works();
    },
  };
  return world;
}

/** Both SETTINGS exchanged and acknowledged. */
export function openWorld(values: Settings = {}): H2World {
  const world = freshWorld();
  world.connection.start();
  world.clock.settle();
  world.peer.open(values);
  world.clock.settle();
  assert.ok(world.ends.log.includes('opened'));
  assert.equal(world.peer.unacknowledged, 0, 'SETTINGS are acknowledged');
  return world;
}

/** As long as a response body may be. */
export const bodyBytesMax: number = limits.gatewayResponseBytesMax;
