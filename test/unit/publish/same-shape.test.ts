import assert from 'node:assert/strict';
import { test } from 'node:test';
import { device } from '../../registration-rows.ts';
import { options } from '../../registration-commands.ts';
import { sampleNotification } from '../../conformance/provider.ts';
import { epochMs } from '../../../src/core/ids.ts';
import { emptySummary } from '../../../src/core/notification.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { buildNotification } from '../../../src/notification/build-notification.ts';
import { packNotification, unpackNotification } from '../../../src/publish/notification-pack.ts';
import { notificationOf } from '../../../src/publish/publish-request.ts';

// V8 gives objects with the same properties, added in the same order, one hidden class.
test('all who make notifications name every field, in one order', () => {
  const published = notificationOf({ service: 'apns', token: 'ab12' }, epochMs(0), seededRandom(1));
  assert.ok(published.ok);
  const built = buildNotification({
    node: 'phone',
    isCarried: false,
    app: '',
    device,
    summary: emptySummary,
    options: options({}),
    rules: {
      ...{ content: 'none', title: 'Chat', body: 'New', emptyPriority: 'alert', badge: true, sound: 'default' },
      timeToLiveSeconds: 60,
    },
    templates: undefined,
    random: seededRandom(1),
    nowMs: epochMs(0),
  });
  const fields = Object.keys(published.value);
  assert.deepEqual(Object.keys(built), fields);
  assert.deepEqual(Object.keys(sampleNotification()), fields);
  assert.deepEqual(Object.keys(unpackNotification(packNotification(built))), fields);
});
