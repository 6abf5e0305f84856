import assert from 'node:assert/strict';
import { test } from 'node:test';
import { epochMs } from '../../../src/core/ids.ts';
import { silentLogger } from '../../../src/core/log.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { err, ok } from '../../../src/core/result.ts';
import { CredentialKeeper } from '../../../src/publish/credential-keeper.ts';
import { GatewayTime } from '../../../src/publish/gateway-time.ts';
import { SignerStore } from '../../../src/publish/signer-store.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';
import type { Clock } from '../../../src/core/clock.ts';
import type { EpochMs } from '../../../src/core/ids.ts';
import type { Logger } from '../../../src/core/log.ts';
import type { Result } from '../../../src/core/result.ts';
import type { Credential, CredentialFailure, WatchedKey } from '../../../src/provider/provider.ts';
import type { CredentialFile } from '../../../src/storage/credential-file.ts';

type Minted = Result<Credential, CredentialFailure>;

interface Options {
  /** Of the machine's clock. */
  readonly aheadMs?: number;
  readonly watched?: Partial<WatchedKey>;
  /** What is on the disk. */
  readonly kept?: string;
  readonly clock?: VirtualClock;
}

function setup({ aheadMs = 0, watched, kept, clock = new VirtualClock() }: Options = {}) {
  const lines: string[] = [];
  const warnings: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    error: (_fields, message) => lines.push(message),
    warn: (_fields, message) => warnings.push(message),
  };
  // The gateway's time is the virtual clock's.
  const own: Clock = {
    now: () => epochMs(clock.now() + aheadMs),
    monotonicMs: () => clock.monotonicMs(),
    after: (delayMs, task) => clock.after(delayMs, task),
    soon: (task) => clock.soon(task),
  };
  const time = new GatewayTime(own, logger);
  const disk = { text: kept, writes: 0 };
  const file: CredentialFile = {
    read: async () => disk.text,
    write: async (text) => {
      disk.writes++;
      disk.text = text;
    },
  };
  const key: WatchedKey = {
    spacingMs: 1_200_000,
    tooOftenReason: 'TooManyProviderTokenUpdates',
    restore: (authorization) => {
      const mintedAtMs = Number(/^value at (\d+)$/.exec(authorization)?.[1] ?? Number.NaN);
      return Number.isNaN(mintedAtMs) ? undefined : valueAt(epochMs(mintedAtMs));
    },
    ...watched,
  };
  const world = {
    mints: 0,
    closed: 0,
    answer: (_nowMs: EpochMs): Minted => err({ transient: true, reason: 'refused', gatewayAtMs: 0 }),
  };
  const keeper = new CredentialKeeper({
    source: {
      id: 'key',
      ...(watched === undefined ? {} : { watched: key }),
      mint: async (nowMs) => {
        world.mints++;
        return world.answer(nowMs);
      },
      close: async () => {
        world.closed++;
      },
    },
    time,
    ...(watched === undefined ? {} : { store: new SignerStore({ file, key, time, logger, provider: 'apns-test' }) }),
    clock: own,
    random: seededRandom(3),
    logger,
    provider: 'apns-test',
  });
  const living = (name: string, lifeMs: number): Minted => {
    const nowMs = clock.now();
    return ok({
      authorization: name,
      mintedAtMs: nowMs,
      renewAtMs: epochMs(nowMs + lifeMs / 2),
      expiresAtMs: epochMs(nowMs + lifeMs),
      gatewayAtMs: 0,
    });
  };
  return { clock, lines, warnings, world, keeper, living, disk };
}

/** As Apple's: renewed after 50 minutes, of no use after 60. */
function valueAt(nowMs: EpochMs): Credential {
  return {
    authorization: `value at ${nowMs}`,
    mintedAtMs: nowMs,
    renewAtMs: epochMs(nowMs + 50 * minuteMs),
    expiresAtMs: epochMs(nowMs + 60 * minuteMs),
    gatewayAtMs: 0,
  };
}

const minuteMs = 60_000;

/** A gateway that refuses times that are more than an hour old, or more than five minutes ahead. */
function isTimely(authorization: string | undefined, clock: VirtualClock): boolean {
  const ageMs = clock.now() - Number((authorization ?? '').replace('value at ', ''));
  return ageMs < 60 * minuteMs && ageMs > -5 * minuteMs;
}

