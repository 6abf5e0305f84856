import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../../src/core/limits.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { CommandSessions } from '../../../src/xmpp/command-sessions.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';

const anna = 'anna@example.com/phone';

function setup(key = 'a key of sixteen bytes'): { clock: VirtualClock; sessions: CommandSessions } {
  const clock = new VirtualClock();
  return { clock, sessions: new CommandSessions({ key: Buffer.from(key), clock, random: seededRandom(1) }) };
}

test('5.39 a session is valid for whom and what it was opened, in every process with the same key', () => {
  const { clock, sessions } = setup();
  const id = sessions.open(anna, 'register-push');
  const other = new CommandSessions({ key: Buffer.from('a key of sixteen bytes'), clock, random: seededRandom(2) });
  assert.equal(sessions.check(id, anna, 'register-push'), 'valid');
  assert.equal(other.check(id, anna, 'register-push'), 'valid');
});

test('5.39 a session of another resource or command counts as expired', () => {
  const { sessions } = setup();
  const id = sessions.open(anna, 'register-push');
  assert.equal(sessions.check(id, 'anna@example.com/tablet', 'register-push'), 'expired');
  assert.equal(sessions.check(id, 'boris@example.org/desk', 'register-push'), 'expired');
  assert.equal(sessions.check(id, anna, 'unregister-push'), 'expired');
});

test('5.39 a session ends after its time', () => {
  const { clock, sessions } = setup();
  const id = sessions.open(anna, 'register-push');
  clock.jump(limits.commandSessionMs);
  assert.equal(sessions.check(id, anna, 'register-push'), 'valid');
  clock.jump(1);
  assert.equal(sessions.check(id, anna, 'register-push'), 'expired');
});

test('5.39 what was never given out is bad: garbage, another key, one character changed', () => {
  const { sessions } = setup();
  const id = sessions.open(anna, 'register-push');
  const foreign = setup('another key of 16 b').sessions.open(anna, 'register-push');
  for (const text of ['', 's1', 'A'.repeat(54), `${id}A`, '__proto__', foreign]) {
    assert.equal(sessions.check(text, anna, 'register-push'), 'bad', text);
  }
  for (let at = 0; at < id.length - 1; at++) {
    const changed = id.slice(0, at) + (id[at] === 'A' ? 'B' : 'A') + id.slice(at + 1);
    assert.equal(sessions.check(changed, anna, 'register-push'), 'bad', `character ${at}`);
  }
});

test('no two sessions share an id, and a short key is refused', () => {
  const { sessions } = setup();
  assert.notEqual(sessions.open(anna, 'register-push'), sessions.open(anna, 'register-push'));
  assert.throws(() => setup('too short'), /at least 16 bytes/);
});
