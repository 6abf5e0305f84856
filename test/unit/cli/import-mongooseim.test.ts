import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sampleText } from '../config/mongooseim/sample-files.ts';
import { commandLine } from './command-line.ts';

const ready =
  '[modules.mod_event_pusher.rabbit]\npresence_exchange = {}\nchat_msg_exchange = {}\ngroupchat_msg_exchange = {}\n' +
  '[outgoing_pools.rabbit.event_pusher]\n[modules.mod_push_service_mongoosepush]\npool_name = "p"\n' +
  '[outgoing_pools.http.p.connection]\nhost = "http://127.0.0.1:8080"\n' +
  '[[listen.component]]\nport = 8888\npassword = "secret"\n';

test('the configuration goes to standard output, and what became of each option beside it', async (t) => {
  const { run, write } = commandLine(t);
  write('mongooseim.toml', sampleText('toml-4.toml'));
  const { exitCode, stdout, stderr } = await run(['import', 'mongooseim', '--config', 'mongooseim.toml']);
  assert.equal(exitCode, 1, 'somebody must decide');
  assert.match(stdout, /^\[push\]$/m);
  assert.doesNotMatch(stdout, /no-counterpart/);
  assert.match(stderr, /^no-counterpart +mongooseim\.toml:17: \S+wpool\.workers = 200: /m);
  assert.match(stderr, /\d+ translated, \d+ without counterpart, \d+ ignored, \d+ for you to decide/);
});

test('--out writes a file for its owner alone, and replaces none without --force', async (t) => {
  const { run, write, folder } = commandLine(t);
  write('mongooseim.cfg', sampleText('erlang-2.cfg'));
  const args = ['import', 'mongooseim', '-c', 'mongooseim.cfg', '--out', 'meerkat.toml'];
  const first = await run(args);
  assert.equal(first.exitCode, 1);
  assert.equal(statSync(join(folder, 'meerkat.toml')).mode & 0o777, 0o600);
  assert.equal((await run(['check-config', 'meerkat.toml'])).exitCode, 0);
  write('meerkat.toml', 'mine');
  const again = await run(args);
  assert.equal(again.exitCode, 2);
  assert.match(again.stderr, /meerkat\.toml is there already; --force/);
  assert.equal(readFileSync(join(folder, 'meerkat.toml'), 'utf8'), 'mine');
  await run([...args, '--force']);
  assert.match(readFileSync(join(folder, 'meerkat.toml'), 'utf8'), /\[push\]/);
});

test('--json has the configuration, the findings, and the problems that are left', async (t) => {
  const { run, write } = commandLine(t);
  write('mongooseim.toml', sampleText('pubsub-less.toml'));
  const { stdout } = await run(['import', 'mongooseim', '-c', 'mongooseim.toml', '--json']);
  const { ok, config, findings, problems } = JSON.parse(stdout);
  assert.equal(ok, true);
  assert.match(config, /kind = "mongoosepush"/);
  assert.deepEqual(Object.keys(findings[0]), ['key', 'line', 'value', 'became', 'note']);
  assert.match(problems[0].problem, /priv\/\S+, which cannot be read/);
});

test('a configuration that leaves nothing to decide ends with 0', async (t) => {
  const { run, write } = commandLine(t);
  write('mongooseim.toml', ready.replace('[[listen.component]]', '# none').replace(/port = .*\npassword = .*\n/, ''));
  const { exitCode, stderr } = await run(['import', 'mongooseim', '-c', 'mongooseim.toml']);
  const decisions = stderr.split('\n').filter((line) => line.startsWith('decision'));
  assert.equal(decisions.length, 1, stderr);
  assert.match(decisions[0] ?? '', /listen\.component/);
  assert.equal(exitCode, 1);
  const domain = '{8888, ejabberd_service, [{ip, {127, 0, 0, 1}}, {hosts, ["push.a.example"], [{password, "s"}]}]}';
  write(
    'mongooseim.cfg',
    `{listen, [${domain}]}.\n{modules, [{mod_pubsub, [{plugins, [<<"push">>]}]}, {mod_push_service_mongoosepush, ` +
      '[{pool_name, p}]}]}.\n{http_connections, [{p, [{server, "http://127.0.0.1:8080"}]}]}.\n',
  );
  const done = await run(['import', 'mongooseim', '-c', 'mongooseim.cfg']);
  assert.equal(done.exitCode, 0, done.stderr);
});

test('a file that cannot be read or understood is wrong usage, with its line', async (t) => {
  const { run, write } = commandLine(t);
  assert.equal((await run(['import', 'mongooseim', '-c', 'missing.toml'])).exitCode, 2);
  assert.equal((await run(['import', 'mongooseim'])).exitCode, 2);
  write('mongooseim.cfg', '{modules, [\n  {mod_push, }\n]}.\n');
  const broken = await run(['import', 'mongooseim', '-c', 'mongooseim.cfg']);
  assert.equal(broken.exitCode, 2);
  assert.match(broken.stderr, /mongooseim\.cfg:2: a term is missing/);
});