test('however many ask, a token endpoint that refuses is asked once a second at most', async () => {
  const { clock, world, keeper } = setup();
  for (let asked = 0; asked < 1_000; asked++) await keeper.mint();
  assert.equal(world.mints, 1);
  assert.equal(keeper.failure?.reason, 'refused');
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
  world.answer = () => err({ transient: true, reason: 'away', gatewayAtMs: 0 });
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
  await keeper.refused(0);
  assert.equal(keeper.current(), 'value 1');
  await clock.advance(1);
  await keeper.refused(0);
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

test('3.5 a watched key mints again after 50 minutes, and not for a refusal within 20', async () => {
  const { clock, world, keeper, disk } = setup({ watched: {} });
  world.answer = (nowMs) => ok(valueAt(nowMs));
  await keeper.mint();
  const first = keeper.current();
  await clock.advance(20 * minuteMs - 1);
  await keeper.refused(clock.now());
  assert.equal(keeper.current(), first, 'younger than 20 minutes');
  await clock.advance(1);
  await keeper.refused(clock.now());
  assert.notEqual(keeper.current(), first);
  await clock.advance(50 * minuteMs);
  assert.equal(world.mints, 3);
  assert.equal(disk.writes, 3);
});

test('3.5 a restart loop goes on with the value of the first start', async () => {
  const clock = new VirtualClock();
  let kept: string | undefined;
  let mints = 0;
  const values = new Set<string | undefined>();
  for (let start = 0; start < 49; start++) {
    const { world, keeper, disk } = setup({ clock, watched: {}, ...(kept === undefined ? {} : { kept }) });
    world.answer = (nowMs) => ok(valueAt(nowMs));
    await keeper.mint();
    values.add(keeper.current());
    await keeper.close();
    mints += world.mints;
    kept = disk.text;
    await clock.advance(minuteMs);
  }
  assert.deepEqual([mints, values.size], [1, 1]);
  const { world, keeper } = setup({ clock, watched: {}, ...(kept === undefined ? {} : { kept }) });
  world.answer = (nowMs) => ok(valueAt(nowMs));
  await keeper.mint();
  assert.equal(world.mints, 0);
  await clock.advance(minuteMs);
  assert.equal(world.mints, 1, 'renewed when it is due, not 50 minutes after this start');
});

test('3.5 the 20 minutes of a kept value began in the process that minted it', async () => {
  const clock = new VirtualClock();
  const kept = JSON.stringify({ authorization: `value at ${clock.now() - 19 * minuteMs}`, gateway_ahead_ms: 0 });
  const { world, keeper } = setup({ clock, watched: {}, kept });
  world.answer = (nowMs) => ok(valueAt(nowMs));
  await keeper.mint();
  await keeper.refused(0);
  assert.equal(world.mints, 0);
  await clock.advance(minuteMs);
  await keeper.refused(0);
  assert.equal(world.mints, 1);
});

for (const [what, text] of [
  ['no JSON', '{"authorization":'],
  ['something else', '[1,2]'],
  ['a value of another key', '{"authorization":"bearer of another","gateway_ahead_ms":0}'],
] as const) {
  test(`3.5 a kept file that holds ${what} is ignored with a warning`, async () => {
    const { world, keeper, warnings, disk } = setup({ watched: {}, kept: text });
    world.answer = (nowMs) => ok(valueAt(nowMs));
    await keeper.mint();
    assert.equal(world.mints, 1);
    assert.equal(warnings.length, 1);
    assert.match(disk.text ?? '', /value at/);
  });
}

test('3.5 a kept value that has ended, or comes from the future, is not used', async () => {
  for (const offsetMs of [-60 * minuteMs, 2 * minuteMs]) {
    const clock = new VirtualClock();
    const kept = JSON.stringify({ authorization: `value at ${clock.now() + offsetMs}`, gateway_ahead_ms: 0 });
    const { world, keeper } = setup({ clock, watched: {}, kept });
    world.answer = (nowMs) => ok(valueAt(nowMs));
    await keeper.mint();
    assert.equal(keeper.current(), `value at ${clock.now()}`);
    assert.equal(world.mints, 1);
  }
});

test('3.5 TooManyProviderTokenUpdates: the previous value is sent as long as it works, then the newest', async () => {
  const { clock, world, keeper, warnings } = setup({ watched: {} });
  world.answer = (nowMs) => ok(valueAt(nowMs));
  await keeper.mint();
  const first = keeper.current();
  assert.equal(keeper.changedTooOften('TooManyProviderTokenUpdates'), false, 'there is none before it');
  await clock.advance(50 * minuteMs);
  const second = keeper.current();
  assert.notEqual(second, first);
  assert.equal(keeper.changedTooOften('TooManyRequests'), false);
  assert.equal(keeper.changedTooOften('TooManyProviderTokenUpdates'), true);
  assert.equal(keeper.changedTooOften('TooManyProviderTokenUpdates'), true);
  assert.equal(keeper.current(), first);
  await clock.advance(10 * minuteMs);
  assert.equal(keeper.current(), second);
  assert.equal(keeper.changedTooOften('TooManyProviderTokenUpdates'), false);
  assert.deepEqual([world.mints, warnings.length], [2, 1]);
});

for (const skewMinutes of [-90, -10, 10, 90]) {
  test(`3.5 a clock that is ${skewMinutes} minutes off costs one refusal, and is told once an hour`, async () => {
    const { clock, lines, world, keeper, disk } = setup({ aheadMs: skewMinutes * minuteMs, watched: {} });
    world.answer = (nowMs) => ok(valueAt(nowMs));
    await keeper.mint();
    await Promise.all([1, 2, 3].map(() => keeper.refused(clock.now())));
    assert.equal(world.mints, 2);
    assert.ok(isTimely(keeper.current(), clock));
    for (let count = 0; count < 100; count++) await keeper.refused(clock.now());
    assert.equal(world.mints, 2, 'a fresh value of the right time is kept');
    assert.equal(lines.length, 1);
    const side = skewMinutes < 0 ? 'behind' : 'ahead of';
    assert.match(lines[0] ?? '', new RegExp(`clock is ${Math.abs(skewMinutes) * 60} s ${side} the gateways'`));
    await clock.advance(50 * minuteMs);
    assert.equal(world.mints, 3);
    assert.ok(isTimely(keeper.current(), clock), 'renewed by the time that was learnt');
    await clock.advance(10 * minuteMs);
    await keeper.refused(clock.now());
    assert.equal(lines.length, 2);

    const again = setup({ clock, aheadMs: skewMinutes * minuteMs, watched: {}, kept: disk.text ?? '' });
    await again.keeper.mint();
    assert.equal(again.world.mints, 0, 'the next process knows the time, too');
    assert.equal(again.keeper.current(), keeper.current());
  });
}

test('3.5 a clock that is set right while the engine runs is followed', async () => {
  const clock = new VirtualClock();
  const { lines, world, keeper } = setup({ clock, watched: {} });
  world.answer = (nowMs) => ok(valueAt(nowMs));
  await keeper.mint();
  const trueMs = clock.now();
  clock.jump(-90 * minuteMs);
  await clock.advance(21 * minuteMs);
  await keeper.refused(trueMs + 21 * minuteMs);
  assert.equal(keeper.current(), `value at ${trueMs + 21 * minuteMs}`);
  assert.equal(lines.length, 1);
  clock.jump(90 * minuteMs + 30_000);
  await clock.advance(50 * minuteMs);
  assert.equal(keeper.current(), `value at ${clock.now()}`, 'by our own clock, half a minute off as it is');
});

test('a token endpoint that refuses an assertion of the wrong time is asked again at once with its own', async () => {
  const { clock, lines, world, keeper } = setup({ aheadMs: -15 * minuteMs });
  world.answer = (nowMs) =>
    clock.now() - nowMs > 5 * minuteMs
      ? err({ transient: false, reason: 'invalid_grant', gatewayAtMs: clock.now() })
      : ok({ ...valueAt(nowMs), gatewayAtMs: clock.now() });
  await keeper.mint();
  assert.equal(keeper.current(), `value at ${clock.now()}`);
  assert.equal(world.mints, 2);
  assert.match(lines[0] ?? '', /clock is 900 s behind/);
});

test('a machine that slept renews what is an hour old by the gateway, though young by its own clock', async () => {
  const { clock, world, keeper } = setup({ watched: {} });
  world.answer = (nowMs) => ok(valueAt(nowMs));
  await keeper.mint();
  clock.jump(70 * minuteMs); // wall time goes on in sleep, the monotonic one stands still
  await keeper.refused(clock.now());
  assert.equal(world.mints, 2);
  assert.equal(keeper.current(), `value at ${clock.now()}`);
});
