import { test } from 'node:test';
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readApnsCertificate } from '../../../src/core/apns-certificate.ts';
import { makeAuthority } from '../../../src/fake/certificates.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';

test('a server certificate is signed by the authority and names loopback and what was asked for', async () => {
  const authority = await makeAuthority(new VirtualClock());
  const { certPem } = await authority.server(['gateway.example', '10.1.2.3']);
  const certificate = new X509Certificate(certPem);
  const ca = new X509Certificate(authority.caPem);
  assert.equal(certificate.verify(ca.publicKey), true);
  assert.equal(ca.ca, true);
  assert.equal(certificate.ca, false);
  for (const name of ['localhost', 'gateway.example']) assert.equal(certificate.checkHost(name), name);
  for (const address of ['127.0.0.1', '::1', '10.1.2.3']) assert.equal(certificate.checkIP(address), address);
});

test('the dates of a certificate surround the time of the given clock', async () => {
  const clock = new VirtualClock(Date.UTC(2031, 5, 1));
  const authority = await makeAuthority(clock);
  const { certPem } = await authority.server();
  for (const pem of [authority.caPem, certPem]) {
    const certificate = new X509Certificate(pem);
    assert.ok(Date.parse(certificate.validFrom) < clock.now());
    assert.equal(new Date(certificate.validTo).getUTCFullYear(), 2036);
  }
});

test('3.5 a client certificate carries its topics and environments in the extensions of Apple', async () => {
  const authority = await makeAuthority(new VirtualClock());
  const long = `com.example.${'x'.repeat(120)}`;
  const universal = await authority.client({ topic: 'com.example.app', topics: ['com.example.app.voip', long] });
  const sandbox = await authority.client({ topic: 'com.example.app', environments: ['sandbox'] });
  assert.deepEqual(readApnsCertificate(new X509Certificate(universal.certPem)), {
    uid: 'com.example.app',
    topics: ['com.example.app', 'com.example.app.voip', long],
    environments: ['production', 'sandbox'],
  });
  assert.deepEqual(readApnsCertificate(new X509Certificate(sandbox.certPem)).environments, ['sandbox']);
});
