import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brokerAddress, connectRemedy } from '../../../src/rabbit/broker.ts';

const rows: readonly [url: string, expected: object, place: string][] = [
  [
    'amqp://meerkat:hunter2@mq.example:5673/%2f',
    { hostname: 'mq.example', port: 5673, vhost: '/', username: 'meerkat', password: 'hunter2' },
    'amqp://mq.example:5673/%2F',
  ],
  ['amqp://localhost', { port: 5672, vhost: '/', username: 'guest', password: 'guest' }, 'amqp://localhost:5672/%2F'],
  ['amqp://u:a%2Fb%40c%23@h/im', { username: 'u', password: 'a/b@c#', vhost: 'im' }, 'amqp://h:5672/im'],
  ['amqp://u:p@[::1]:5672/%2f', { hostname: '::1' }, 'amqp://[::1]:5672/%2F'],
  [
    'amqps://u:p@mq.example',
    { port: 5671, tls: { rejectUnauthorized: true, ca: 'PEM' } },
    'amqps://mq.example:5671/%2F',
  ],
];
for (const [url, expected, place] of rows) {
  test(`the parts of ${url}`, () => {
    const address = brokerAddress(url, 'PEM', 'mq');
    assert.deepEqual({ ...address.options, ...expected }, address.options);
    assert.equal(address.place, place);
  });
}

test('a password is in no text about a broker', () => {
  const address = brokerAddress('amqp://u:hunter2@mq.example', undefined, 'mq');
  const error = Object.assign(new Error(`no answer\nfrom u:hunter2@mq.example ${'x'.repeat(500)}`), { code: 'EPIPE' });
  assert.doesNotMatch(address.textOf(error) + address.place, /hunter2/);
  assert.match(address.textOf(error), /^EPIPE: no answer from u:\[secret\]@mq/);
  assert.ok(address.textOf(error).length <= 300);
  assert.equal(address.options.tls, undefined);
});

test('an error at connecting leads to the key that is wrong', () => {
  const remedies = ['ACCESS_REFUSED', 'NOT_ALLOWED', 'ENOTFOUND', 'ECONNREFUSED'].map((code) =>
    connectRemedy(Object.assign(new Error('x'), { code })),
  );
  assert.match(remedies[0] ?? '', /^url: user or password/);
  assert.match(remedies[1] ?? '', /^url: the virtual host/);
  assert.match(remedies[2] ?? '', /^url: the host/);
  assert.equal(remedies[3], '');
});
