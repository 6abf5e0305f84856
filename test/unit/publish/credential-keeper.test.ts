import assert from 'node:assert/strict';
import { test } from 'node:test';
import { epochMs } from '../../../src/core/ids.ts';
import { silentLogger } from '../../../src/core/log.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { err, ok } from '../../../src/core/result.ts';
import { CredentialKeeper } from '../../../src/publish/credential-keeper.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';
import type { Result } from '../../../src/core/result.ts';
import type { Credential, CredentialFailure } from '../../../src/provider/provider.ts';

type Minted = Result<Credential, CredentialFailure>;

function setup() {
  const clock = new VirtualClock();
  const lines: string[] = [];
  const world = { mints: 0, closed: 0, answer: (): Minted => err({ transient: true, reason: 'refused' }) };
  const keeper = new CredentialKeeper({
    source: {
      mint: async () => {
        world.mints++;
        return world.answer();
      },
      close: async () => {
        world.closed++;
      },
    },
    clock,
    random: seededRandom(3),
    logger: { ...silentLogger, error: (_fields, message) => lines.push(message) },
    provider: 'fcm-test',
  });
  const living = (name: string, lifeMs: number): Minted => {
    const nowMs = clock.now();
    return ok({ authorization: name, renewAtMs: epochMs(nowMs + lifeMs / 2), expiresAtMs: epochMs(nowMs + lifeMs) });
  };
  return { clock, lines, world, keeper, living };
}

test('however many ask, a token endpoint that refuses is asked once a second at most', async () => {
  const { clock, world, keeper } = setup();
  for (let asked = 0; asked < 1_000; asked++) await keeper.mint();
  assert.equal(world.mints, 1);
  assert.deepEqual(keeper.failure, { transient: true, reason: 'refused' });
  assert.equal(keeper.current(), undefined);
  await clock.advance(999);
  await keeper.mint();
  assert.equal(world.mints, 1);
  await clock.advance(1);
  for (let asked = 0; asked < 1_000; asked++) await keeper.mint();
  assert.equal(world.mints, 2);
});

test('a token endpoint that refuses is asked again by itself, less and less often', async () => {
  const { clock, lines, world, keeper } = setup();
  await keeper.mint();
  await clock.advance(3_000);
  assert.ok(world.mints > 1);
  await clock.advance(10 * 60_000);
  assert.ok(world.mints < 40 && world.mints > 10, `${world.mints} times in ten minutes`);
  assert.equal(lines.length, world.mints);
});

test('a value is renewed before it ends, and the old one serves while the endpoint is away', async () => {
  const { clock, world, keeper, living } = setup();
  world.answer = () => living('first', 60_000);
  await keeper.mint();
  assert.equal(keeper.current(), 'first');
  world.answer = () => err({ transient: true, reason: 'away' });
  await clock.advance(35_000);
  assert.equal(keeper.current(), 'first');
  await clock.advance(30_000);
  assert.equal(keeper.current(), undefined, 'it has ended');
  world.answer = () => living('second', 60_000);
  await clock.advance(61_000);
  assert.equal(keeper.current(), 'second');
});

test('a fresh value that is refused is not replaced within 10 s, an older one is', async () => {
  const { clock, world, keeper, living } = setup();
  world.answer = () => living(`value ${world.mints}`, 3_600_000);
  await keeper.mint();
  await clock.advance(9_999);
  await keeper.refused();
  assert.equal(keeper.current(), 'value 1');
  await clock.advance(1);
  await keeper.refused();
  assert.equal(keeper.current(), 'value 2');
});

test('after close nothing is minted and no timer is left', async () => {
  const { clock, world, keeper, living } = setup();
  world.answer = () => living('value', 60_000);
  await keeper.mint();
  await keeper.close();
  await keeper.mint();
  assert.deepEqual([world.mints, world.closed, clock.pending], [1, 1, 0]);
});
