import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { epochMs } from '../../../src/core/ids.ts';
import { limits } from '../../../src/core/limits.ts';
import { accepted, rejected, throttled, unauthorized, unavailable, unregistered } from '../../../src/core/outcome.ts';
import { err, ok } from '../../../src/core/result.ts';
import { setup } from './dispatcher-world.ts';
import type { CredentialSource } from '../../../src/provider/provider.ts';

describe('dispatcher', () => {
  it('sends what waits in batches of at most 32 and tells each outcome once', async () => {
    const { clock, executor, publish, outcomes, figures } = setup();
    for (let count = 0; count < 70; count++) assert.equal(publish(), 'accepted');
    await clock.settle();
    assert.deepEqual(
      executor.batches.map((held) => held.batch.notifications.length),
      [32, 32, 6],
    );
    assert.equal(figures().inFlight, 70);
    executor.batches.forEach((_, at) => executor.end(at, accepted('id')));
    await clock.settle();
    assert.equal(outcomes().length, 70);
    assert.equal(figures().inFlight, 0);
    assert.equal(figures().outcomes.accepted, 70);
  });

  it('spends credit per notification: past it the mailbox waits until credit comes back', async () => {
    const { clock, executor, publish, figures } = setup({ creditMax: 10 });
    for (let count = 0; count < 25; count++) assert.equal(publish(), 'accepted');
    await clock.settle();
    assert.equal(figures().inFlight, 10);
    executor.end(0, accepted('id'));
    await clock.settle();
    assert.equal(figures().inFlight, 10);
    assert.equal(executor.batches.length > 1, true);
  });

  it('a full mailbox answers full: nothing is dropped in silence', async () => {
    const { clock, publish, ref } = setup({ creditMax: 1 });
    let full = 0;
    for (let count = 0; count < limits.dispatcherMailbox + 500; count++) if (publish() === 'full') full++;
    assert.equal(full, 500);
    await clock.settle();
    assert.equal(ref.depth > limits.dispatcherMailbox - 300, true);
  });

  it('what waited past its deadline ends expired and is not sent', async () => {
    const { clock, executor, publish, outcomes } = setup({ creditMax: 1 });
    assert.equal(publish(), 'accepted');
    assert.equal(publish(1_000), 'accepted');
    await clock.settle();
    await clock.advance(2_000);
    executor.end(0, accepted('id'));
    await clock.settle();
    assert.deepEqual(outcomes(), ['accepted', 'expired']);
    assert.equal(executor.batches.length, 1);
  });

  it('4.60 a dead token ends the registration, whose actor tells the publisher', async () => {
    const { clock, executor, publish, outcomes, disabled, figures } = setup();
    assert.equal(publish(), 'accepted');
    await clock.settle();
    executor.end(0, unregistered('Unregistered', 1_234));
    await clock.settle();
    const [command] = disabled;
    assert.ok(command !== undefined && disabled.length === 1);
    assert.deepEqual(
      [command.node, command.token, command.reason, command.sinceMs],
      ['node-1', 'ab'.repeat(32), 'Unregistered', 1_234],
    );
    assert.deepEqual(outcomes(), [], 'nobody is told before the registration has ended');
    assert.deepEqual([figures().inFlight, figures().outcomes.unregistered], [0, 1]);
    command.reply.answered(command.tag, { kind: 'published', outcome: unregistered('Unregistered', 1_234) });
    assert.deepEqual(outcomes(), ['unregistered']);
  });

  it('4.60 a dead token that cannot be marked costs nobody the registration', async () => {
    for (const admission of ['full', 'stopped'] as const) {
      const { clock, executor, publish, outcomes, figures } = setup({ admission });
      assert.equal(publish(), 'accepted');
      await clock.settle();
      executor.end(0, unregistered('Unregistered', 0));
      await clock.settle();
      assert.deepEqual(outcomes(), ['unavailable']);
      assert.equal(figures().inFlight, 0);
    }
  });

  it('rejected and throttled are told at once, and disable nothing', async () => {
    const { clock, executor, publish, outcomes, disabled } = setup();
    for (const outcome of [rejected('BadTopic'), throttled('TooManyRequests', 0)]) {
      assert.equal(publish(), 'accepted');
      await clock.settle();
      executor.end(executor.batches.length - 1, outcome);
      await clock.settle();
    }
    assert.deepEqual(outcomes(), ['rejected', 'throttled']);
    assert.deepEqual(disabled, []);
    assert.equal(executor.batches.length, 2);
  });

  it('what nobody got is sent again at once, then with back-off, and keeps its id', async () => {
    const { clock, executor, publish, outcomes } = setup();
    assert.equal(publish(), 'accepted');
    await clock.settle();
    executor.end(0, unavailable('no', 'GOAWAY'));
    await clock.advance(1);
    assert.equal(executor.batches.length, 2);
    executor.end(1, unavailable('no', 'ECONNREFUSED'));
    await clock.advance(1_000);
    assert.equal(executor.batches.length, 3);
    const ids = new Set(executor.batches.map((held) => held.batch.notifications[0]?.id));
    assert.equal(ids.size, 1);
    executor.end(2, accepted('id'));
    await clock.settle();
    assert.deepEqual(outcomes(), ['accepted']);
  });

  it('gives up retrying when the asker has no time left', async () => {
    const { clock, executor, publish, outcomes } = setup();
    assert.equal(publish(3_000), 'accepted');
    await clock.settle();
    for (let round = 0; round < 50 && outcomes().length === 0; round++) {
      const last = executor.batches.length - 1;
      executor.end(last, unavailable('no', 'ECONNREFUSED'));
      await clock.advance(1_100);
      if (executor.batches.length - 1 === last) break;
    }
    assert.deepEqual(outcomes(), ['unavailable']);
  });

  it('an unknown loss without a collapse id is told, not resent; with one it is resent once', async () => {
    const { clock, executor, publish, outcomes } = setup();
    assert.equal(publish(), 'accepted');
    await clock.settle();
    executor.end(0, unavailable('unknown', 'connection lost'));
    await clock.settle();
    assert.deepEqual(outcomes(), ['unavailable']);
    assert.equal(publish(5_000, 'chat-1'), 'accepted');
    await clock.settle();
    executor.end(1, unavailable('unknown', 'connection lost'));
    await clock.advance(1);
    assert.equal(executor.batches.length, 3);
    executor.end(2, unavailable('unknown', 'connection lost'));
    await clock.advance(2_000);
    assert.equal(executor.batches.length, 3);
    assert.deepEqual(outcomes(), ['unavailable', 'unavailable']);
  });

  it('an outcome that never comes is written off a second after its deadline, and a late one is ignored', async () => {
    const { clock, executor, publish, outcomes, figures } = setup();
    assert.equal(publish(2_000), 'accepted');
    await clock.settle();
    await clock.advance(2_900);
    assert.deepEqual(outcomes(), []);
    await clock.advance(1_200);
    assert.deepEqual(outcomes(), ['unavailable']);
    assert.equal(figures().overdue, 1);
    executor.end(0, accepted('late'));
    await clock.settle();
    assert.deepEqual(outcomes(), ['unavailable']);
    assert.equal(figures().inFlight, 0);
  });

  it('stop answers what flies and what waits, each once, as unavailable', async () => {
    const { clock, system, executor, publish, outcomes } = setup({ creditMax: 2 });
    for (let count = 0; count < 5; count++) assert.equal(publish(), 'accepted');
    await clock.settle();
    const stopped = system.stop(100);
    await clock.advance(100);
    await stopped;
    executor.end(0, accepted('late'));
    await clock.settle();
    assert.deepEqual(
      outcomes(),
      Array.from({ length: 5 }, () => 'unavailable'),
    );
  });
});

