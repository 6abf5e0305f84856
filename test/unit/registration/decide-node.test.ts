import { test } from 'node:test';
import assert from 'node:assert/strict';
import { bare, device, node, row } from '../../registration-rows.ts';
import { create, nobody } from '../../registration-commands.ts';
import { epochMs } from '../../../src/core/ids.ts';
import { limits } from '../../../src/core/limits.ts';
import { unregistered } from '../../../src/core/outcome.ts';
import {
  decideAffiliate,
  decideConfigure,
  decideCreate,
  decideDeleteNode,
  decideDisable,
  decideReadNode,
} from '../../../src/registration/decide-node.ts';
import type { CreateContext, Decision, NodeRules } from '../../../src/registration/decide-node.ts';
import type { AffiliateCommand, DisableCommand } from '../../../src/registration/commands.ts';

const anna = bare('anna@example.com');
const boris = bare('boris@example.org');
const rules: NodeRules = { strictErrors: false, perOwnerMax: 3 };
const strict: NodeRules = { ...rules, strictErrors: true };
const nowMs = epochMs(1_770_000_000_000);
const dead = row('phone', { state: 'dead' });

function setup(over: Partial<CreateContext> = {}): CreateContext {
  return { node: node('phone'), existing: undefined, liveOfOwner: 0, rules, nowMs, ...over };
}

function word({ answer }: Decision): string {
  return answer.kind === 'refused' ? answer.refusal : answer.kind;
}

function affiliate(grant: readonly string[], revoke: readonly string[]): AffiliateCommand {
  const asked = { kind: 'affiliate', node: node('phone'), owner: anna, reply: nobody, tag: 0 } as const;
  return { ...asked, grant: grant.map(bare), revoke: revoke.map(bare) };
}

function disable(over: Partial<DisableCommand> = {}): DisableCommand {
  const asked = { kind: 'disable', node: node('phone'), token: device.token, reply: nobody, tag: 0 } as const;
  return { ...asked, reason: 'Unregistered', sinceMs: 0, ...over };
}

test('4.1 a created node is live, its owner the creator, its device travels with the publish', () => {
  const { answer, row: made } = decideCreate(create('phone', { publishModel: 'publishers' }), setup());
  assert.deepEqual(answer, { kind: 'created', node: 'phone' });
  assert.equal(made?.owner, anna);
  assert.equal(made?.publishModel, 'publishers');
  assert.deepEqual(made?.target, { kind: 'publish-options' });
  assert.deepEqual([made?.state, made?.createdAtMs, made?.secretVersion], ['live', nowMs, 0]);
});

test('4.4 a node that exists is a conflict, for its owner and for others, and so is a dead one', () => {
  for (const existing of [row('phone'), row('phone', { owner: boris }), dead]) {
    assert.deepEqual(decideCreate(create('phone'), setup({ existing })), {
      answer: { kind: 'refused', refusal: 'conflict' },
      row: undefined,
    });
  }
});

test('4.7 an owner has no more than the quota', () => {
  assert.equal(word(decideCreate(create('phone'), setup({ liveOfOwner: 2 }))), 'created');
  assert.equal(word(decideCreate(create('phone'), setup({ liveOfOwner: 3 }))), 'quota');
});

test('4.12 strangers and unknown nodes are answered alike, and told apart only when errors are strict', () => {
  const asked = { node: node('phone'), reply: nobody, tag: 0, owner: boris } as const;
  const cases = [
    (one: typeof dead | undefined, by: NodeRules) =>
      decideConfigure(one, { ...asked, kind: 'configure', publishModel: 'open' }, by),
    (one: typeof dead | undefined, by: NodeRules) => decideReadNode(one, { ...asked, kind: 'read-node' }, by),
    (one: typeof dead | undefined, by: NodeRules) =>
      decideDeleteNode(one, { ...asked, kind: 'delete-node' }, by, nowMs),
    (one: typeof dead | undefined, by: NodeRules) => decideAffiliate(one, { ...affiliate([], []), ...asked }, by),
  ];
  for (const decide of cases) {
    const unknown = decide(undefined, rules);
    assert.equal(word(unknown), 'unknown-node');
    assert.deepEqual(decide(row('phone'), rules), unknown);
    assert.deepEqual(decide(dead, strict), unknown);
    assert.equal(word(decide(row('phone'), strict)), 'not-owner');
  }
});

test('4.11 configuring changes what was sent and writes only a change', () => {
  const asked = { kind: 'configure', node: node('phone'), owner: anna, reply: nobody, tag: 0 } as const;
  const changed = decideConfigure(row('phone'), { ...asked, publishModel: 'publishers' }, rules);
  assert.deepEqual(changed.row, row('phone', { publishModel: 'publishers' }));
  for (const publishModel of ['', 'open'] as const) {
    assert.deepEqual(decideConfigure(row('phone'), { ...asked, publishModel }, rules), {
      answer: { kind: 'done' },
      row: undefined,
    });
  }
});

