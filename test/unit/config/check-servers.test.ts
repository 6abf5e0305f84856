import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLoopback } from '../../../config/check-servers.ts';
import { clientCertificate, configOf, issuesOf, server, trial } from './config-fixture.ts';

test('1.55 plaintext to another machine is refused unless it is allowed', () => {
  const far = `${server}host = "xmpp.example.net"\n`;
  const [issue] = issuesOf(far + trial);
  assert.equal(issue?.key, 'servers.0.tls.mode');
  assert.match(issue?.remedy ?? '', /mode = "direct".*allow_plaintext/);
  assert.equal(configOf(`${far}allow_plaintext = true\n${trial}`).servers[0]?.allowPlaintext, true);
  assert.equal(configOf(`${far}tls = { mode = "direct" }\n${trial}`).servers[0]?.tls.mode, 'direct');
});

test('loopback is known by its names and addresses', () => {
  for (const host of ['localhost', 'xmpp.localhost', '127.0.0.1', '127.1.2.3', '::1'])
    assert.ok(isLoopback(host), host);
  for (const host of ['127.0.0.1.example.net', '10.0.0.1', 'localhost.example.net']) assert.ok(!isLoopback(host), host);
});

test('1.40 several connections are refused where the server is known to keep one', () => {
  for (const profile of ['prosody', 'mongooseim']) {
    const [issue] = issuesOf(`${server}connections = 2\nerror_profile = "${profile}"\n${trial}`);
    assert.equal(issue?.key, 'servers.0.connections');
    assert.equal(issue?.line, 5);
    assert.match(issue?.problem ?? '', new RegExp(profile));
  }
  assert.equal(configOf(`${server}connections = 16\nerror_profile = "ejabberd"\n${trial}`).servers[0]?.connections, 16);
});

test('1.40 Openfire must be asked for several connections', () => {
  const openfire = `${server}connections = 2\nerror_profile = "openfire"\n`;
  assert.match(issuesOf(openfire + trial)[0]?.remedy ?? '', /allow_multiple = true/);
  assert.deepEqual(issuesOf(`${openfire}allow_multiple = true\n${trial}`), []);
});

test('keys of TLS without TLS are a contradiction', () => {
  const [issue] = issuesOf(`${server}tls = { servername = "x" }\n${trial}`);
  assert.match(issue?.problem ?? '', /"off"/);
});

test('a file of authorities is looked into before the first connection', () => {
  const text = `${server}tls = { mode = "direct", ca_file = "/ca.pem" }\n${trial}`;
  assert.match(issuesOf(text)[0]?.problem ?? '', /cannot be read/);
  assert.match(issuesOf(text, { files: { '/ca.pem': 'x' } })[0]?.problem ?? '', /without a PEM certificate/);
  const config = configOf(text, { files: { '/ca.pem': clientCertificate } });
  assert.equal(config.servers[0]?.tls.caFile, '/ca.pem');
});

test('names and addresses of servers are unique', () => {
  const found = issuesOf(server + server + trial);
  assert.deepEqual(
    found.map(({ line, key }) => `${line} ${key}`),
    ['6 servers.1.name', '7 servers.1.domain'],
  );
});

test('a secret in a file loses its last line break, and an unreadable file is named', () => {
  const text = `[[servers]]\nname = "a"\ndomain = "p"\nsecret_file = "/s"\n${trial}`;
  assert.equal(configOf(text, { files: { '/s': 'abc\n' } }).servers[0]?.secret, 'abc');
  const [issue] = issuesOf(text);
  assert.equal(issue?.key, 'servers.0.secret_file');
  assert.equal(issue?.line, 4);
  assert.match(issue?.problem ?? '', /"\/s".*ENOENT/);
});

test('a secret that is given twice is a problem', () => {
  const [issue] = issuesOf(`${server}secret_file = "/s"\n${trial}`, { files: { '/s': 'x' } });
  assert.match(issue?.problem ?? '', /given twice/);
});
