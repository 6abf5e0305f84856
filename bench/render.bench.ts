// Thread: main
/** What one request to a gateway costs before it is sent: notification to path, fields and body. */
import { ApnsRequests } from '../src/provider/apns-requests.ts';
import { renderFcm } from '../src/provider/fcm-message.ts';
import { renderMongoosePush } from '../src/provider/mongoosepush-body.ts';
import { systemClock } from '../src/core/clock.ts';
import { benchNotifications } from './bench-notifications.ts';
import { measure } from './harness.ts';
import type { BenchFile, Mode, Result } from './harness.ts';

async function run(mode: Mode): Promise<readonly Result[]> {
  const count = mode === 'smoke' ? 10 : 10_000;
  const apple = benchNotifications('apns', count);
  const google = benchNotifications('fcm', count);
  const nowMs = systemClock.now();
  const mongoosePush = { api: 'v3', mode: 'prod' } as const;
  const requests = new ApnsRequests('');
  const check = (text: string, marker: string): void => {
    if (!text.includes(marker)) throw new Error(`no ${marker} in ${text}`);
  };
  return measure('render', mode, [
    {
      name: 'render: APNs request',
      operations: count,
      run() {
        for (const notification of apple) {
          const rendered = requests.render(notification, 'bearer bench', nowMs);
          if (!rendered.ok) throw new Error(rendered.error);
          check(rendered.value.body, 'blue folder');
        }
      },
    },
    {
      name: 'render: FCM message',
      operations: count,
      run() {
        for (const notification of google) {
          const rendered = renderFcm(notification, nowMs);
          if (!rendered.ok) throw new Error(rendered.error);
          check(rendered.value, 'blue folder');
        }
      },
    },
    {
      name: 'render: MongoosePush request',
      operations: count,
      run() {
        for (const notification of apple) check(renderMongoosePush(notification, mongoosePush, nowMs), 'blue folder');
      },
    },
  ]);
}

export const renderBench: BenchFile = { name: 'render', run };
