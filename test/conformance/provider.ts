/**
 * What every provider must do against its gateway, whatever that does: each notification is settled exactly once, with
 * the outcome its end deserves. Run it with `providerConformance(name, open)`; the fake gateway misbehaves as scripted.
 */
import assert from 'node:assert/strict';
import { test as nodeTest } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { epochMs, parseProviderName } from '../../src/core/ids.ts';
import { noData, noParts } from '../../src/core/notification.ts';
import { newNotificationId, seededRandom } from '../../src/core/random.ts';
import { Watch } from './http2-peer.ts';
import type { TestContext } from 'node:test';
import type { ProviderName } from '../../src/core/ids.ts';
import type { Notification } from '../../src/core/notification.ts';
import type { Outcome, OutcomeKind } from '../../src/core/outcome.ts';
import type { ScriptChange } from '../../src/fake/gateway-script.ts';
import type { Provider, ProviderContext } from '../../src/provider/provider.ts';

export interface ProviderBench {
  readonly create: (context: ProviderContext) => Provider;
  readonly authorization: string;
  readonly script: (change: ScriptChange) => void;
  readonly connectionsTotal: () => number;
  /** HTTP/2 gateways can refuse streams and say GOAWAY. */
  readonly http2: boolean;
  readonly service: Notification['service'];
  readonly rejections: readonly ExpectedRejection[];
}

export interface ExpectedRejection {
  readonly status: number;
  readonly reason: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly kind: OutcomeKind;
}

const ids = seededRandom(11);

export function sampleNotification(changes: Partial<Notification> = {}): Notification {
  return {
    id: newNotificationId(ids),
    kind: 'alert',
    service: 'apns',
    mode: 'prod',
    token: 'ab'.repeat(32),
    topic: 'com.example.app',
    priority: 'high',
    title: 'romeo@montague.example',
    body: 'Wherefore art thou?',
    badge: 3,
    sound: 'default',
    category: '',
    thread: 'romeo@montague.example',
    collapseId: '',
    mutableContent: true,
    expiresAtMs: epochMs(0),
    data: noData,
    pushType: '',
    interruptionLevel: '',
    tokenKind: 'device',
    parts: noParts,
    ...changes,
  };
}

export function providerName(text: string): ProviderName {
  const parsed = parseProviderName(text);
  assert.ok(parsed.ok);
  return parsed.value;
}

const farMs = 10_000;

function test(title: string, run: (t: TestContext) => Promise<void>): void {
  void nodeTest(title, { timeout: 20_000 }, run);
}

