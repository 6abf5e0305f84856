import { test } from 'node:test';
import assert from 'node:assert/strict';
import { node } from '../../registration-rows.ts';
import { limits } from '../../../src/core/limits.ts';
import { optionsProblem, publishProblem } from '../../../src/event/check-options.ts';
import type { IsServed } from '../../../src/event/check-options.ts';
import type { PublishOption } from '../../../src/core/enabled.ts';

const both: IsServed = () => true;
const token = 'a1'.repeat(32);

function problem(...options: readonly PublishOption[]): string {
  return optionsProblem(options, both);
}

function withDevice(...options: readonly PublishOption[]): string {
  return problem(['service', 'apns'], ['device_id', token], ...options);
}

test('mongooseim 2.11: options that can work at our own push service are taken', () => {
  const good: readonly (readonly PublishOption[])[] = [
    [],
    [['secret', 'abc']],
    [
      ['service', 'apns'],
      ['device_id', token],
    ],
    [
      ['service', 'gcm'],
      ['device_id', 'fcm:token-of_any.shape'],
    ],
    [
      ['pushModule', 'monalProdiOS'],
      ['priority', 'whatever an app puts there'],
    ],
    [
      ['service', ''],
      ['device_id', ''],
    ],
  ];
  for (const options of good) assert.equal(problem(...options), '', JSON.stringify(options));
});

test('mongooseim 2.11: half a device is refused, because the first publish would fail', () => {
  assert.match(problem(['service', 'apns']), /'device_id'/);
  assert.match(problem(['device_id', token]), /'service'/);
  assert.match(problem(['service', 'apns'], ['device_id', '']), /'device_id'/);
  assert.match(problem(['device_id', token], ['service', ''], ['secret', 'abc']), /'service'/);
});

test('mongooseim 4.3: a service nobody serves is refused by name', () => {
  assert.match(problem(['service', 'some_awesome_service'], ['device_id', token]), /'apns', 'fcm' or 'gcm'$/);
  const apnsOnly: IsServed = (service) => service === 'apns';
  const fcm: readonly PublishOption[] = [
    ['service', 'gcm'],
    ['device_id', token],
  ];
  assert.match(optionsProblem(fcm, apnsOnly), /'fcm'/);
  assert.equal(optionsProblem(fcm, both), '');
});

test('mongooseim 4.3: a mode and an app nobody serves are refused, because every push would be', () => {
  const some: IsServed = (service, mode, app) => service === 'apns' && mode !== 'dev' && (app === '' || app === 'mine');
  const said = (...options: readonly PublishOption[]): string =>
    optionsProblem([['service', 'apns'], ['device_id', token], ...options], some);
  assert.equal(said(), '');
  assert.equal(said(['mode', 'prod'], ['topic', 'mine']), '');
  assert.match(said(['mode', 'dev']), /'mode'/);
  assert.match(said(['sandbox', 'true']), /'mode'/);
  assert.match(said(['topic', 'other'], ['pushModule', 'mine']), /'topic'/);
  assert.match(said(['pushModule', 'other']), /'pushModule'/);
});

test('a device token that could not be handed to a gateway is refused without showing it', () => {
  for (const text of ['with space', 'line\nbreak', 'm\u00fcll', 'x'.repeat(4097)]) {
    const said = problem(['service', 'fcm'], ['device_id', text]);
    assert.ok(said !== '' && !said.includes(text), said);
  }
});

test('mongooseim 4.3: the other fields have the shape that MongoosePush takes', () => {
  const table: readonly (readonly [name: string, good: readonly string[], bad: readonly string[]])[] = [
    ['mode', ['prod', 'dev', ''], ['production', 'PROD']],
    ['priority', ['normal', 'high', ''], ['5', 'High']],
    ['silent', ['true', 'false', ''], ['True', '1', 'yes']],
    ['mutable_content', ['true', 'false', ''], ['1', 'TRUE']],
    ['time_to_live', ['0', '3600', '999999999', ''], ['-1', '1.5', 'soon', '1e3', '12345678901']],
    ['topic', ['com.example.app', 'anything'], []],
    ['click_action', ['open', ''], []],
    ['sound', ['ping.aiff'], []],
    ['tags', ['a,b'], []],
    ['__proto__', ['x'], []],
  ];
  for (const [name, good, bad] of table) {
    for (const value of good) assert.equal(withDevice([name, value]), '', `${name}=${value}`);
    for (const value of bad) assert.match(withDevice([name, value]), new RegExp(`'${name}'`), `${name}=${value}`);
  }
});

test('mongooseim 2.2: nothing is checked for a push service that is not ours', () => {
  const options: readonly PublishOption[] = [
    ['service', 'some_awesome_service'],
    ['mode', 'x'],
  ];
  assert.equal(publishProblem(node('n'), options), '');
});

test('1.50 options that could never be published to a push service that is not ours are refused', () => {
  const filled = (fields: number, value: string): readonly PublishOption[] =>
    Array.from({ length: fields }, (_, index) => [`name-${index}`, value]);
  const value = 'x'.repeat(limits.fieldBytesMax);
  assert.equal(publishProblem(node('n'), filled(7, value)), '');
  assert.match(publishProblem(node('n'), filled(8, value)), /too long together/);
  // As it is written: each of these takes six bytes.
  assert.match(publishProblem(node('n'), filled(2, "'".repeat(limits.fieldBytesMax))), /too long together/);
});
