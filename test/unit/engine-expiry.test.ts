import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certificateEndMs, certificateLives } from '../../config/certificate-life.ts';
import { summaryOf } from '../../src/cli/config-summary.ts';
import { silentLogger } from '../../src/core/log.ts';
import { watchCertificates } from '../../src/engine-expiry.ts';
import { VirtualClock } from '../simulation/virtual-clock.ts';
import { clientCertificate, clientKey, configOf } from './config/config-fixture.ts';

const dayMs = 86_400_000;

test('3.5 the days a certificate has left are told at the start and once a day, louder towards the end', async () => {
  const clock = new VirtualClock();
  const lines: string[] = [];
  const say =
    (level: string) =>
    (fields: Readonly<Record<string, unknown>>): unknown =>
      lines.push(`${level} ${String(fields['owner'])} ${String(fields['days'])}`);
  const logger = { ...silentLogger, info: say('info'), warn: say('warn'), error: say('error') };
  const lives = [{ owner: 'apns-prod', endsAtMs: clock.now() + 31 * dayMs }];
  const stop = watchCertificates(() => lives, clock, logger);
  for (let day = 0; day < 31; day++) await clock.advance(dayMs);
  assert.equal(lines.length, 32);
  const at = (left: number): string | undefined => lines.find((line) => line.endsWith(` apns-prod ${left}`));
  assert.equal(lines[0], 'info apns-prod 31');
  assert.deepEqual([at(30), at(29), at(7)], ['info apns-prod 30', 'warn apns-prod 29', 'warn apns-prod 7']);
  assert.deepEqual([at(6), at(0)], ['error apns-prod 6', 'error apns-prod 0']);
  lives.splice(0);
  await clock.advance(dayMs);
  assert.equal(lines.length, 32, 'asked anew each day');
  stop();
  assert.equal(clock.pending, 0);
});

test('client certificates of APNs and the one of our HTTP server have an end, keys have none', () => {
  const files = { '/c.pem': clientCertificate, '/k.pem': clientKey };
  const config = configOf(
    '[http]\nport = 8080\nhost = "127.0.0.1"\ntoken = "at-least-16-bytes-of-chance"\n' +
      'certificate_file = "/c.pem"\ncertificate_key_file = "/k.pem"\n' +
      '[push]\nvirtual_hosts = ["push.example.net"]\n' +
      '[[providers]]\nname = "apple"\nkind = "apns"\ncertificate_file = "/c.pem"\ncertificate_key_file = "/k.pem"\n' +
      '[[providers]]\nname = "trial"\nkind = "blackhole"\nservices = ["fcm"]\n',
    { files },
  );
  const endsAtMs = certificateEndMs(clientCertificate);
  assert.ok(endsAtMs > 0);
  assert.deepEqual(certificateLives(config), [
    { owner: 'apple', endsAtMs },
    { owner: 'http', endsAtMs },
  ]);
  const line = (nowMs: number): string | undefined =>
    summaryOf(config, nowMs).find((one) => one.startsWith('expires   apple'));
  assert.match(line(endsAtMs - 3 * dayMs) ?? '', /certificate, \d{4}-\d\d-\d\d, in 3 days$/);
  assert.match(line(endsAtMs) ?? '', /, has ended$/);
  assert.deepEqual([certificateEndMs(''), certificateEndMs('no certificate')], [0, 0]);
});
