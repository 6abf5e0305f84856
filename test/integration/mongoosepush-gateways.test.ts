/**
 * The MongoosePush provider before several fakes of it, over HTTP/1.1 and HTTP/2: load spread over them, one that dies
 * while requests fly, all of them gone, and what their health checks tell. Checks fall due when a test says so; all
 * else takes its real time.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { epochMs } from '../../src/core/ids.ts';
import { limits } from '../../src/core/limits.ts';
import { seededRandom } from '../../src/core/random.ts';
import { makeAuthority } from '../../src/fake/certificates.ts';
import { MongoosePushGateway } from '../../src/fake/mongoosepush-gateway.ts';
import { MongoosePushProvider } from '../../src/provider/mongoosepush.ts';
import { Watch } from '../conformance/http2-peer.ts';
import { providerName, sampleNotification } from '../conformance/provider.ts';
import { writeTrusted } from '../conformance/trusted-file.ts';
import { until } from '../peers/deadline.ts';
import type { TestContext } from 'node:test';
import type { MongoosePushConfig } from '../../config/engine-config.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { Notification } from '../../src/core/notification.ts';
import type { Outcome } from '../../src/core/outcome.ts';

const shared = makeAuthority(systemClock);

async function setup(t: TestContext, gatewayCount: number, changes: Partial<MongoosePushConfig> = {}) {
  const authority = await shared;
  const tls = await authority.server();
  const open = async (port = 0) => {
    const gateway = new MongoosePushGateway({ clock: systemClock, random: seededRandom(6), tls, receivedMax: 10_000 });
    const bound = await gateway.start(port);
    t.after(() => gateway.stop());
    return { gateway, port: bound.port };
  };
  const opened = await Promise.all(Array.from({ length: gatewayCount }, () => open()));
  const checks = new Set<() => void>();
  const watch = new Watch();
  const outcomes = new Map<number, Outcome>();
  const config: MongoosePushConfig = {
    ...{ kind: 'mongoosepush', name: providerName('mongoosepush'), apps: [], tags: [], mode: 'prod' },
    ...{ creditMax: 10_000, requestMs: 20_000, api: 'v3', httpVersion: '1.1', connections: 8 },
    urls: opened.map(({ port }) => `https://localhost:${port}`),
    caFile: await writeTrusted(t, authority.caPem),
    services: ['apns', 'fcm'],
    ...changes,
  };
  const provider = new MongoosePushProvider(config, {
    name: config.name,
    clock: checksByHand(checks),
    random: seededRandom(7),
    settle: (tag, outcome) => {
      assert.ok(!outcomes.has(tag), `${tag} is settled once`);
      outcomes.set(tag, outcome);
      watch.changed();
    },
  });
  t.after(() => provider.drain(0));
  let next = 0;
  const start = (count: number, one: Partial<Notification> = {}): void => {
    for (const end = next + count; next < end; next++) {
      const notification = sampleNotification({ service: 'fcm', mode: '', token: `device-${next}`, ...one });
      provider.publish(notification, '', epochMs(Date.now() + 15_000), next);
    }
  };
  const settled = async (): Promise<readonly Outcome[]> => {
    await watch.until(`${next} outcomes`, () => outcomes.size >= next);
    return Array.from({ length: next }, (_, tag) => outcomes.get(tag)).filter((one) => one !== undefined);
  };
  const publish = async (count: number, one: Partial<Notification> = {}): Promise<readonly string[]> => {
    const before = next;
    start(count, one);
    return (await settled()).slice(before).map(shortOf);
  };
  /** Those that are due run now; what they set is due next time. */
  const check = (): void => {
    const due = [...checks];
    checks.clear();
    for (const task of due) task();
  };
  const gateways = opened.map(({ gateway }) => gateway);
  const ports = opened.map(({ port }) => port);
  return { gateways, ports, open, start, settled, publish, outcomes, check, checks };
}

