import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { epochMs } from '../../../src/core/ids.ts';
import { limits } from '../../../src/core/limits.ts';
import { newNotificationId, seededRandom } from '../../../src/core/random.ts';
import { ApnsRequests } from '../../../src/provider/apns-requests.ts';
import { pushTypeRules } from '../../../src/provider/apns-push-types.ts';
import { sampleNotification } from '../../conformance/provider.ts';
import type { Notification, PushType } from '../../../src/core/notification.ts';
import type { GatewayRequest } from '../../../src/transport/gateway-session.ts';

const nowMs = epochMs(Date.UTC(2026, 5, 1));
const bearer = 'bearer x';

function rendered(changes: Partial<Notification>, requests: ApnsRequests, authorization = bearer): GatewayRequest {
  const request = requests.render(sampleNotification(changes), authorization, nowMs);
  assert.ok(request.ok, request.ok ? '' : request.error);
  return request.value;
}

function render(changes: Partial<Notification> = {}, topic = 'com.example.app'): GatewayRequest {
  return rendered(changes, new ApnsRequests(topic));
}

function problemOf(changes: Partial<Notification>, authorization = bearer): string {
  const request = new ApnsRequests('').render(sampleNotification(changes), authorization, nowMs);
  return request.ok ? '' : request.error;
}

describe('APNs: header fields', () => {
  test('3.2 an alert names token, id, topic, push type and priority', () => {
    const notification = sampleNotification();
    const request = new ApnsRequests('').render(notification, bearer, nowMs);
    assert.ok(request.ok);
    assert.equal(request.value.path, `/3/device/${notification.token}`);
    assert.deepEqual(request.value.fields, { 'apns-id': notification.id });
    assert.deepEqual(request.value.shared, {
      authorization: bearer,
      'apns-topic': 'com.example.app',
      'apns-push-type': 'alert',
      'apns-priority': '10',
    });
  });

  // The table of 3.3: push type, suffix, priority for high, normal and low, who may send it.
  const table: readonly (readonly [PushType, string, readonly [string, string, string], 'any' | 'token'])[] = [
    ['alert', '', ['10', '5', '1'], 'any'],
    ['background', '', ['5', '5', '5'], 'any'],
    ['complication', '.complication', ['10', '5', '1'], 'any'],
    ['controls', '.push-type.controls', ['10', '5', '1'], 'any'],
    ['fileprovider', '.pushkit.fileprovider', ['10', '5', '1'], 'any'],
    ['liveactivity', '.push-type.liveactivity', ['10', '5', '5'], 'token'],
    ['location', '.location-query', ['10', '5', '5'], 'token'],
    ['mdm', '', ['10', '5', '1'], 'any'],
    ['pushtotalk', '.voip-ptt', ['10', '10', '10'], 'any'],
    ['voip', '.voip', ['10', '10', '10'], 'any'],
    ['widgets', '.push-type.widgets', ['10', '5', '1'], 'any'],
  ];

  test('3.3 the table of push types is whole', () => {
    assert.deepEqual(
      table.map(([pushType]) => pushType),
      Object.keys(pushTypeRules),
    );
  });

  for (const [pushType, suffix, priorities, auth] of table) {
    test(`3.3 ${pushType}: topic, priority and who may send it`, () => {
      const requests = new ApnsRequests('com.example.app');
      for (const [index, priority] of (['high', 'normal', 'low'] as const).entries()) {
        const { shared } = rendered({ pushType, priority }, requests);
        assert.equal(shared['apns-push-type'], pushType);
        assert.equal(shared['apns-priority'], priorities[index]);
        assert.equal(shared['apns-topic'], `com.example.app${suffix}`);
      }
      const suffixed = rendered({ pushType, topic: `a.b${suffix}` }, requests);
      assert.equal(suffixed.shared['apns-topic'], `a.b${suffix}`, 'a suffix is not added twice');
      assert.equal(problemOf({ pushType }, ''), auth === 'token' ? 'PushTypeNeedsToken' : '');
    });
  }

  test('3.3 without a push type the kind says it: alert, background, voip', () => {
    const types = (['alert', 'silent', 'call'] as const).map((kind) => render({ kind }).shared['apns-push-type']);
    assert.deepEqual(types, ['alert', 'background', 'voip']);
    assert.equal(render({ kind: 'silent', priority: 'high' }).shared['apns-priority'], '5');
    assert.equal(render({ kind: 'call', priority: 'normal' }).shared['apns-priority'], '10');
    assert.equal(render({ kind: 'call' }).shared['apns-topic'], 'com.example.app.voip');
  });

  test('3.3 push to talk is delivered at once or never', () => {
    assert.equal(render({ pushType: 'pushtotalk' }).fields['apns-expiration'], '0');
    const later = render({ pushType: 'pushtotalk', expiresAtMs: epochMs(nowMs + 60_000) });
    assert.equal(later.fields['apns-expiration'], '0');
  });

  test('3.7 a push type that Apple does not have is refused before it is sent', () => {
    const changes = { pushType: 'constructor' } as unknown as Partial<Notification>;
    assert.equal(problemOf(changes), 'InvalidPushType');
  });

  test('3.2 a registration without a topic gets the configured one, and none if that is empty', () => {
    assert.equal(render({ topic: '' }, 'configured.app').shared['apns-topic'], 'configured.app');
    assert.ok(!('apns-topic' in render({ topic: '', kind: 'call' }, '').shared));
  });

  test('3.2 with a client certificate there is no authorization field', () => {
    assert.ok(!('authorization' in rendered({}, new ApnsRequests(''), '').shared));
  });

  test('3.2 the expiration is in seconds, absent when the gateway decides, 0 when it has passed', () => {
    assert.equal(render({ expiresAtMs: epochMs(nowMs + 60_500) }).fields['apns-expiration'], `${nowMs / 1000 + 60}`);
    assert.ok(!('apns-expiration' in render({ collapseId: 'c' }).fields));
    assert.equal(render({ expiresAtMs: epochMs(nowMs - 1) }).fields['apns-expiration'], '0');
  });

  test('3.2 a collapse id of more than 64 bytes, or not ASCII, becomes its hash', () => {
    assert.equal(render({ collapseId: 'c'.repeat(64) }).fields['apns-collapse-id'], 'c'.repeat(64));
    for (const collapseId of ['c'.repeat(65), 'ä'.repeat(40)]) {
      const hashed = render({ collapseId }).fields['apns-collapse-id'];
      assert.match(hashed ?? '', /^[0-9a-f]{64}$/);
      assert.equal(render({ collapseId }).fields['apns-collapse-id'], hashed);
    }
  });

  test('3.2 the apns-id is a canonical lower-case UUID, the same for each attempt', () => {
    const id = newNotificationId(seededRandom(99));
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
    const requests = new ApnsRequests('');
    assert.equal(rendered({ id }, requests).fields['apns-id'], id);
    assert.equal(rendered({ id }, requests, 'bearer renewed').fields['apns-id'], id);
  });

  test('3.7 a topic that cannot be a field is refused before it is sent', () => {
    assert.equal(problemOf({ topic: 'a\r\nb' }), 'BadTopic');
  });

  test('3.1 a token is one segment of the path, whatever it holds', () => {
    assert.equal(render({ token: '../x?y' }).path, '/3/device/%2E%2E%2Fx%3Fy');
  });
});

