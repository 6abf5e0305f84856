import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { readApnsCertificate } from '../../../src/core/apns-certificate.ts';
import { makeAuthority } from '../../../src/fake/certificates.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';
import type { ClientCertificateNames } from '../../../src/fake/certificates.ts';

async function certificateOf(names: ClientCertificateNames): Promise<X509Certificate> {
  const authority = await makeAuthority(new VirtualClock());
  return new X509Certificate((await authority.client(names)).certPem);
}

test('1.10 the topics are those of the list, in its order, without the words for what they are for', async () => {
  const topics = Array.from({ length: 40 }, (_, index) => `com.example.${'x'.repeat(index)}.voip`);
  const read = readApnsCertificate(await certificateOf({ topic: 'com.example.app', topics }));
  assert.deepEqual(read.topics, ['com.example.app', ...topics]);
  assert.equal(read.uid, 'com.example.app');
});

test('3.5 the environments are told by their extensions, and none says nothing', async () => {
  for (const environments of [['production', 'sandbox'], ['production'], ['sandbox'], []] as const) {
    const read = readApnsCertificate(await certificateOf({ topic: 'a.b', environments }));
    assert.deepEqual(read.environments, environments);
  }
});

test('3.3 without a list the topic is the UID of the subject: for development, and for device management', async () => {
  const topic = 'com.apple.mgmt.External.0a1b';
  const read = readApnsCertificate(await certificateOf({ topic, hasList: false }));
  assert.deepEqual(read, { uid: topic, topics: [topic], environments: ['production', 'sandbox'] });
});

test('a certificate of another kind says nothing', async () => {
  const authority = await makeAuthority(new VirtualClock());
  for (const pem of [authority.caPem, (await authority.server()).certPem]) {
    const read = readApnsCertificate(new X509Certificate(pem));
    assert.deepEqual(read, { uid: '', topics: [], environments: [] });
  }
});

test('bytes that are cut or changed anywhere are read without a throw', async () => {
  const whole = await certificateOf({ topic: 'com.example.app', topics: ['com.example.app.voip'] });
  const { raw, subject } = whole;
  for (let at = 0; at < raw.length; at++) {
    const changed = Buffer.from(raw);
    changed[at] = 0xff;
    for (const bytes of [raw.subarray(0, at), changed]) {
      const read = readApnsCertificate({ raw: bytes, subject } as X509Certificate);
      assert.ok(read.topics.length <= 2);
    }
  }
});
