import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../../src/core/limits.ts';
import { accepted, rejected, unavailable, unregistered } from '../../../src/core/outcome.ts';
import { PushServices } from '../../../src/event/push-services.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';
import { bare, node } from '../../registration-rows.ts';
import type { Random } from '../../../src/core/random.ts';
import type { IqAnswer } from '../../../src/event/commands.ts';
import type { EnabledKey } from '../../../src/storage/enabled-store.ts';

const hourMs = 3_600_000;
const waitMs = 32_000;
const service = bare('push.example.net');

function keyOf(name: string, at = service): EnabledKey {
  return { owner: bare('anna@example.com'), service: at, node: node(name) };
}

const key = keyOf('n1');
const result: IqAnswer = { kind: 'result' };
const timeout: IqAnswer = { kind: 'timeout' };
const hidden: IqAnswer = { kind: 'hidden-error' };

function error(type: string, condition: string, detail = ''): IqAnswer {
  return { kind: 'error', type, condition, detail };
}

const notFound = error('cancel', 'item-not-found');
const away = error('cancel', 'service-unavailable');
const wait = error('wait', 'resource-constraint');

/** `unit`: where between the bounds of the jitter; the largest unless a test says otherwise. */
function setup(
  unit = 1 - Number.EPSILON,
  over: { refusalsMax?: number; refusalMs?: number } = {},
): { clock: VirtualClock; services: PushServices } {
  const clock = new VirtualClock();
  const random: Random = { unit: () => unit, bytes: () => Buffer.alloc(0), uuid: () => '' };
  const services = new PushServices({ clock, random, refusalsMax: 3, refusalMs: 24 * hourMs, waitMs, ...over });
  return { clock, services };
}

test('mongooseim 2.11: a result is accepted', () => {
  const { services } = setup();
  assert.deepEqual(services.judge(key, result), { outcome: accepted(''), deregister: false, retryAfterMs: 0 });
  assert.equal(services.holdMs(service), 0);
});

test('5.51 an outage never removes a registration, however long it lasts and whatever type its error has', async () => {
  const outages = [
    timeout,
    away,
    error('cancel', 'remote-server-not-found'),
    error('wait', 'remote-server-timeout'),
    error('cancel', 'internal-server-error'),
    error('modify', 'resource-constraint'),
    error('wait', 'item-not-found'),
  ];
  for (const answer of outages) {
    const { clock, services } = setup();
    for (let day = 0; day < 100; day++) {
      const { outcome, deregister } = services.judge(key, answer);
      assert.equal(outcome.kind, 'unavailable');
      assert.equal(deregister, false);
      await clock.advance(24 * hourMs);
    }
    assert.equal(services.figures.troubledRegistrations, 0);
  }
});

test('5.51 what is known about an outage is in the outcome', () => {
  const { services } = setup();
  assert.deepEqual(services.judge(key, timeout).outcome, unavailable('unknown', 'timeout'));
  assert.deepEqual(services.judge(key, away).outcome, unavailable('no', 'service-unavailable'));
  const broken = services.judge(key, error('cancel', 'internal-server-error')).outcome;
  assert.deepEqual(broken, unavailable('unknown', 'internal-server-error'));
});

test('5.51 a registration goes after refusals in a row over the configured time', async () => {
  const { clock, services } = setup();
  const kept = { outcome: rejected('item-not-found'), deregister: false, retryAfterMs: 0 };
  for (let refusal = 0; refusal < 5; refusal++) assert.deepEqual(services.judge(key, notFound), kept);
  await clock.advance(24 * hourMs - 1);
  assert.deepEqual(services.judge(key, notFound), kept);
  await clock.advance(1);
  const gone = { outcome: unregistered('item-not-found', 0), deregister: true, retryAfterMs: 0 };
  assert.deepEqual(services.judge(key, notFound), gone);
  assert.equal(services.figures.troubledRegistrations, 0);
  assert.deepEqual(services.judge(key, notFound), kept, 'enabled again, it is counted anew');
});

test('5.51 time alone is not enough: the refusals must be many', async () => {
  const { clock, services } = setup();
  services.judge(key, notFound);
  await clock.advance(1000 * hourMs);
  assert.equal(services.judge(key, notFound).deregister, false);
  assert.equal(services.judge(key, notFound).deregister, true);
});

test('5.51 one refusal is enough where it is configured so', () => {
  const { services } = setup(0, { refusalsMax: 1, refusalMs: 0 });
  assert.deepEqual(services.judge(key, error('cancel', 'not-acceptable', 'device-not-registered')), {
    outcome: unregistered('not-acceptable (device-not-registered)', 0),
    deregister: true,
    retryAfterMs: 0,
  });
});

