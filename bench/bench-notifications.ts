// Thread: main
/** Notifications as the publish path makes them, for benchmarks below it. */
import { epochMs } from '../src/core/ids.ts';
import { noData, noParts } from '../src/core/notification.ts';
import { newNotificationId, seededRandom } from '../src/core/random.ts';
import type { Notification } from '../src/core/notification.ts';
import type { Service } from '../src/core/registration.ts';

export function benchNotifications(service: Service, count: number): Notification[] {
  const random = seededRandom(42);
  return Array.from({ length: count }, (_, index) => ({
    id: newNotificationId(random),
    kind: 'alert',
    service,
    mode: '',
    token: random.bytes(32).toString('hex'),
    topic: 'com.example.app',
    priority: 'high',
    title: 'boris@example.org',
    body: `New message number ${index}: see you at eight, bring the blue folder`,
    badge: 3,
    sound: 'default',
    category: '',
    thread: 'boris@example.org',
    collapseId: '',
    mutableContent: false,
    expiresAtMs: epochMs(0),
    data: noData,
    pushType: '',
    interruptionLevel: '',
    tokenKind: 'device',
    parts: noParts,
  }));
}
