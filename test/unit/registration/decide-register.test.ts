import { test } from 'node:test';
import assert from 'node:assert/strict';
import { bare, device, node, row } from '../../registration-rows.ts';
import { nobody, register, unregister } from '../../registration-commands.ts';
import { epochMs } from '../../../src/core/ids.ts';
import { limits } from '../../../src/core/limits.ts';
import {
  decideList,
  decideRegister,
  decideUnregister,
  surplusTombstones,
} from '../../../src/registration/decide-register.ts';
import type { RegisterContext } from '../../../src/registration/decide-register.ts';
import type { RegisterCommand } from '../../../src/registration/commands.ts';
import type { Registration } from '../../../src/core/registration.ts';

const anna = bare('anna@example.com');
const nowMs = epochMs(1_770_000_000_000);

function setup(rows: readonly Registration[] = []): RegisterContext {
  return {
    rows,
    perOwnerMax: 3,
    nowMs,
    newNode: () => node('new'),
    secretOf: (name, version) => `secret of ${name} ${version}`,
  };
}

/** The row a first registration makes, under another name. */
function registered(name: string, over: Partial<RegisterCommand> = {}): Registration {
  const { row: made } = decideRegister(register(over), setup());
  assert.ok(made !== undefined);
  return { ...made, node: node(name), createdAtMs: epochMs(1), confirmedAtMs: epochMs(1) };
}

test('5.36 a first registration makes a node and hands out its secret', () => {
  const { answer, row: made } = decideRegister(register({ topic: 'com.example.app', app: 'chat' }), setup());
  assert.deepEqual(answer, { kind: 'registered', node: 'new', secret: 'secret of new 1' });
  assert.deepEqual(made?.target, { ...device, mode: '' });
  assert.deepEqual([made?.deviceId, made?.app, made?.deviceName], ['phone', 'chat', "Anna's phone"]);
  assert.deepEqual([made?.createdAtMs, made?.confirmedAtMs, made?.secretVersion], [nowMs, nowMs, 1]);
});

test('5.37 the same device gets the same node and secret, and its new token is kept', () => {
  const known = registered('old');
  const { answer, row: after } = decideRegister(register({ token: 'b2'.repeat(32) }), setup([known]));
  assert.deepEqual(answer, { kind: 'registered', node: 'old', secret: 'secret of old 1' });
  assert.equal(after?.target.kind === 'device' && after.target.token, 'b2'.repeat(32));
  assert.deepEqual([after?.createdAtMs, after?.confirmedAtMs], [1, nowMs]);
});

test('5.37 another device, app, service or room is another registration', () => {
  const others = [{ deviceId: 'tablet' }, { app: 'other' }, { service: 'fcm' }, { room: 'r@muc.example' }] as const;
  for (const over of others) {
    assert.equal(decideRegister(register(over), setup([registered('old')])).row?.node, 'new', JSON.stringify(over));
  }
});

test('4.64 a dead registration stays dead; the device gets a new node', () => {
  const dead: Registration = { ...registered('old'), state: 'dead' };
  assert.equal(decideRegister(register(), setup([dead])).row?.node, 'new');
});

test('a node made by pubsub is never taken for a device', () => {
  const made = row('made', { target: { kind: 'publish-options' }, deviceId: 'phone' });
  assert.equal(decideRegister(register(), setup([made])).row?.node, 'new');
});

test('the device of another owner is never taken over', () => {
  const foreign = { ...registered('foreign'), owner: bare('boris@example.org') };
  assert.equal(decideRegister(register(), setup([foreign])).row?.node, 'new');
});

test('a registration without secret answers none and needs none', () => {
  const { answer, row: made } = decideRegister(register({ withSecret: false }), setup());
  assert.deepEqual(answer, { kind: 'registered', node: 'new', secret: '' });
  assert.equal(made?.secretVersion, 0);
});

test('registering again decides anew whether a secret is needed', () => {
  const open = registered('old', { withSecret: false });
  assert.equal(decideRegister(register(), setup([open])).row?.secretVersion, 1);
  const closed = { ...registered('old'), secretVersion: 7 };
  assert.equal(decideRegister(register(), setup([closed])).row?.secretVersion, 7);
  assert.equal(decideRegister(register({ withSecret: false }), setup([closed])).row?.secretVersion, 0);
});

