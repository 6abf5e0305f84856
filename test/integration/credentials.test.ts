/** Provider tokens, from the keeper through the threads to the gateway, and back when it refuses them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { epochMs } from '../../src/core/ids.ts';
import { createProvider, credentialSourceOf } from '../../src/provider/provider-kinds.ts';
import { credentialsWorld, push } from './credentials-world.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { ApnsGateway } from '../../src/fake/apns-gateway.ts';

function tokensOf(apns: ApnsGateway, status?: number): ReadonlySet<string> {
  const received = apns.received.items.filter((item) => status === undefined || item.status === status);
  return new Set(received.map(({ fields }) => fields['authorization'] ?? ''));
}

test('3.5 all threads and all providers with one key send one token, also after a restart', async (t) => {
  const { apns, keys, providerOf, start } = await credentialsWorld(t, 2);
  const providers = [
    { ...providerOf(keys[0], 'one'), apps: ['com.example.one'] },
    { ...providerOf(keys[0], 'two'), apps: ['com.example.two'] },
  ];
  for (let run = 0; run < 3; run++) {
    const engine = await start(providers);
    const token = 'ab'.repeat(32);
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        engine.publish({ service: 'apns', token, topic: `com.example.${index % 2 === 0 ? 'one' : 'two'}`, body: 'Hi' }),
      ),
    );
    assert.deepEqual(new Set(outcomes.map(({ kind }) => kind)), new Set(['accepted']));
    await engine.stop();
  }
  assert.equal(apns.accepted, 600);
  assert.equal(tokensOf(apns).size, 1);
});

test('3.5 ExpiredProviderToken: a new connection and one retry; a young token of the right time stays', async (t) => {
  const { apns, keys, providerOf, start, lines } = await credentialsWorld(t);
  const engine = await start([providerOf(keys[0])]);
  assert.equal((await push(engine)).kind, 'accepted');
  const refuse = { kind: 'reject', status: 403, reason: 'ExpiredProviderToken' } as const;
  // A connection is not given up in its first second.
  const connected = apns.connectionsTotal;
  while (apns.connectionsTotal === connected) {
    apns.script({ kind: 'next', count: 1, behaviour: refuse });
    assert.equal((await push(engine)).kind, 'accepted');
  }
  assert.equal(tokensOf(apns).size, 1);
  assert.deepEqual(
    lines.filter((line) => line.includes('clock')),
    [],
  );
});

test('3.5 TooManyProviderTokenUpdates: the notification goes out again with the previous token', async (t) => {
  const { apns, keys, providerOf, start } = await credentialsWorld(t);
  let passedMs = 0;
  const clock: Clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + passedMs };
  const engine = await start([providerOf(keys[0])], { clock });
  assert.equal((await push(engine)).kind, 'accepted');
  // Old enough to be replaced for us, and too young for the gateway, where no time has passed.
  passedMs = 20 * 60_000;
  apns.script({
    kind: 'next',
    count: 1,
    behaviour: { kind: 'reject', status: 403, reason: 'InvalidProviderToken' },
  });
  assert.equal((await push(engine)).kind, 'accepted');
  assert.deepEqual(
    apns.received.items.map(({ status }) => status),
    [200, 403, 429, 200],
  );
  assert.deepEqual([tokensOf(apns).size, tokensOf(apns, 200).size], [2, 1]);
});

for (const [side, aheadMs] of [
  ['behind', -5_400_000],
  ['ahead of', 5_400_000],
] as const) {
  test(`3.5 a clock 90 minutes ${side} the gateway's costs one refusal and no notification`, async (t) => {
    const { keys, providerOf, start, apns, lines } = await credentialsWorld(t);
    const clock: Clock = { ...systemClock, now: () => epochMs(systemClock.now() + aheadMs) };
    // On this thread, where the clock is given.
    const providers = { create: createProvider, credentials: credentialSourceOf };
    const engine = await start([providerOf(keys[0])], { clock, providers });
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => push(engine)));
    assert.deepEqual(new Set(outcomes.map(({ kind }) => kind)), new Set(['accepted']));
    assert.equal(tokensOf(apns).size, 2);
    assert.equal(tokensOf(apns, 200).size, 1);
    const told = lines.filter((line) => line.includes('clock'));
    assert.equal(told.length, 1);
    assert.match(told[0] ?? '', new RegExp(`clock is 5(399|400|401) s ${side} the gateways'`));
    await engine.stop();
    const again = await start([providerOf(keys[0])], { clock, providers });
    assert.equal((await push(again)).kind, 'accepted');
    assert.equal(tokensOf(apns).size, 2, 'the next process knows both, token and time');
  });
}
