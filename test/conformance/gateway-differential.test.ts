/**
 * Two implementations of the gateway port get the same random requests, against the same gateway with the same whims:
 * what it sees and how each request ends must not depend on the client.
 */
import assert from 'node:assert/strict';
import { epochMs } from '../../src/core/ids.ts';
import { openH2Session } from '../../src/transport/h2/h2-session.ts';
import { openHttp2WrapperSession } from '../../src/transport/http2-wrapper-session.ts';
import { planExchange, playFates, tagOf } from './gateway-exchange.ts';
import { farMs, openWorld, test } from './gateway-session-world.ts';
import type { TestContext } from 'node:test';
import type { OpenGatewaySession } from '../../src/transport/gateway-session.ts';
import type { Planned } from './gateway-exchange.ts';
import type { End } from './gateway-session-world.ts';
import type { PeerRequest } from './http2-peer.ts';

interface Seen {
  /** By tag: every time it came, with fields in their order and body. */
  readonly requests: ReadonlyMap<number, readonly string[]>;
  readonly ends: ReadonlyMap<number, End>;
}

const replyFields = ['apns-id', 'retry-after'];
const seeds = [1, 2, 3, 4];
const count = 150;
const burst = 30;

/** `atOnce`: so many are in flight. */
async function exchange(
  t: TestContext,
  open: OpenGatewaySession,
  { plan, atOnce }: { readonly plan: readonly Planned[]; readonly atOnce: number },
): Promise<Seen> {
  const { peer, session, ends, watch } = await openWorld(t, open, { replyFields });
  playFates(peer, plan);
  for (const [tag, { request }] of plan.entries()) {
    assert.equal(session.request(request, tag, epochMs(Date.now() + farMs)), 'taken');
    await watch.until(`an end before ${tag}`, () => tag + 1 - ends.size < atOnce);
  }
  await watch.until('every end', () => ends.size === plan.length);
  const requests = new Map<number, readonly string[]>();
  for (const request of peer.requests) {
    const tag = tagOf(request.path);
    requests.set(tag, [...(requests.get(tag) ?? []), whatItSays(request)]);
  }
  return { requests, ends };
}

// Pseudo-fields have no order among themselves (RFC 9113 §8.3), and each world has a port of its own.
function whatItSays({ fields, body }: PeerRequest): string {
  const pseudo = fields.filter(([name]) => name.startsWith(':')).map(([name, value]) => `${name}: ${value}`);
  const others = fields.slice(pseudo.length);
  return JSON.stringify([pseudo.sort().map((line) => line.replace(/^(:authority.*):\d+$/, '$1')), others, body]);
}

async function both(t: TestContext, plan: readonly Planned[], atOnce: number): Promise<readonly [Seen, Seen]> {
  return [
    await exchange(t, openH2Session, { plan, atOnce }),
    await exchange(t, openHttp2WrapperSession, { plan, atOnce }),
  ];
}

for (const seed of seeds) {
  test(`h2 and http2-wrapper: one request at a time is the same to gateway and caller, seed ${seed}`, async (t) => {
    const plan = planExchange(seed, count);
    const [ours, theirs] = await both(t, plan, 1);
    for (const tag of plan.keys()) {
      assert.deepEqual(ours.requests.get(tag), theirs.requests.get(tag), `request ${tag}`);
      assert.deepEqual(ours.ends.get(tag), theirs.ends.get(tag), `end of ${tag}`);
    }
  });

  test(`h2 and http2-wrapper: many at once are the same but for whom a GOAWAY catches, seed ${seed}`, async (t) => {
    const plan = planExchange(seed + 100, count);
    const worlds = await both(t, plan, burst);
    let compared = 0;
    for (const [tag, { fate }] of plan.entries()) {
      for (const { requests } of worlds) {
        const seen = requests.get(tag) ?? [];
        assert.ok(seen.length <= 2, `request ${tag} came ${seen.length} times`);
        if (seen.length === 0) continue; // a field that cannot be sent, or a GOAWAY met it twice
        assert.equal(new Set(seen).size, 1, `request ${tag} came again as it was`);
      }
      const [ours, theirs] = worlds;
      const first = [ours.requests.get(tag)?.[0], theirs.requests.get(tag)?.[0]];
      if (!first.includes(undefined)) assert.equal(first[0], first[1], `request ${tag}`);
      if (fate.kind !== 'answered') continue;
      const ends = worlds.map((world) => world.ends.get(tag));
      if (ends.some((end) => end?.kind === 'failed')) continue;
      assert.deepEqual(ends[0], ends[1], `end of ${tag}`);
      compared += 1;
    }
    assert.ok(compared > count / 4, `${compared} compared`);
  });
}
