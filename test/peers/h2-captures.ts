/**
 * What real servers have sent (test/fixtures/h2), and how it is given to our client again. The requests are always the
 * same, so that the answers fit.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { freshWorld } from './h2-world.ts';
import type { GatewayRequest } from '../../src/transport/gateway-session.ts';
import type { Ends, StreamEnd } from './h2-world.ts';

export const capturesFolder: string = fileURLToPath(new URL('../../../test/fixtures/h2/', import.meta.url));

const shared = { 'apns-topic': 'org.example.app' };

/** Sent as soon as the connection is open, in slots 0 to 5. */
export const captureRequests: readonly GatewayRequest[] = [0, 20, 300, 0, 700, 1].map((bytes, slot) => ({
  path: slot === 3 ? '/bad' : '/echo',
  shared,
  fields: { 'x-tag': String(slot) },
  body: String(slot).repeat(bytes),
}));

export interface Capture {
  readonly name: string;
  readonly bytes: Buffer;
}

export function readCaptures(): readonly Capture[] {
  return readdirSync(capturesFolder)
    .filter((name) => name.endsWith('.bin'))
    .sort()
    .map((name) => ({ name, bytes: readFileSync(capturesFolder + name) }));
}

export interface Replayed {
  readonly log: readonly string[];
  readonly ends: ReadonlyMap<number, StreamEnd>;
  readonly closed: string | undefined;
  readonly bytesWritten: number;
}

/** Gives the pieces to a client one by one, each in a turn of its own, and closes the connection at the end. */
export function replay(pieces: Iterable<Buffer>): Replayed {
  const { clock, connection, ends, peer } = freshWorld();
  let bytesWritten = 0;
  // What a client says in another order of turns is another text; it is counted, not read.
  peer.write = (bytes, written): void => {
    bytesWritten += bytes.length;
    clock.soon(written);
  };
  sendWhenOpen(ends, () => captureRequests.forEach((request, slot) => connection.send(slot, request)));
  connection.start();
  clock.settle();
  for (const piece of pieces) {
    connection.received(piece);
    piece.fill(0xee);
    clock.settle();
  }
  connection.wireClosed('end of the capture');
  clock.settle();
  return { log: ends.log, ends: ends.bySlot, closed: ends.closedReason, bytesWritten };
}

function sendWhenOpen(ends: Ends, send: () => void): void {
  const plain = ends.opened.bind(ends);
  ends.opened = (): void => {
    plain();
    send();
  };
}
