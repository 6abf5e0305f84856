import { systemClock } from '../../../src/core/clock.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { makeAuthority } from '../../../src/fake/certificates.ts';
import { MongoosePushGateway } from '../../../src/fake/mongoosepush-gateway.ts';
import { MongoosePushProvider } from '../../../src/provider/mongoosepush.ts';
import { providerConformance, providerName } from '../../conformance/provider.ts';
import { writeTrusted } from '../../conformance/trusted-file.ts';
import type { MongoosePushConfig } from '../../../config/engine-config.ts';

for (const [api, httpVersion] of [
  ['v1', '1.1'],
  ['v2', '1.1'],
  ['v3', '1.1'],
  ['v3', '2'],
] as const) {
  providerConformance(`mongoosepush ${api} over HTTP/${httpVersion}`, async (t) => {
    const authority = await makeAuthority(systemClock);
    const tls = await authority.server();
    const gateway = new MongoosePushGateway({ clock: systemClock, random: seededRandom(5), tls });
    const { port } = await gateway.start();
    t.after(() => gateway.stop());
    const config: MongoosePushConfig = {
      kind: 'mongoosepush',
      name: providerName('mongoosepush'),
      apps: [],
      tags: [],
      mode: 'prod',
      creditMax: 1_000,
      requestMs: 10_000,
      urls: [`https://localhost:${port}`],
      api,
      httpVersion,
      caFile: await writeTrusted(t, authority.caPem),
      connections: 4,
      services: ['apns', 'fcm'],
    };
    return {
      create: (context) => new MongoosePushProvider(config, context),
      authorization: '',
      script: (change) => gateway.script(change),
      connectionsTotal: () => gateway.connectionsTotal,
      // undici does not tell what a GOAWAY says of a request: nothing that one may have taken is sent again.
      http2: false,
      service: 'fcm',
      rejections: [
        { status: 0, reason: 'UNREGISTERED', kind: 'unregistered' },
        { status: 0, reason: 'Unregistered', kind: 'unregistered' },
        { status: 0, reason: 'BadDeviceToken', kind: 'rejected' },
        { status: 0, reason: 'PayloadTooLarge', kind: 'rejected' },
        { status: 0, reason: 'TooManyRequests', kind: 'throttled' },
        { status: 0, reason: 'ServiceUnavailable', kind: 'unavailable' },
        { status: 0, reason: 'unable_to_connect', kind: 'unavailable' },
        { status: 0, reason: 'connection_lost', kind: 'unavailable' },
        { status: 0, reason: 'no_matching_pool', kind: 'rejected' },
      ],
    };
  });
}
