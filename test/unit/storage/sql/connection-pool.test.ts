import { test } from 'node:test';
import assert from 'node:assert/strict';
import { VirtualClock } from '../../../simulation/virtual-clock.ts';
import { limits } from '../../../../src/core/limits.ts';
import { ConnectionPool } from '../../../../src/storage/sql/connection-pool.ts';
import { SqlTrouble } from '../../../../src/storage/sql/sql-connection.ts';
import type { Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { OpenedConnection, SqlConnection, SqlResult } from '../../../../src/storage/sql/sql-connection.ts';

interface Attempt {
  readonly socket: Socket;
  readonly accept: () => void;
  readonly refuse: (code: string) => void;
}

const question = { text: 'SELECT 1', values: [] };
const connectMs = 1_000;

interface World {
  readonly clock: VirtualClock;
  readonly pool: ConnectionPool;
  /** Of the driver, oldest first. */
  readonly attempts: readonly Attempt[];
  /** Asks on a connection; answered by `answer`, oldest first. */
  readonly ask: (waitMs?: number) => Promise<SqlResult>;
  readonly answer: () => Promise<void>;
  readonly left: () => number;
}

function setup(t: TestContext, connections = 2): World {
  const clock = new VirtualClock();
  const attempts: Attempt[] = [];
  const asked: (() => void)[] = [];
  let left = 0;
  const driver = {
    connect: (socket: Socket, lost: () => void): Promise<OpenedConnection> =>
      new Promise((resolve, reject) => {
        const send = (): Promise<SqlResult> =>
          new Promise((answer) => asked.push(() => answer({ rows: [], changed: 0 })));
        socket.once('close', lost);
        attempts.push({
          socket,
          accept: () => resolve({ send, leave: () => left++ }),
          refuse: (code) => reject(Object.assign(new Error('secret text'), { code })),
        });
      }),
  };
  const pool = new ConnectionPool({ driver, clock, connections, connectMs });
  t.after(() => assert.equal(clock.pending, 0, 'a timer was left'));
  return {
    clock,
    pool,
    attempts,
    ask: (waitMs = 500) => pool.run((connection: SqlConnection) => connection.query(question), waitMs),
    async answer() {
      await clock.settle();
      asked.shift()?.();
      await clock.settle();
    },
    left: () => left,
  };
}

function isTrouble(code: string): (error: unknown) => boolean {
  return (error) => error instanceof SqlTrouble && error.code === code && !error.message.includes('secret');
}

test('as many connections are made as calls wait for, up to the limit, and then they are shared', async (t) => {
  const { attempts, ask, answer, clock, pool } = setup(t);
  const calls = [ask(), ask(), ask()];
  await clock.settle();
  assert.equal(attempts.length, 2);
  for (const attempt of attempts) attempt.accept();
  for (let call = 0; call < 3; call++) await answer();
  await Promise.all(calls);
  assert.deepEqual(pool.figures, { open: 2, waiting: 0 });
  const again = ask();
  await answer();
  await again;
  assert.equal(attempts.length, 2);
});

test('who comes to a full queue is refused at once', async (t) => {
  const { ask, clock, pool } = setup(t);
  const calls = Array.from({ length: limits.databaseWaitersMax }, () => ask());
  const ended = Promise.allSettled(calls);
  await assert.rejects(ask(), isTrouble('overloaded'));
  assert.equal(pool.figures.waiting, limits.databaseWaitersMax);
  await clock.advance(connectMs);
  assert.ok((await ended).every(({ status }) => status === 'rejected'));
  assert.equal(pool.figures.waiting, 0);
});

test('the limit of a call holds for its wait and its work together', async (t) => {
  const { attempts, ask, clock, pool } = setup(t, 1);
  const slow = ask(500);
  const behind = ask(800);
  const ended = Promise.allSettled([slow, behind]);
  await clock.advance(300);
  attempts[0]?.accept();
  await clock.advance(199);
  assert.equal(pool.figures.open, 1);
  await clock.advance(1);
  await assert.rejects(slow, isTrouble('timeout'));
  assert.equal(attempts[0]?.socket.destroyed, true);
  assert.equal(attempts.length, 2, 'another connection is made for the call that waits');
  await clock.advance(300);
  await assert.rejects(behind, isTrouble('timeout'));
  attempts[1]?.refuse('ECONNRESET');
  await ended;
  await clock.settle();
});

test('when nobody can connect all that wait are told, and the next attempt is made after a moment', async (t) => {
  const { attempts, ask, answer, clock } = setup(t);
  const calls = Promise.allSettled([ask(), ask(), ask(), ask()]);
  await clock.settle();
  assert.equal(attempts.length, 2);
  attempts[0]?.refuse('ECONNREFUSED');
  await clock.settle();
  attempts[1]?.refuse('ECONNREFUSED');
  for (const call of await calls) assert.ok(call.status === 'rejected' && isTrouble('ECONNREFUSED')(call.reason));
  await clock.advance(limits.databaseRetryMs - 1);
  await assert.rejects(ask(), isTrouble('ECONNREFUSED'));
  assert.equal(attempts.length, 2);
  await clock.advance(1);
  const again = ask();
  await clock.settle();
  attempts[2]?.accept();
  await answer();
  await again;
});

test('a connection that cannot be made does not harm calls that can wait for another', async (t) => {
  const { attempts, ask, answer, clock } = setup(t);
  const calls = [ask(), ask(), ask()];
  await clock.settle();
  attempts[0]?.accept();
  await clock.settle();
  attempts[1]?.refuse('53300');
  for (let call = 0; call < 3; call++) await answer();
  await Promise.all(calls);
});

test('an attempt to connect ends at its limit, whatever the driver does', async (t) => {
  const { attempts, ask, clock, pool } = setup(t, 1);
  const call = ask(5_000);
  const ended = assert.rejects(call, isTrouble('timeout'));
  await clock.advance(connectMs);
  await ended;
  assert.equal(attempts[0]?.socket.destroyed, true);
  assert.deepEqual(pool.figures, { open: 0, waiting: 0 });
});

test('a connection that is lost while idle is not lent again', async (t) => {
  const { attempts, ask, answer, clock, pool } = setup(t, 1);
  const first = ask();
  await clock.settle();
  attempts[0]?.accept();
  await answer();
  await first;
  attempts[0]?.socket.destroy();
  await clock.settle();
  assert.equal(pool.figures.open, 0);
  const second = ask();
  await clock.settle();
  attempts[1]?.accept();
  await answer();
  await second;
});

test('a call whose connection is lost is told at once, not at its limit', async (t) => {
  const { attempts, ask, clock } = setup(t, 1);
  const call = ask();
  const ended = assert.rejects(call, isTrouble('connection_lost'));
  await clock.settle();
  attempts[0]?.accept();
  await clock.settle();
  attempts[0]?.socket.destroy();
  await clock.settle();
  await ended;
});

test('after one call was too slow, idle connections are not trusted either', async (t) => {
  const { attempts, ask, answer, clock, pool } = setup(t);
  const two = [ask(), ask()];
  await clock.settle();
  for (const attempt of attempts) attempt.accept();
  await answer();
  await answer();
  await Promise.all(two);
  const slow = assert.rejects(ask(), isTrouble('timeout'));
  await clock.advance(500);
  await slow;
  assert.deepEqual(pool.figures, { open: 0, waiting: 0 });
});

test('close waits for the call that works, and rejects those that wait', async (t) => {
  const { attempts, ask, answer, clock, left, pool } = setup(t, 1);
  const working = ask();
  await clock.settle();
  attempts[0]?.accept();
  await clock.settle();
  const waiting = assert.rejects(ask(), isTrouble('closed'));
  let isClosed = false;
  const closed = pool.close().then(() => (isClosed = true));
  await clock.settle();
  assert.equal(isClosed, false);
  await answer();
  await Promise.all([working, waiting, closed]);
  assert.equal(left(), 1);
  await assert.rejects(ask(), isTrouble('closed'));
});

test('close does not wait for a connection that is being made', async (t) => {
  const { attempts, ask, clock, pool } = setup(t, 1);
  const call = assert.rejects(ask(), isTrouble('closed'));
  await clock.settle();
  await Promise.all([pool.close(), call]);
  assert.equal(attempts[0]?.socket.destroyed, true);
  await clock.settle();
});