export function providerConformance(name: string, open: (t: TestContext) => Promise<ProviderBench>): void {
  async function setup(t: TestContext): Promise<{
    readonly bench: ProviderBench;
    readonly provider: Provider;
    readonly outcomes: Map<number, Outcome>;
    readonly settled: (tag: number) => Promise<void>;
    readonly publish: (count: number, lifeMs?: number) => Promise<readonly Outcome[]>;
  }> {
    const bench = await open(t);
    const watch = new Watch();
    const outcomes = new Map<number, Outcome>();
    const provider = bench.create({
      name: providerName('tested'),
      clock: systemClock,
      random: seededRandom(3),
      settle: (tag, outcome) => {
        assert.ok(!outcomes.has(tag), `tag ${tag} is settled once`);
        outcomes.set(tag, outcome);
        watch.changed();
      },
    });
    t.after(() => provider.drain(0));
    let next = 0;
    const publish = async (count: number, lifeMs = farMs): Promise<readonly Outcome[]> => {
      const first = next;
      next += count;
      for (let tag = first; tag < next; tag++) {
        const notification = sampleNotification({ service: bench.service });
        provider.publish(notification, bench.authorization, epochMs(Date.now() + lifeMs), tag);
      }
      const last = next;
      await watch.until(`${last} outcomes`, () => outcomes.size >= last);
      return Array.from({ length: count }, (_, index) => outcomes.get(first + index)).filter(
        (one) => one !== undefined,
      );
    };
    const settled = (tag: number): Promise<void> => watch.until(`outcome ${tag}`, () => outcomes.has(tag));
    return { bench, provider, outcomes, settled, publish };
  }

  const kindsOf = (outcomes: readonly Outcome[]): readonly string[] => [
    ...new Set(outcomes.map((outcome) => outcome.kind)),
  ];

  test(`${name}: what the gateway takes is accepted`, async (t) => {
    const { publish } = await setup(t);
    assert.deepEqual(kindsOf(await publish(1)), ['accepted']);
  });

  test(`${name}: a cold start of many is accepted over one or two connections`, async (t) => {
    const { bench, publish } = await setup(t);
    assert.deepEqual(kindsOf(await publish(150)), ['accepted']);
    if (bench.http2) assert.ok(bench.connectionsTotal() <= 2, `${bench.connectionsTotal()} connections`);
  });

  test(`${name}: each reason of the gateway has its outcome`, async (t) => {
    const { bench, publish } = await setup(t);
    await publish(1);
    for (const { status, reason, fields, kind } of bench.rejections) {
      const behaviour = { kind: 'reject', status, reason, ...(fields === undefined ? {} : { fields }) } as const;
      bench.script({ kind: 'next', count: 1, behaviour });
      const [outcome] = await publish(1);
      assert.equal(outcome?.kind, kind, `${status} ${reason}`);
    }
    assert.deepEqual(kindsOf(await publish(1)), ['accepted']);
  });

  test(`${name}: an answer that cannot be read is judged by its status alone`, async (t) => {
    const { bench, publish } = await setup(t);
    const html = '<html>Bad gateway</html>';
    bench.script({ kind: 'next', count: 1, behaviour: { kind: 'malformed', status: 502, body: html } });
    assert.deepEqual(kindsOf(await publish(1)), ['unavailable']);
    bench.script({ kind: 'next', count: 1, behaviour: { kind: 'malformed', status: 400, body: html } });
    assert.deepEqual(kindsOf(await publish(1)), ['rejected']);
  });

  test(`${name}: a stalled notification is unavailable at its deadline and holds up no other`, async (t) => {
    const { bench, provider, outcomes, settled, publish } = await setup(t);
    await publish(1);
    bench.script({ kind: 'next', count: 1, behaviour: { kind: 'stall', answerAfterMs: 0 } });
    const stalled = sampleNotification({ service: bench.service });
    provider.publish(stalled, bench.authorization, epochMs(Date.now() + 600), 999);
    assert.deepEqual(kindsOf(await publish(1)), ['accepted']);
    assert.ok(!outcomes.has(999));
    await settled(999);
    const outcome = outcomes.get(999);
    assert.ok(outcome?.kind === 'unavailable' && outcome.reached === 'unknown' && outcome.reason === 'deadline');
  });

  test(`${name}: a cut connection leaves the outcome unknown, and the next notification goes out`, async (t) => {
    const { bench, publish } = await setup(t);
    await publish(1);
    bench.script({ kind: 'next', count: 1, behaviour: { kind: 'drop', request: 'read' } });
    const [outcome] = await publish(1);
    assert.ok(outcome?.kind === 'unavailable' && outcome.reached === 'unknown', JSON.stringify(outcome));
    assert.deepEqual(kindsOf(await publish(1)), ['accepted']);
  });

  test(`${name}: GOAWAY below a request sends it again, above it lets it finish`, async (t) => {
    const { bench, publish } = await setup(t);
    if (!bench.http2) return;
    await publish(1);
    const goaway = { kind: 'goaway', code: 0, debug: '{"reason":"Shutdown"}', open: 'finish' } as const;
    bench.script({ kind: 'next', count: 1, behaviour: { ...goaway, last: 'before' } });
    assert.deepEqual(kindsOf(await publish(1)), ['accepted']);
    bench.script({ kind: 'next', count: 1, behaviour: { ...goaway, last: 'this' } });
    assert.deepEqual(kindsOf(await publish(1)), ['accepted']);
    assert.deepEqual(kindsOf(await publish(10)), ['accepted']);
  });

  test(`${name}: a refused stream is sent again once, and refused twice nobody got it`, async (t) => {
    const { bench, publish } = await setup(t);
    if (!bench.http2) return;
    await publish(1);
    bench.script({ kind: 'next', count: 1, behaviour: { kind: 'refuse-stream' } });
    assert.deepEqual(kindsOf(await publish(1)), ['accepted']);
    bench.script({ kind: 'next', count: 2, behaviour: { kind: 'refuse-stream' } });
    const [outcome] = await publish(1);
    assert.ok(outcome?.kind === 'unavailable' && outcome.reached === 'no', JSON.stringify(outcome));
  });

  test(`${name}: after drain nothing is taken, and everything was settled`, async (t) => {
    const { bench, provider, publish, outcomes } = await setup(t);
    await publish(5);
    await provider.drain(1_000);
    const late = sampleNotification({ service: bench.service });
    provider.publish(late, bench.authorization, epochMs(Date.now() + farMs), 77);
    await new Promise((resolve) => setImmediate(resolve));
    const outcome = outcomes.get(77);
    assert.ok(outcome?.kind === 'unavailable' && outcome.reached === 'no', JSON.stringify(outcome));
  });
}