test('4.20 a deleted node leaves a tombstone without token, name and publishers', () => {
  const asked = { kind: 'delete-node', node: node('phone'), owner: anna, reply: nobody, tag: 0 } as const;
  const live = row('phone', { deviceName: 'Anna', publishers: ['example.org'], target: { ...device, voipToken: 'v' } });
  const { answer, row: tomb } = decideDeleteNode(live, asked, rules, nowMs);
  assert.equal(answer.kind, 'done');
  assert.deepEqual([tomb?.state, tomb?.deathReason, tomb?.diedAtMs], ['dead', 'deleted', nowMs]);
  assert.deepEqual([tomb?.deviceName, tomb?.publishers], ['', []]);
  assert.deepEqual(tomb?.target, { ...device, token: '', voipToken: '' });
});

test('4.31 grants and revocations change the list once', () => {
  const before = row('phone', { publishers: ['example.org'] });
  const { row: after } = decideAffiliate(before, affiliate(['example.net', 'example.org'], []), rules);
  assert.deepEqual(after?.publishers, ['example.org', 'example.net']);
  assert.deepEqual(decideAffiliate(before, affiliate([], ['example.org']), rules).row?.publishers, []);
  assert.equal(decideAffiliate(before, affiliate(['example.org'], ['example.edu']), rules).row, undefined);
  assert.equal(decideAffiliate(before, affiliate([anna], []), rules).row, undefined);
});

test('4.31 the last owner stays', () => {
  assert.equal(word(decideAffiliate(row('phone'), affiliate([], [anna]), rules)), 'last-owner');
});

test('a node has no more publishers than the limit', () => {
  const many = Array.from({ length: limits.publishersMax }, (_, index) => `p${index}.example`);
  assert.equal(decideAffiliate(row('phone'), affiliate(many, []), rules).row?.publishers.length, limits.publishersMax);
  assert.equal(word(decideAffiliate(row('phone'), affiliate([...many, 'one.more'], []), rules)), 'quota');
  const full = row('phone', { publishers: many });
  assert.equal(word(decideAffiliate(full, affiliate(['one.more'], ['p0.example']), rules)), 'done');
});

/** What the publisher hears. */
function told({ answer }: Decision): string {
  return answer.kind === 'published' ? answer.outcome.kind : answer.kind;
}

test('4.63 a dead token kills its registration, with the reason', () => {
  const { answer, row: tomb } = decideDisable(row('phone'), disable({ sinceMs: nowMs }), nowMs);
  assert.deepEqual([tomb?.state, tomb?.deathReason, tomb?.diedAtMs], ['dead', 'Unregistered', nowMs]);
  assert.deepEqual(answer, { kind: 'published', outcome: unregistered('Unregistered', nowMs) });
});

test('4.63 a token confirmed after it was reported dead stays; confirmed at that moment or before it dies', () => {
  const confirmed = row('phone', { confirmedAtMs: epochMs(1000) });
  const late = decideDisable(confirmed, disable({ sinceMs: 999 }), nowMs);
  assert.deepEqual([told(late), late.row], ['unavailable', undefined]);
  for (const sinceMs of [1000, 0]) {
    const decision = decideDisable(confirmed, disable({ sinceMs }), nowMs);
    assert.deepEqual([told(decision), decision.row?.state], ['unregistered', 'dead']);
  }
});

test('4.60 a registration that has another token by now lives on, and its publisher is not told otherwise', () => {
  const { answer, row: changed } = decideDisable(row('phone'), disable({ token: 'other' }), nowMs);
  assert.deepEqual([answer.kind === 'published' && answer.outcome.kind, changed], ['unavailable', undefined]);
});

test('4.63 without a row, with a dead one or a travelling device nothing changes, and the publisher is told', () => {
  for (const existing of [undefined, dead, row('phone', { target: { kind: 'publish-options' } })]) {
    const decision = decideDisable(existing, disable(), nowMs);
    assert.deepEqual([told(decision), decision.row], ['unregistered', undefined]);
  }
});

test('4.60 a dead token for calls takes only the calls, and costs nobody the registration', () => {
  const live = row('phone', { target: { ...device, voipToken: 'for calls' } });
  const decision = decideDisable(live, disable({ token: 'for calls' }), nowMs);
  assert.deepEqual(decision.row, row('phone', { target: { ...device, voipToken: '' } }));
  assert.equal(told(decision), 'unavailable');
  const nameless = decideDisable(row('phone'), disable({ token: '' }), nowMs);
  assert.deepEqual([told(nameless), nameless.row], ['unavailable', undefined]);
});