describe('dispatcher: each message ends once', () => {
  it('an executor that tells an outcome twice settles once, and gives its credit back once', async () => {
    const { clock, executor, publish, outcomes, figures } = setup();
    assert.equal(publish(), 'accepted');
    assert.equal(publish(), 'accepted');
    await clock.settle();
    const [held] = executor.batches;
    assert.ok(held);
    held.settle.settled(held.batch.batchId, 0, accepted('id'));
    held.settle.settled(held.batch.batchId, 0, rejected('again'));
    assert.deepEqual(outcomes(), ['accepted']);
    assert.equal(figures().inFlight, 1);
    executor.end(0, accepted('id'));
    assert.deepEqual(outcomes(), ['accepted', 'accepted']);
    assert.equal(figures().inFlight, 0);
  });

  it('stop answers what waits for a retry, and nothing that has ended', async () => {
    const { clock, system, executor, publish, outcomes } = setup();
    assert.equal(publish(), 'accepted');
    assert.equal(publish(), 'accepted');
    await clock.settle();
    const [held] = executor.batches;
    assert.ok(held);
    held.settle.settled(held.batch.batchId, 0, accepted('id'));
    held.settle.settled(held.batch.batchId, 1, unavailable('no', 'GOAWAY', 1_000));
    assert.deepEqual(outcomes(), ['accepted']);
    const stopped = system.stop(100);
    await clock.advance(100);
    await stopped;
    await clock.advance(10_000);
    assert.deepEqual(outcomes(), ['accepted', 'unavailable']);
    assert.equal(executor.batches.length, 1, 'nothing is sent after the stop');
  });

  it('what an outage has turned back goes again in batches, not one by one', async () => {
    const { clock, executor, publish, outcomes } = setup();
    for (let count = 0; count < 64; count++) assert.equal(publish(), 'accepted');
    await clock.settle();
    assert.equal(executor.batches.length, 2);
    executor.end(0, unavailable('no', 'GOAWAY'));
    executor.end(1, unavailable('no', 'GOAWAY'));
    await clock.advance(1);
    assert.deepEqual(
      executor.batches.slice(2).map((held) => held.batch.notifications.length),
      [32, 32],
    );
    executor.end(2, accepted('id'));
    executor.end(3, accepted('id'));
    await clock.settle();
    assert.equal(outcomes().length, 64);
  });
});

