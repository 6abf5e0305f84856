// Thread: main
/** What a request weighs between its sending and its answer: its text, its place in the pool and in the connection. */
import { systemClock } from '../src/core/clock.ts';
import { epochMs } from '../src/core/ids.ts';
import { newNotificationId, seededRandom } from '../src/core/random.ts';
import { startAnswering } from './bench-gateway.ts';
import { processBytes } from './process-bytes.ts';
import { nextTurn } from './sustained.ts';
import { openOurs, portOptions, wireRequest } from './wire-clients.ts';
import type { GatewaySession } from '../src/transport/gateway-session.ts';

// Longer than the bench.
const requestMs = 600_000;

/** Bytes for each of `count` requests that a gateway has read and does not answer. Our client. */
export async function bytesInFlight(count: number): Promise<number> {
  const gateway = await startAnswering(2 * count);
  const replies = { answered: 0 };
  const session = openOurs({
    clock: systemClock,
    random: seededRandom(1),
    replies: { responded: () => replies.answered++, failed: () => undefined },
    ...portOptions(gateway),
    streamsMax: 2 * count,
    waitingMax: count,
  });
  // Connection, code and tables are there before anything is weighed.
  sendSome(session, count);
  while (replies.answered < count) await nextTurn();
  await gateway.stall(1, 0);
  const before = processBytes();
  sendSome(session, count);
  while ((await gateway.requests()) < 2 * count) await nextTurn();
  const bytes = processBytes() - before;
  await session.drain(0);
  await gateway.stop();
  if (replies.answered !== count) throw new Error(`${replies.answered - count} requests were answered`);
  return bytes / count;
}

/** Each with a device, an id and a body of its own, which nobody but the session keeps. */
function sendSome(session: GatewaySession, count: number): void {
  const random = seededRandom(11);
  const deadlineMs = epochMs(systemClock.now() + requestMs);
  for (let number = 0; number < count; number++) {
    const request = wireRequest(random.bytes(32).toString('hex'), newNotificationId(random), number);
    if (session.request(request, number, deadlineMs) !== 'taken') throw new Error('a request was not taken');
  }
}
