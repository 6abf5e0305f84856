import { test } from 'node:test';
import assert from 'node:assert/strict';
import { options } from '../../registration-commands.ts';
import { limits } from '../../../src/core/limits.ts';
import { carriedDevice } from '../../../src/notification/carried-device.ts';

test('mongooseim 3.5: both service and token are needed, and gcm is fcm', () => {
  const complete = { service: 'apns', deviceId: 'A1'.repeat(32) };
  assert.deepEqual(carriedDevice(options(complete)), {
    kind: 'device',
    service: 'apns',
    token: 'a1'.repeat(32),
    voipToken: '',
    topic: '',
    mode: '',
  });
  for (const over of [{ service: '' }, { deviceId: '' }, { service: 'pigeon' }, { service: 'APNS' }]) {
    assert.equal(carriedDevice(options({ ...complete, ...over })), undefined, JSON.stringify(over));
  }
  assert.equal(carriedDevice(options({ service: 'gcm', deviceId: 'x' }))?.service, 'fcm');
});

test('mongooseim 4.3: mode is taken as given, topic too; sandbox means dev where there is no mode', () => {
  const of = (over: object) => carriedDevice(options({ service: 'fcm', deviceId: 'AbC:x', ...over }));
  assert.deepEqual(
    [of({})?.mode, of({ mode: 'dev' })?.mode, of({ mode: 'prod', sandbox: 'true' })?.mode],
    ['', 'dev', 'prod'],
  );
  assert.deepEqual([of({ sandbox: 'true' })?.mode, of({ mode: 'x' })?.mode], ['dev', '']);
  assert.deepEqual([of({ topic: 'net.example' })?.topic, of({})?.token], ['net.example', 'AbC:x']);
});

test('8.24 a token that could leave a path or a header is no token', () => {
  for (const deviceId of ['a b', 'a\r\nb', 'a\u0000', 'ä', 'x'.repeat(limits.tokenBytesMax + 1)]) {
    assert.equal(carriedDevice(options({ service: 'fcm', deviceId })), undefined);
  }
});