describe('APNs: shared fields', () => {
  test('3.6 what comes again is one object: the stable fields can be indexed once for each connection', () => {
    const requests = new ApnsRequests('com.example.app');
    const alert = rendered({}, requests).shared;
    const call = rendered({ kind: 'call' }, requests).shared;
    assert.equal(rendered({ token: 'cd'.repeat(32), title: 'other' }, requests).shared, alert);
    assert.equal(rendered({ kind: 'call' }, requests).shared, call);
    assert.equal(rendered({}, requests).shared, alert);
  });

  test('3.6 each difference in kind, push type, priority, topic or authorization has an object of its own', () => {
    const requests = new ApnsRequests('com.example.app');
    const changes: readonly Partial<Notification>[] = [
      {},
      { kind: 'silent' },
      { pushType: 'widgets' },
      { priority: 'normal' },
      { topic: 'com.example.other' },
    ];
    const all = changes.map((change) => rendered(change, requests).shared);
    assert.equal(new Set(all).size, changes.length);
    const renewed = changes.map((change) => rendered(change, requests, 'bearer renewed').shared);
    for (const shared of renewed) assert.equal(shared['authorization'], 'bearer renewed');
  });

  test('3.6 their number is bounded: the oldest are forgotten', () => {
    const requests = new ApnsRequests('');
    const first = rendered({ topic: 'app.0' }, requests).shared;
    for (let index = 1; index <= limits.apnsSharedFieldsMax; index++) rendered({ topic: `app.${index}` }, requests);
    const again = rendered({ topic: 'app.0' }, requests).shared;
    assert.deepEqual(again, first);
    assert.notEqual(again, first);
  });
});