test('5.42 a new device beyond the quota is refused, a known one is not', () => {
  const rows = ['a', 'b', 'c'].map((name) => registered(name, { deviceId: name }));
  assert.deepEqual(decideRegister(register(), setup(rows)).answer, { kind: 'refused', refusal: 'quota' });
  assert.equal(decideRegister(register({ deviceId: 'b' }), setup(rows)).answer.kind, 'registered');
  const dead = rows.map((one, index) => (index === 0 ? { ...one, state: 'dead' as const } : one));
  assert.equal(decideRegister(register(), setup(dead)).answer.kind, 'registered');
});

test('5.43 unregistering selects by device, nodes or token, and kills without leaving the token', () => {
  const rows = [registered('one'), registered('two', { deviceId: 'tablet', token: 't2', voipToken: 'v2' })];
  const selectors = [
    { deviceId: 'tablet' },
    { nodes: [node('two'), node('foreign')] },
    { token: 't2' },
    { token: 'v2' },
  ];
  for (const over of selectors) {
    const { answer, rows: dead } = decideUnregister(rows, unregister(over), nowMs);
    assert.deepEqual(answer, { kind: 'unregistered', nodes: ['two'] }, JSON.stringify(over));
    assert.deepEqual([dead[0]?.state, dead[0]?.deathReason], ['dead', 'unregister-push']);
    assert.equal(JSON.stringify(dead).includes('t2'), false);
  }
});

test('5.43 every selector that is given must fit', () => {
  const rows = [registered('one'), registered('room', { room: 'r@muc.example' })];
  const nodesOf = (over: Parameters<typeof unregister>[0]): unknown => {
    const { answer } = decideUnregister(rows, unregister(over), nowMs);
    return answer.kind === 'unregistered' ? answer.nodes : answer.kind;
  };
  assert.deepEqual(nodesOf({ deviceId: 'phone' }), ['one', 'room']);
  assert.deepEqual(nodesOf({ deviceId: 'phone', room: 'r@muc.example' }), ['room']);
  assert.deepEqual(nodesOf({ deviceId: 'phone', service: 'fcm' }), 'refused');
  assert.deepEqual(nodesOf({ deviceId: 'phone', nodes: [node('one')] }), ['one']);
});

test('5.43 no selector, or only a narrowing one, matches nothing', () => {
  for (const over of [{}, { service: 'apns' }, { room: 'r@muc.example' }] as const) {
    const rows = [registered('one'), registered('room', { room: 'r@muc.example' })];
    assert.deepEqual(decideUnregister(rows, unregister(over), nowMs).answer, {
      kind: 'refused',
      refusal: 'nothing-matched',
    });
  }
});

test('5.43 dead rows, nodes made by pubsub and rows of others are not unregistered', () => {
  const rows = [
    { ...registered('dead'), state: 'dead' as const },
    row('made', { target: { kind: 'publish-options' }, deviceId: 'phone' }),
    { ...registered('foreign'), owner: bare('boris@example.org') },
  ];
  assert.equal(decideUnregister(rows, unregister({ deviceId: 'phone' }), nowMs).answer.kind, 'refused');
});

test('5.44 the list has the live rows of the owner and no token', () => {
  const rows = [registered('one', { voipToken: 'v' }), { ...registered('dead'), state: 'dead' as const }, row('made')];
  const answer = decideList(rows, { kind: 'list', owner: anna, reply: nobody, tag: 0 });
  assert.ok(answer.kind === 'listed');
  assert.deepEqual(
    answer.registrations.map((one) => one.node),
    ['one', 'made'],
  );
  assert.equal(answer.cut, false);
  assert.equal(JSON.stringify(answer).includes('a1a1'), false);
});

test('5.44 a long list is cut, and says so', () => {
  const rows = Array.from({ length: limits.listMax + 1 }, (_, index) => row(`row ${index}`));
  const answer = decideList(rows, { kind: 'list', owner: anna, reply: nobody, tag: 0 });
  assert.ok(answer.kind === 'listed');
  assert.deepEqual([answer.registrations.length, answer.cut], [limits.listMax, true]);
});

test('tombstones of an owner beyond the quota make room, oldest first', () => {
  const dead = [30, 10, 20].map((at) => row(`died ${at}`, { state: 'dead', diedAtMs: epochMs(at) }));
  assert.deepEqual(surplusTombstones([...dead, row('live')], 4), []);
  assert.deepEqual(surplusTombstones([...dead, row('live')], 3), ['died 10']);
  assert.deepEqual(surplusTombstones(dead, 2), ['died 10', 'died 20']);
});
