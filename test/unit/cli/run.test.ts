import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { FakeXmppServer } from '../../../src/fake/xmpp-server.ts';
import { openShardStores } from '../../../src/storage/shard-folder.ts';
import { freePorts } from '../../peers/server-process.ts';
import { commandLine, linesOf } from './command-line.ts';
import type { CommandLine } from './command-line.ts';
import type { TestContext } from 'node:test';

interface World {
  readonly cli: CommandLine;
  readonly server: FakeXmppServer;
}

async function setup(t: TestContext, secret = 'right'): Promise<World> {
  const server = new FakeXmppServer({ components: { 'push.localhost': 'right' } });
  const port = await server.start();
  t.after(() => server.stop());
  const cli = commandLine(t);
  cli.write(
    'm.toml',
    `[engine]\nstop_ms = 1000\n[registrations]\nshards = 1\nmap_bytes = 16777216\n` +
      `[[servers]]\nname = "fake"\nport = ${port}\ndomain = "push.localhost"\nsecret = "${secret}"\n` +
      `[[providers]]\nname = "trial"\nkind = "blackhole"\n`,
  );
  return { cli, server };
}

test('run serves until SIGTERM and stops in order, exit code 0', { timeout: 20_000 }, async (t) => {
  const { cli, server } = await setup(t);
  const child = cli.start(['run', '-c', 'm.toml', '--json']);
  child.stderr.resume();
  const line = linesOf(child);
  const serving = JSON.parse(await line());
  assert.deepEqual(serving, { state: 'serving', domains: ['push.localhost'], pid: child.pid });
  assert.equal(server.counters.connections, 1);
  child.kill('SIGTERM');
  assert.deepEqual(JSON.parse(await line()), { state: 'stopped' });
  const [code] = child.exitCode === null ? await once(child, 'close') : [child.exitCode];
  assert.equal(code, 0);
});

test('6.2 run needs no XMPP server where events come by HTTP', { timeout: 20_000 }, async (t) => {
  const { cli } = await setup(t);
  const [port = 0] = await freePorts(1);
  cli.write(
    'http.toml',
    `[http]\nport = ${port}\ntoken = "at-least-16-bytes-of-chance"\n[push]\nvirtual_hosts = ["push.example.net"]\n` +
      '[[providers]]\nname = "trial"\nkind = "blackhole"\n',
  );
  const child = cli.start(['run', '-c', 'http.toml', '--json']);
  child.stderr.resume();
  const line = linesOf(child);
  assert.deepEqual(JSON.parse(await line()), { state: 'serving', domains: [], pid: child.pid });
  assert.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200);
  child.kill('SIGTERM');
  assert.deepEqual(JSON.parse(await line()), { state: 'stopped' });
});

test('run without servers or with a wrong file does not start, exit code 2', async (t) => {
  const { cli } = await setup(t);
  cli.write('lonely.toml', '[[providers]]\nname = "trial"\nkind = "blackhole"\n');
  const lonely = await cli.run(['run', '-c', 'lonely.toml']);
  assert.equal(lonely.exitCode, 2);
  assert.match(lonely.stderr, /no \[\[servers\]\]/);
  cli.write('wrong.toml', '[engine]\nstop_ms = -1\n');
  const wrong = await cli.run(['run', '-c', 'wrong.toml']);
  assert.equal(wrong.exitCode, 2);
  assert.match(wrong.stderr, /^wrong\.toml:2: engine\.stop_ms: /m);
});

test('run beside a store of another number of shards says what to do and ends, exit code 1', async (t) => {
  const { cli } = await setup(t);
  const dataDir = `${cli.folder}/data`;
  const stores = await openShardStores({ store: 'lmdb', shards: 2, perOwnerMax: 10, mapBytes: 16_777_216, dataDir });
  await Promise.all(stores.map((store) => store.close()));
  const { exitCode, stderr } = await cli.run(['run', '-c', 'm.toml']);
  assert.equal(exitCode, 1);
  assert.match(stderr, /has 2 shards, configured are 1.*meerkat reshard/);
});

test('run with a plugin that cannot be loaded does not start, exit code 2', async (t) => {
  const { cli } = await setup(t);
  cli.write('bad.mjs', 'export function createPlugin() { return { name: "x", shouldPush() {} }; }\n');
  const path = cli.write(
    'p.toml',
    `${readFileSync(`${cli.folder}/m.toml`, 'utf8')}[[plugins]]\nmodule = "./bad.mjs"\n`,
  );
  const { exitCode, stderr } = await cli.run(['run', '-c', path]);
  assert.equal(exitCode, 2);
  assert.match(stderr, /plugins\.0\.module: \.\/bad\.mjs makes something else: .*unknown key shouldPush/);
});