/** Only checks do not keep the process alive. */
function checksByHand(checks: Set<() => void>): Clock {
  return {
    ...systemClock,
    after(delayMs, task, keepAlive = true) {
      if (keepAlive) return systemClock.after(delayMs, task);
      checks.add(task);
      return () => checks.delete(task);
    },
  };
}

function shortOf(outcome: Outcome): string {
  return outcome.kind === 'unavailable' ? `unavailable ${outcome.reached}` : outcome.kind;
}

function tally(words: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

const totals = (gateways: readonly MongoosePushGateway[]): readonly number[] =>
  gateways.map(({ received }) => received.total);

for (const httpVersion of ['1.1', '2'] as const) {
  describe(`several MongoosePush gateways, HTTP/${httpVersion}`, { timeout: 60_000 }, () => {
    it('share the load by what each has in flight', async (t) => {
      const { gateways, start, publish, outcomes } = await setup(t, 3, { httpVersion });
      assert.deepEqual(tally(await publish(300)), { accepted: 300 });
      assert.deepEqual(totals(gateways), [100, 100, 100]);
      gateways[0]?.script({ kind: 'all', behaviour: { kind: 'stall', answerAfterMs: 0 } });
      for (let round = 0; round < 13; round++) {
        start(round === 0 ? 3 : 1);
        await until('all but the stalled one are answered', () => outcomes.size === 302 + round || undefined);
      }
      assert.deepEqual(totals(gateways), [101, 107, 107]);
    });

    it('one that was never there costs no notification', async (t) => {
      const { gateways, ports, publish } = await setup(t, 2, { httpVersion });
      await gateways[0]?.stop();
      assert.ok(ports[0] !== undefined);
      assert.deepEqual(tally(await publish(200)), { accepted: 200 });
      assert.equal(gateways[1]?.received.total, 200);
    });

    it('one that dies while requests fly: nothing is lost without a word, nothing is sent twice', async (t) => {
      const { gateways, start, settled, publish } = await setup(t, 3, { httpVersion });
      await publish(30);
      const [, dying] = gateways;
      assert.ok(dying !== undefined);
      dying.script({ kind: 'all', behaviour: { kind: 'stall', answerAfterMs: 0 } });
      start(600);
      await dying.received.waitFor(11);
      const dead = dying.stop();
      start(300);
      const outcomes = tally((await settled()).map(shortOf));
      await dead;
      const held = outcomes['unavailable unknown'] ?? 0;
      assert.deepEqual(outcomes, { accepted: 930 - held, 'unavailable unknown': held });
      const devices = gateways.flatMap(({ received }) => received.items.map(({ deviceId }) => deviceId));
      assert.equal(new Set(devices).size, devices.length, 'no device was told to two gateways');
      assert.ok(held > 0 && devices.length <= 930);
      assert.deepEqual(tally(await publish(50)), { accepted: 50 });
    });

    it('all down is said at once, and ends when one says that it is well', async (t) => {
      const { gateways, ports, open, start, publish, outcomes, check, checks } = await setup(t, 2, { httpVersion });
      for (const gateway of gateways) await gateway.stop();
      const first = tally(await publish(20));
      assert.deepEqual(first, { 'unavailable no': 20 });
      start(1_000);
      assert.equal(outcomes.size, 1_020, 'without a try');
      assert.deepEqual(outcomes.get(1_000), { ...outcomes.get(0), reason: 'no gateway' });
      const { gateway } = await open(ports[0]);
      await until('it is used again', async () => {
        if (checks.size > 0) check();
        return tally(await publish(1))['accepted'];
      });
      assert.ok(gateway.checks >= 1);
      assert.deepEqual(tally(await publish(20)), { accepted: 20 });
      assert.equal(gateway.received.total, 21);
    });
  });
}

describe('what a health check of MongoosePush tells', { timeout: 60_000 }, () => {
  it('1.12: of several, one without connections or without pools gets nothing until it has them', async (t) => {
    const { gateways, publish, check } = await setup(t, 2);
    const [sick, well] = gateways;
    assert.ok(sick !== undefined && well !== undefined);
    const pools = [{ name: 'fcm_1', connected: 5, disconnected: 0 }];
    await publish(2);
    for (const none of [[{ name: 'fcm_1', connected: 0, disconnected: 5 }], []]) {
      sick.setPools(none);
      const asked = sick.checks;
      check();
      await until('both were asked', () => (sick.checks > asked && well.checks > asked ? true : undefined));
      await until('it is left out', async () => {
        const told = sick.received.total;
        await publish(2);
        return sick.received.total === told ? true : undefined;
      });
      const before: number = sick.received.total;
      assert.deepEqual(tally(await publish(20)), { accepted: 20 });
      assert.equal(sick.received.total, before);
      sick.setPools(pools);
      const later = sick.checks;
      check();
      await until('it was asked again', () => (sick.checks > later ? true : undefined));
      await until('it is used again', async () => {
        await publish(2);
        return sick.received.total > before ? true : undefined;
      });
    }
  });

  it('1.12: gateways that nobody uses, and one alone that works, are never asked', async (t) => {
    const pair = await setup(t, 2);
    pair.check();
    pair.check();
    const alone = await setup(t, 1);
    await alone.publish(3);
    assert.equal(alone.checks.size, 0);
    await pair.publish(2);
    assert.deepEqual(
      pair.gateways.map((gateway) => gateway.checks),
      [0, 0],
    );
    pair.check();
    await until('both were asked', () => (pair.gateways.every((one) => one.checks === 1) ? true : undefined));
  });

  it('1.5: so many faults of its own in a row leave one out; refused notifications never do', async (t) => {
    const { gateways, publish } = await setup(t, 2);
    const [sick, well] = gateways;
    assert.ok(sick !== undefined && well !== undefined);
    sick.script({ kind: 'all', behaviour: { kind: 'reject', status: 0, reason: 'BadDeviceToken' } });
    for (let round = 0; round < 15; round++) await publish(2);
    assert.equal(sick.received.total, 15);
    sick.script({ kind: 'all', behaviour: { kind: 'reject', status: 0, reason: 'unable_to_connect' } });
    for (let round = 0; round < 15; round++) await publish(2);
    assert.equal(sick.received.total, 15 + limits.gatewayTroubledMax);
    assert.equal(well.received.total, 60 - sick.received.total);
  });
});

describe('one MongoosePush', { timeout: 60_000 }, () => {
  for (const api of ['v1', 'v2', 'v3'] as const) {
    it(`1.2 to 1.4: what is sent to ${api} is taken, and told to the device named`, async (t) => {
      const { gateways, publish } = await setup(t, 1, { api });
      const [gateway] = gateways;
      assert.ok(gateway !== undefined);
      const token = 'a/../b?c=d&é:%2F.';
      const expected = api === 'v1' ? { accepted: 2, rejected: 1 } : { accepted: 3 };
      const alert = await publish(1, { token, mutableContent: true, expiresAtMs: epochMs(Date.now() + 60_000) });
      const call = await publish(1, { token, kind: 'call', service: 'apns', mode: 'dev' });
      const silent = await publish(1, { token, kind: 'silent', data: { 'message-count': '2' } });
      assert.deepEqual(tally([...alert, ...call, ...silent]), expected);
      assert.deepEqual(
        [...new Set(gateway.received.items.map((one) => `${one.version} ${one.deviceId}`))],
        [`${api} ${token}`],
      );
      assert.ok(gateway.received.items.every(({ fields }) => fields['content-type'] === 'application/json'));
    });
  }

  it('4.1: a path prefix stays in front, of pushes and of health checks', async (t) => {
    const { gateways, ports, publish } = await setup(t, 1);
    const world = await setup(t, 0, { urls: [`https://localhost:${ports[0]}/nowhere/`] });
    assert.deepEqual(await world.publish(1), ['rejected']);
    assert.deepEqual(await publish(1), ['accepted']);
    assert.equal(gateways[0]?.received.total, 1);
  });
});
