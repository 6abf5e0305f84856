// Thread: main
/** Notifications as the publish path makes them, for benchmarks below it. */
import { assert } from '../src/core/assert.ts';
import { epochMs } from '../src/core/ids.ts';
import { seededRandom } from '../src/core/random.ts';
import { notificationOf } from '../src/publish/publish-request.ts';
import type { Notification } from '../src/core/notification.ts';
import type { Service } from '../src/core/registration.ts';

export function benchNotifications(service: Service, count: number): Notification[] {
  const random = seededRandom(42);
  return Array.from({ length: count }, (_, index) => {
    const request = {
      service,
      token: random.bytes(32).toString('hex'),
      topic: 'com.example.app',
      title: 'boris@example.org',
      body: `New message number ${index}: see you at eight, bring the blue folder`,
      badge: 3,
      sound: 'default',
      thread: 'boris@example.org',
    };
    const notification = notificationOf(request, epochMs(0), random);
    assert(notification.ok, 'what a benchmark publishes is valid');
    return notification.value;
  });
}
