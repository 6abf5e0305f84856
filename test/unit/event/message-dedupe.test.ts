import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MessageDedupe } from '../../../src/event/message-dedupe.ts';
import { bare, full, node } from '../../registration-rows.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';
import type { EnabledKey } from '../../../src/storage/enabled-store.ts';

const phone: EnabledKey = { owner: bare('anna@example.com'), service: bare('push.example.net'), node: node('phone') };
const from = full('boris@example.org/desk');
const message = { id: 'm1', from };

function setup(ttlMs = 1_000, max = 100): { clock: VirtualClock; dedupe: MessageDedupe } {
  const clock = new VirtualClock();
  return { clock, dedupe: new MessageDedupe(clock, ttlMs, max) };
}

describe('messages that come again', () => {
  it('mongooseim 2.14: are known to the registration that was pushed, and to no other', () => {
    const { dedupe } = setup();
    assert.equal(dedupe.isKnown(message, phone), false);
    dedupe.note(message, phone);
    assert.equal(dedupe.isKnown(message, phone), true);
    assert.equal(dedupe.isKnown(message, { ...phone, node: node('tablet') }), false);
    assert.equal(dedupe.isKnown(message, { ...phone, service: bare('other.example.net') }), false);
    assert.equal(dedupe.isKnown(message, { ...phone, owner: bare('eve@example.com') }), false);
  });

  it('7.56: are told by id and sender together, because clients count', () => {
    const { dedupe } = setup();
    dedupe.note({ id: '1', from }, phone);
    assert.equal(dedupe.isKnown({ id: '1', from: full('eve@example.com/x') }, phone), false);
    assert.equal(dedupe.isKnown({ id: '12', from }, { ...phone, node: node('phon') }), false);
    assert.equal(dedupe.isKnown({ id: 'e1', from }, { ...phone, node: node('phon') }), false);
  });

  it('7.56: without an id are never known', () => {
    const { dedupe } = setup();
    dedupe.note({ id: '', from }, phone);
    assert.equal(dedupe.isKnown({ id: '', from }, phone), false);
  });

  it('7.56: are new again after the configured time, and with 0 always', async () => {
    const { clock, dedupe } = setup();
    dedupe.note(message, phone);
    await clock.advance(999);
    assert.equal(dedupe.isKnown(message, phone), true);
    await clock.advance(1);
    assert.equal(dedupe.isKnown(message, phone), false);
    const off = setup(0).dedupe;
    off.note(message, phone);
    assert.equal(off.isKnown(message, phone), false);
  });

  it('7.56: are known for the whole time though generations change', async () => {
    const { clock, dedupe } = setup();
    await clock.advance(900);
    dedupe.note(message, phone);
    await clock.advance(200);
    dedupe.note({ id: 'm2', from }, phone);
    assert.equal(dedupe.isKnown(message, phone), true);
    dedupe.forget(message, phone);
    assert.equal(dedupe.isKnown(message, phone), false);
  });

  it('7.56: past the bound the older half is forgotten', () => {
    const { dedupe } = setup(1_000, 3);
    const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    for (const id of ids) dedupe.note({ id, from }, phone);
    assert.deepEqual(
      ids.map((id) => dedupe.isKnown({ id, from }, phone)),
      [...[false, false, false, true, true, true, true]],
    );
  });

  it('7.56: with names of any length are told apart', () => {
    const { dedupe } = setup();
    const long = 'x'.repeat(1_000);
    dedupe.note({ id: `${long}1`, from }, phone);
    assert.equal(dedupe.isKnown({ id: `${long}1`, from }, phone), true);
    assert.equal(dedupe.isKnown({ id: `${long}2`, from }, phone), false);
  });

  it('2.10: that did not reach their service may be pushed again', () => {
    const { dedupe } = setup();
    dedupe.note(message, phone);
    dedupe.forget(message, phone);
    assert.equal(dedupe.isKnown(message, phone), false);
  });
});
