import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { limits } from '../../../src/core/limits.ts';
import { PresenceTable, clientStateFrom, statusFrom } from '../../../src/event/presence-table.ts';
import { message } from '../../message-events.ts';
import { bare, full } from '../../registration-rows.ts';
import type { StatusEvent } from '../../../src/core/event.ts';

const anna = 'anna@example.com';

function note(table: PresenceTable, jid: string, over: Partial<StatusEvent> = {}): void {
  table.note({ kind: 'status', jid: full(jid), status: 'online', clientState: 'unknown', show: '', ...over });
}

const gone = { status: 'offline' } as const;

describe('presence', () => {
  it('mongooseim 2.7: a user is online while one of his sessions is', () => {
    const table = new PresenceTable();
    assert.equal(table.statusOf(anna), 'unknown');
    note(table, `${anna}/phone`);
    note(table, `${anna}/desk`);
    assert.equal(table.statusOf(anna), 'online');
    note(table, `${anna}/phone`, gone);
    assert.equal(table.statusOf(anna), 'online');
    assert.deepEqual([table.isOnline(anna, 'phone'), table.isOnline(anna, 'desk')], [false, true]);
    note(table, `${anna}/desk`, gone);
    assert.equal(table.statusOf(anna), 'unknown');
    assert.equal(table.size, 0);
  });

  it('mongooseim 2.7: a session that is told of twice is one, and one that never came may go', () => {
    const table = new PresenceTable();
    note(table, `${anna}/phone`);
    note(table, `${anna}/phone`, { show: 'away' });
    assert.equal(table.size, 1);
    note(table, `${anna}/desk`, gone);
    assert.deepEqual([table.size, table.statusOf(anna)], [1, 'online']);
    note(table, 'eve@example.com/desk', gone);
    assert.equal(table.statusOf('eve@example.com'), 'unknown');
  });

  it('6.30: remembers who is offline where that is not the same as unknown', () => {
    const table = new PresenceTable({ remembersOffline: true });
    note(table, `${anna}/phone`);
    note(table, `${anna}/phone`, gone);
    assert.deepEqual([table.statusOf(anna), table.size], ['offline', 1]);
    note(table, `${anna}/phone`);
    assert.deepEqual([table.statusOf(anna), table.size], ['online', 1]);
  });

  it('6.30: after a server has come back, and after an account has gone, nothing is known', () => {
    const table = new PresenceTable();
    note(table, `${anna}/phone`);
    note(table, 'eve@example.com/desk');
    table.forget(bare(anna));
    assert.deepEqual([table.statusOf(anna), table.statusOf('eve@example.com'), table.size], ['unknown', 'online', 1]);
    note(table, 'adam@example.net/desk');
    table.forgetDomains(['example.com']);
    assert.deepEqual([table.statusOf('eve@example.com'), table.size], ['unknown', 1]);
    assert.equal(table.statusOf('adam@example.net'), 'online');
    note(table, `${anna}/phone`);
    assert.equal(table.statusOf(anna), 'online');
  });

  it('6.30: when it is full the users who were heard of longest ago are unknown again', () => {
    const table = new PresenceTable({ sessionsMax: 3 });
    for (const name of ['a', 'b', 'c']) note(table, `${name}@example.com/x`);
    note(table, 'a@example.com/x', { show: 'away' });
    note(table, 'd@example.com/x');
    assert.deepEqual(
      ['a', 'b', 'c', 'd'].map((name) => table.statusOf(`${name}@example.com`)),
      [...['online', 'unknown', 'online', 'online']],
    );
    assert.equal(table.size, 3);
    for (const resource of ['y', 'z', 'w']) note(table, `d@example.com/${resource}`);
    assert.ok(table.size <= 3);
  });

  it('6.30: a user with countless sessions is online by the last of them', () => {
    const table = new PresenceTable();
    for (let index = 0; index < 1_000; index++) note(table, `${anna}/s${index}`);
    assert.equal(table.size, limits.presencePerUserMax);
    assert.deepEqual([table.isOnline(anna, 's999'), table.isOnline(anna, 's1')], [true, false]);
  });

  it('mongooseim 2.18: the client state is that of the session, or of all where none is named', () => {
    const table = new PresenceTable();
    assert.equal(table.clientStateOf(anna, ''), 'unknown');
    note(table, `${anna}/phone`, { clientState: 'inactive' });
    assert.equal(table.clientStateOf(anna, ''), 'inactive');
    note(table, `${anna}/desk`);
    assert.equal(table.clientStateOf(anna, ''), 'unknown');
    note(table, `${anna}/desk`, { clientState: 'active' });
    assert.deepEqual(
      ['', 'phone', 'desk', 'tablet'].map((name) => table.clientStateOf(anna, name)),
      [...['active', 'inactive', 'active', 'active']],
    );
    note(table, `${anna}/phone`, { show: 'away' });
    assert.equal(table.clientStateOf(anna, 'phone'), 'inactive');
  });

  it('5.50: a user is away when he is everywhere', () => {
    const table = new PresenceTable();
    assert.equal(table.isAway(anna), false);
    note(table, `${anna}/phone`, { show: 'away' });
    note(table, `${anna}/desk`, { show: 'xa' });
    assert.equal(table.isAway(anna), true);
    note(table, `${anna}/desk`, { show: 'dnd' });
    assert.equal(table.isAway(anna), false);
  });

  it('7.30: what the event says counts before presence, and presence before the configuration', () => {
    const table = new PresenceTable({ remembersOffline: true });
    const status = statusFrom(table, 'online');
    const statuses = (): string[] =>
      (['online', 'offline', 'unknown'] as const).map((userStatus) => status(message({ userStatus })));
    assert.deepEqual(statuses(), ['online', 'offline', 'online']);
    assert.equal(statusFrom(table, 'offline')(message({ userStatus: 'unknown' })), 'offline');
    note(table, `${anna}/desk`);
    assert.deepEqual(statuses(), ['partly', 'offline', 'partly']);
    note(table, `${anna}/desk`, gone);
    assert.deepEqual(statuses(), ['online', 'offline', 'offline']);
  });

  it('mongooseim 2.18: what the event says of the client counts before presence', () => {
    const table = new PresenceTable();
    note(table, `${anna}/phone`, { clientState: 'inactive' });
    const stateOf = clientStateFrom(table);
    assert.equal(stateOf(message({ clientState: 'unknown' })), 'inactive');
    assert.equal(stateOf(message({ clientState: 'active' })), 'active');
  });
});