test('5.51 every definite refusal counts, and all together', () => {
  const refusals = [
    notFound,
    error('cancel', 'gone'),
    error('cancel', 'conflict', 'precondition-not-met'),
    error('cancel', 'not-acceptable', 'device-not-registered'),
    error('cancel', 'feature-not-implemented'),
    error('auth', 'forbidden'),
    error('auth', 'not-authorized'),
    error('auth', 'registration-required'),
    error('cancel', 'not-allowed'),
    error('modify', 'bad-request'),
  ];
  for (const answer of refusals) {
    const { services } = setup(0, { refusalsMax: 2, refusalMs: 0 });
    assert.equal(services.judge(key, notFound).outcome.kind, 'rejected');
    assert.equal(services.judge(key, answer).deregister, true);
  }
});

test('5.51 an acceptance resets the count, what is no refusal leaves it', () => {
  const rows: readonly [IqAnswer, boolean][] = [
    [result, false],
    [timeout, true],
    [away, true],
    [hidden, true],
    [error('modify', 'not-acceptable', 'payload-too-big'), true],
    [error('modify', 'bad-request', 'faild-to-submit-push-notification'), true],
  ];
  for (const [between, deregister] of rows) {
    const { services } = setup(0, { refusalsMax: 2, refusalMs: 0 });
    services.judge(key, notFound);
    assert.equal(services.judge(key, between).deregister, false);
    assert.equal(services.judge(key, notFound).deregister, deregister);
  }
});

test('5.51 refusals are counted for each registration alone', () => {
  const { services } = setup(0, { refusalsMax: 2, refusalMs: 0 });
  services.judge(key, notFound);
  assert.equal(services.judge(keyOf('n2'), notFound).deregister, false);
  assert.equal(services.judge(keyOf('n1', bare('push.other.example')), notFound).deregister, false);
  services.judge(keyOf('n2'), result);
  assert.equal(services.judge(key, notFound).deregister, true);
});

test('6.40 an error whose cause is hidden counts nothing', () => {
  const { services } = setup(0, { refusalsMax: 1, refusalMs: 0 });
  for (let count = 0; count < 100; count++) {
    const { outcome, deregister, retryAfterMs } = services.judge(key, hidden);
    assert.deepEqual([outcome.kind, deregister, retryAfterMs], ['unavailable', false, 0]);
  }
  assert.equal(services.holdMs(service), 0);
  const { troubledServices, troubledRegistrations } = services.figures;
  assert.deepEqual([troubledServices, troubledRegistrations], [0, 0]);
});

test('a service that is away is left alone, twice as long after each probe that fails', async () => {
  const { clock, services } = setup();
  const holds: number[] = [];
  for (let failure = 0; failure < 12; failure++) {
    services.judge(key, away);
    const heldMs = services.holdMs(service);
    holds.push(heldMs);
    await clock.advance(heldMs);
    assert.equal(services.holdMs(service), 0, 'the probe');
  }
  assert.deepEqual(
    holds,
    [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600].map((seconds) => seconds * 1000),
  );
});

test('the hold is drawn with full jitter', () => {
  const { services } = setup(0.25);
  services.judge(key, away);
  assert.equal(services.holdMs(service), limits.serviceHoldFirstMs / 4);
});

test('a hold is for all users of the service, and for no other service', () => {
  const { services } = setup();
  services.judge(keyOf('n1', bare('pubsub@push.example.net')), timeout);
  assert.ok(services.holdMs(service) > 0);
  assert.equal(services.holdMs(bare('push.other.example')), 0);
});

test('when the hold ends one publish goes as a probe, the others wait for its answer', async () => {
  const { clock, services } = setup();
  services.judge(key, away);
  await clock.advance(1000);
  assert.equal(services.holdMs(service), 0);
  assert.equal(services.holdMs(service), waitMs);
  await clock.advance(waitMs);
  assert.equal(services.holdMs(service), 0, 'a probe that nobody judged is given up');
  services.judge(key, result);
  assert.equal(services.holdMs(service), 0);
  assert.equal(services.holdMs(service), 0);
});

test('a probe that could not be sent leaves its place to the next', async () => {
  const { clock, services } = setup();
  services.notSent(service);
  services.judge(key, away);
  await clock.advance(1000);
  assert.equal(services.holdMs(service), 0);
  services.notSent(service);
  assert.equal(services.holdMs(service), 0);
  services.judge(key, hidden);
  assert.equal(services.holdMs(service), 0);
  assert.ok(services.holdMs(service) > 0);
});

