import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../../src/core/random.ts';
import { StanzaIds } from '../../../src/fake/stanza-ids.ts';
import { publishText, registeredTarget, Traffic } from '../../../src/fake/traffic.ts';
import { loadCaptures } from '../../../src/fake/xmpp-captures.ts';

const captures = loadCaptures(new URL('../../../../test/fixtures/xmpp-captures.jsonl', import.meta.url).pathname);

function capturedPublish(profile: 'ejabberd' | 'prosody'): string {
  const scenario = captures.find(
    (capture) => capture.file === `push_${profile}.log` && capture.scenario.startsWith('3 enable ok'),
  );
  return scenario?.segments.find(({ dir }) => dir === 'in')?.data ?? '';
}

for (const [profile, body] of [
  ['ejabberd', 'New message'],
  ['prosody', 'New Message!'],
] as const) {
  test(`9.6 a publish of ${profile} is byte for byte the captured one`, () => {
    const captured = capturedPublish(profile);
    const made = publishText(profile, {
      id: / id='([^']*)'/.exec(captured)?.[1] ?? '',
      from: `${profile}.lab`,
      to: `push.${profile}.lab`,
      node: 'ok1',
      secret: 'eruio234vzxc2kla-91',
      body,
      sender: '',
      messageCount: 1,
    });
    assert.equal(made, captured);
  });

  test(`2.1 ids of ${profile} have the captured form and never repeat`, () => {
    const ids = new StanzaIds(profile, seededRandom(2));
    const made = Array.from({ length: 2000 }, () => ids.next());
    assert.equal(new Set(made).size, 2000);
    const form = profile === 'ejabberd' ? /^rr-\d{13}-\d{19,20}-[\w+/]{27}=-51684740$/ : /^[\da-f]{64}$/;
    assert.match(made[1999] ?? '', form);
    assert.match(/ id='([^']*)'/.exec(capturedPublish(profile))?.[1] ?? '', form);
  });
}

function traffic(seed: number): Traffic {
  const made = new Traffic({
    profile: 'ejabberd',
    domain: 'example.com',
    component: 'push.example.com',
    random: seededRandom(seed),
  });
  made.use(made.makeTargets(100));
  return made;
}

test('traffic of one seed is the same every time, about 900 bytes a publish', () => {
  const [first, second, other] = [traffic(1), traffic(1), traffic(2)];
  const lengths: number[] = [];
  for (let index = 0; index < 200; index++) {
    const stanza = first.publish(`i${index}`);
    assert.equal(stanza, second.publish(`i${index}`));
    assert.notEqual(stanza, other.publish(`i${index}`));
    lengths.push(stanza.length);
  }
  const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
  assert.ok(mean > 850 && mean < 1000, `${mean}`);
});

test('5.36 a registration carries a token of its platform, a device id and the user', () => {
  const made = traffic(3);
  assert.match(
    made.register('r0', 0),
    /from='user0@example.com\/phone'.* node='register-push-apns' .*<value>[\da-f]{64}</,
  );
  assert.match(
    made.register('r1', 1),
    /from='user1@example.com\/phone'.* node='register-push-fcm' .*<value>fcm1:APA91b/,
  );
});

test('5.35 node and secret are read from the answer to a registration, and only from a completed one', () => {
  const field = (name: string, value: string): string =>
    `<field var='${name}' type='text-single'><value>${value}</value></field>`;
  const answer = (status: string): string =>
    `<iq type='result'><command xmlns='http://jabber.org/protocol/commands' status='${status}'>` +
    `<x xmlns='jabber:x:data' type='result'>${field('node', 'a&amp;b')}${field('secret', 's1')}</x></command></iq>`;
  assert.deepEqual(registeredTarget(answer('completed')), { node: 'a&b', secret: 's1' });
  assert.equal(registeredTarget(answer('executing')), null);
});
