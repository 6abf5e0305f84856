import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configOf, issuesOf, rsaKey } from './config-fixture.ts';

const blackhole = (name: string, more = ''): string => `[[providers]]\nname = "${name}"\nkind = "blackhole"\n${more}`;

test('a provider that another one before it leaves nothing to is a problem', () => {
  const [issue] = issuesOf(blackhole('trial') + blackhole('b', 'services = ["fcm"]\napps = ["x"]\n'));
  assert.equal(issue?.key, 'providers.1');
  assert.equal(issue?.line, 4);
  assert.match(issue?.problem ?? '', /never chosen: "trial"/);
  const two = blackhole('a', 'services = ["apns"]\n') + blackhole('f', 'services = ["fcm"]\n') + blackhole('b');
  assert.match(issuesOf(two)[0]?.problem ?? '', /"a" and "f"/);
});

const divided: readonly (readonly [string, string, string])[] = [
  ['another mode', 'mode = "dev"\n', ''],
  ['another service', 'services = ["fcm"]\n', 'services = ["apns"]\n'],
  ['more services', 'services = ["fcm"]\n', ''],
  ['other apps', 'apps = ["x"]\n', 'apps = ["x", "y"]\n'],
  ['every other app', 'apps = ["x"]\n', ''],
  ['a tag', '', 'tags = ["brand"]\n'],
  ['another tag', 'tags = ["brand"]\n', 'tags = ["brand", "europe"]\n'],
];

for (const [what, first, second] of divided) {
  test(`a provider for ${what} than the one before it has its use`, () => {
    assert.equal(configOf(blackhole('a', first) + blackhole('b', second)).providers.length, 2);
  });
}

test('the apps of the one before must be all of its apps', () => {
  const [issue] = issuesOf(blackhole('a', 'apps = ["x", "y"]\n') + blackhole('b', 'apps = ["y"]\n'));
  assert.match(issue?.problem ?? '', /never chosen/);
});

test('1.8 a provider without a tag or a project of its own is never chosen behind one that takes its apps', () => {
  const [issue] = issuesOf(blackhole('a', 'tags = ["x", "y"]\n') + blackhole('b', 'tags = ["y"]\n'));
  assert.match(issue?.problem ?? '', /never chosen/);
  const google = (name: string, project: string): string =>
    `[[providers]]\nname = "${name}"\nkind = "fcm"\nclient_email = "a@b"\nproject_id = "${project}"\n` +
    `private_key = """${rsaKey}"""\n`;
  assert.equal(configOf(google('a', 'chat-1') + google('b', 'chat-2')).providers.length, 2);
  assert.match(issuesOf(google('a', 'chat-1') + google('b', 'chat-1'))[0]?.problem ?? '', /never chosen/);
  assert.match(issuesOf(blackhole('a') + google('b', 'chat-1'))[0]?.problem ?? '', /never chosen/);
});

test('names of providers are unique, kinds are known, keys of another kind are not', () => {
  const twice = '[[providers]]\nname = "x"\nkind = "blackhole"\n';
  assert.match(issuesOf(`${twice}apps = ["a"]\n${twice}`)[0]?.problem ?? '', /taken/);
  const unknown = issuesOf('[[providers]]\nname = "x"\nkind = "apn"\nkey_id = "K"\n');
  assert.deepEqual(
    unknown.map(({ line, key }) => `${line} ${key}`),
    ['3 providers.0.kind'],
  );
  assert.equal(issuesOf(`${twice}key_id = "K"\n`)[0]?.key, 'providers.0.key_id');
});

test('the addresses of a MongoosePush are URLs without query or user, at least one, and each once', () => {
  const mongoose = '[[providers]]\nname = "m"\nkind = "mongoosepush"\n';
  const urls = ['https://push.example.net:8443/prefix', 'https://10.0.0.2:8443'];
  const [provider] = configOf(`${mongoose}urls = ${JSON.stringify(urls)}\nhttp_version = "2"\n`).providers;
  assert.ok(provider?.kind === 'mongoosepush' && provider.api === 'v3' && provider.httpVersion === '2');
  assert.deepEqual(provider.urls, urls);
  for (const url of ['push.example.net', 'ftp://x', 'https://u:p@x', 'https://x?y=1', 'https://a", "https://a']) {
    assert.equal(issuesOf(`${mongoose}urls = ["${url}"]\n`)[0]?.key, 'providers.0.urls', url);
  }
  for (const none of ['', 'urls = []\n']) assert.equal(issuesOf(mongoose + none)[0]?.key, 'providers.0.urls', none);
  const clear = `${mongoose}urls = ["http://127.0.0.1:8080"]\n`;
  assert.equal(issuesOf(`${clear}http_version = "2"\n`)[0]?.key, 'providers.0.http_version');
});

test('a proxy is reached over HTTP, with an escaped password, and by http2-wrapper alone', () => {
  const problems = (transport: string, proxy: string): readonly string[] =>
    issuesOf(`[[providers]]\nname = "f"\nkind = "fcm"\ntransport = "${transport}"\nproxy = "${proxy}"\n`)
      .filter(({ key }) => key === 'providers.0.proxy')
      .map(({ problem, remedy }) => `${problem}: ${remedy}`);
  assert.deepEqual(problems('http2-wrapper', 'http://u:hunter%402@proxy.example.net:3128'), []);
  assert.match(problems('h2', 'http://proxy.example.net:3128')[0] ?? '', /own client/);
  for (const proxy of ['https://p', 'http://u:hunter2/x@p', 'http://u:hunter2%@p', 'http://p/path', 'p:3128']) {
    assert.match(problems('http2-wrapper', proxy)[0] ?? '', /^is malformed: Write .*http:\/\//, proxy);
  }
});