test('a thousand publishes that fail with the service are one failure', () => {
  const { services } = setup();
  for (let count = 0; count < 1000; count++) services.judge(keyOf(`n${count}`), timeout);
  assert.equal(services.holdMs(service), 1000);
});

test('whoever refuses or objects is there', () => {
  for (const answer of [result, notFound, error('modify', 'not-acceptable', 'payload-too-big')]) {
    const { services } = setup();
    services.judge(key, away);
    services.judge(keyOf('n2'), answer);
    assert.equal(services.holdMs(service), 0);
  }
});

test('5.51 a publish that was answered wait may be tried again, two of them within a minute', () => {
  const others: readonly IqAnswer[] = [away, timeout, notFound, hidden, result];
  for (const unit of [0, 0.5, 1 - Number.EPSILON]) {
    const { services } = setup(unit);
    const { retryAfterMs } = services.judge(key, wait);
    assert.ok(retryAfterMs >= limits.publishRetryMsMin && retryAfterMs <= limits.publishRetryMsMax);
    assert.ok(2 * retryAfterMs < 60_000);
    for (const answer of others) assert.equal(services.judge(key, answer).retryAfterMs, 0);
  }
});

test('5.51 a retry waits for the end of the hold, or is not worth it', async () => {
  const { clock, services } = setup();
  const retries: number[] = [];
  for (let failure = 0; failure < 7; failure++) {
    const { retryAfterMs } = services.judge(key, wait);
    const heldMs = services.holdMs(service);
    assert.ok(retryAfterMs === 0 || retryAfterMs >= heldMs);
    retries.push(retryAfterMs);
    await clock.advance(heldMs);
  }
  const most = limits.publishRetryMsMax;
  assert.deepEqual(retries, [most, most, most, most, most, 0, 0]);
});

test('the wall clock may jump', async () => {
  const { clock, services } = setup();
  services.judge(key, away);
  clock.jump(-24 * hourMs);
  assert.equal(services.holdMs(service), 1000);
  clock.jump(48 * hourMs);
  assert.equal(services.holdMs(service), 1000);
  for (let refusal = 0; refusal < 3; refusal++) {
    clock.jump(24 * hourMs);
    assert.equal(services.judge(key, notFound).deregister, false);
  }
  await clock.advance(24 * hourMs);
  assert.equal(services.judge(key, notFound).deregister, true);
});

test('both tables are bounded: the oldest entry is forgotten', () => {
  const { services } = setup(0.5, { refusalsMax: 2, refusalMs: 0 });
  const many = limits.troubledServicesMax + 10;
  for (let count = 0; count < many; count++) services.judge(keyOf('n', bare(`p${count}.example`)), away);
  assert.equal(services.figures.troubledServices, limits.troubledServicesMax);
  assert.equal(services.holdMs(bare('p0.example')), 0);
  assert.ok(services.holdMs(bare(`p${many - 1}.example`)) > 0);
  for (let count = 0; count <= limits.troubledRegistrationsMax; count++) services.judge(keyOf(`n${count}`), notFound);
  assert.equal(services.figures.troubledRegistrations, limits.troubledRegistrationsMax);
  assert.equal(services.judge(keyOf('n1'), notFound).deregister, true);
  assert.equal(services.judge(keyOf('n0'), notFound).deregister, false, 'it has been forgotten');
});

test('what was answered is counted', () => {
  const { services } = setup(0, { refusalsMax: 2, refusalMs: 0 });
  for (const answer of [result, result, away, timeout, wait, hidden, notFound, notFound]) services.judge(key, answer);
  services.judge(key, error('modify', 'policy-violation'));
  assert.deepEqual(services.figures, {
    troubledServices: 0,
    troubledRegistrations: 0,
    accepted: 2,
    outages: 3,
    refusals: 2,
    objections: 2,
    deregistered: 1,
  });
});

test('5.51 a registration that was removed and enabled again begins anew', () => {
  const { services } = setup(0, { refusalMs: 0 });
  for (let count = 0; count < 2; count++) assert.equal(services.judge(key, notFound).deregister, false);
  services.forget(key);
  assert.equal(services.figures.troubledRegistrations, 0);
  for (let count = 0; count < 2; count++) assert.equal(services.judge(key, notFound).deregister, false);
  assert.equal(services.judge(key, notFound).deregister, true);
});