describe('dispatcher and its credential', () => {
  it('mints before the first send, once for all that wait, and attaches the value', async () => {
    let mints = 0;
    const source: CredentialSource = {
      id: '',
      mint: (nowMs) => {
        mints++;
        return Promise.resolve(
          ok({
            authorization: `bearer ${mints}`,
            mintedAtMs: nowMs,
            renewAtMs: epochMs(nowMs + 60_000),
            expiresAtMs: epochMs(nowMs + 90_000),
            gatewayAtMs: 0,
          }),
        );
      },
      close: () => Promise.resolve(),
    };
    const { clock, executor, publish } = setup({ source });
    for (let count = 0; count < 3; count++) assert.equal(publish(), 'accepted');
    await clock.settle();
    assert.equal(mints, 1);
    assert.equal(executor.batches[0]?.batch.authorization, 'bearer 1');
    await clock.advance(60_000);
    assert.equal(mints, 2);
  });

  it('a refused credential is renewed once and the notification is sent again with the new one', async () => {
    let mints = 0;
    const source: CredentialSource = {
      id: '',
      mint: (nowMs) => {
        mints++;
        return Promise.resolve(
          ok({
            authorization: `bearer ${mints}`,
            mintedAtMs: nowMs,
            renewAtMs: epochMs(nowMs + 60_000),
            expiresAtMs: epochMs(nowMs + 90_000),
            gatewayAtMs: 0,
          }),
        );
      },
      close: () => Promise.resolve(),
    };
    const { clock, executor, publish, outcomes } = setup({ source });
    assert.equal(publish(), 'accepted');
    await clock.settle();
    executor.end(0, accepted('id'));
    await clock.advance(20_000); // the present value is no longer fresh
    assert.equal(publish(), 'accepted');
    await clock.settle();
    executor.end(1, unauthorized('ExpiredProviderToken'));
    await clock.advance(1);
    assert.equal(executor.batches[2]?.batch.authorization, 'bearer 2');
    executor.end(2, unauthorized('ExpiredProviderToken'));
    await clock.advance(1);
    assert.deepEqual(outcomes(), ['accepted', 'unauthorized']);
    assert.equal(mints, 2);
  });

  it('what waited for credit during a reload goes out with the new credential and its revision', async () => {
    const source = (authorization: string): CredentialSource => ({
      id: '',
      mint: (nowMs) => {
        const [renewAtMs, expiresAtMs] = [epochMs(nowMs + 60_000), epochMs(nowMs + 90_000)];
        return Promise.resolve(ok({ authorization, mintedAtMs: nowMs, renewAtMs, expiresAtMs, gatewayAtMs: 0 }));
      },
      close: () => Promise.resolve(),
    });
    const { clock, executor, publish, reload } = setup({ source: source('bearer old'), creditMax: 1 });
    publish();
    publish();
    await clock.settle();
    await reload(source('bearer new'));
    executor.end(0, accepted('id'));
    await clock.settle();
    const sent = executor.batches.map(({ batch }) => [batch.authorization, batch.revision]);
    assert.deepEqual(sent, [
      ['bearer old', 0],
      ['bearer new', 1],
    ]);
  });

  it('without a credential all is told: unavailable while it may come, unauthorized when refused', async () => {
    let transient = true;
    const source: CredentialSource = {
      id: '',
      mint: () => Promise.resolve(err({ transient, reason: 'invalid_grant', gatewayAtMs: 0 })),
      close: () => Promise.resolve(),
    };
    const { clock, publish, outcomes, figures } = setup({ source });
    assert.equal(publish(), 'accepted');
    await clock.settle();
    transient = false;
    await clock.advance(1_000);
    assert.equal(publish(), 'accepted');
    await clock.settle();
    assert.deepEqual(outcomes(), ['unavailable', 'unauthorized']);
    assert.equal(figures().inFlight, 0);
  });
});
