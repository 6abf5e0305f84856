import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeAuthority } from '../../../src/fake/certificates.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';
import { configOf, issuesOf } from './config-fixture.ts';
import type { ClientCertificateNames } from '../../../src/fake/certificates.ts';

const keys = 'certificate_file = "/c.pem"\ncertificate_key_file = "/k.pem"\n';
const apns = `[[providers]]\nname = "a"\nkind = "apns"\n${keys}`;

async function filesOf(names: ClientCertificateNames): Promise<Readonly<Record<string, string>>> {
  const authority = await makeAuthority(new VirtualClock());
  const { certPem, keyPem } = await authority.client(names);
  return { '/c.pem': certPem, '/k.pem': keyPem };
}

function topicOf(text: string, files: Readonly<Record<string, string>>): string {
  const [provider] = configOf(text, { files }).providers;
  assert.ok(provider?.kind === 'apns');
  return provider.topic;
}

test("1.10 without a configured topic it is the certificate's first, without a list its UID", async () => {
  const topics = ['com.example.app.voip'];
  assert.equal(topicOf(apns, await filesOf({ topic: 'com.example.app', topics })), 'com.example.app');
  assert.equal(topicOf(apns, await filesOf({ topic: 'com.example.dev', hasList: false })), 'com.example.dev');
});

test('1.10 a configured topic wins, in any form that belongs to the app', async () => {
  const files = await filesOf({ topic: 'com.example.app' });
  for (const topic of ['com.example.app', 'com.example.app.voip']) {
    assert.equal(topicOf(`${apns}topic = "${topic}"\n`, files), topic);
  }
});

test('3.7 a topic of another app is found before Apple says BadTopic', async () => {
  const files = await filesOf({ topic: 'com.example.app' });
  const [issue] = issuesOf(`${apns}topic = "com.example.application"\n`, { files });
  assert.equal(issue?.key, 'providers.0.topic');
  assert.equal(issue?.problem, "is none of the certificate's: com.example.app");
});

test('3.7 a mode for which the certificate is not is found before Apple says BadCertificateEnvironment', async () => {
  const rows = [
    ['prod', 'sandbox', /^is "prod", and the certificate is for the sandbox environment alone$/],
    ['dev', 'production', /^is "dev", and the certificate is for the production environment alone$/],
  ] as const;
  for (const [mode, environment, problem] of rows) {
    const files = await filesOf({ topic: 'a.b', environments: [environment] });
    const [issue] = issuesOf(`${apns}mode = "${mode}"\n`, { files });
    assert.equal(issue?.key, 'providers.0.mode');
    assert.match(issue?.problem ?? '', problem);
    const other = mode === 'prod' ? 'dev' : 'prod';
    assert.deepEqual(issuesOf(`${apns}mode = "${other}"\n`, { files }), []);
  }
});

test('3.5 a certificate for both environments, or one that does not say, fits every mode', async () => {
  for (const environments of [['production', 'sandbox'], []] as const) {
    const files = await filesOf({ topic: 'a.b', environments });
    for (const mode of ['prod', 'dev']) assert.deepEqual(issuesOf(`${apns}mode = "${mode}"\n`, { files }), []);
  }
});
