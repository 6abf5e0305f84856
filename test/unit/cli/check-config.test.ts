import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { root } from '../config/config-fixture.ts';
import { commandLine } from './command-line.ts';

const trial = '[[providers]]\nname = "trial"\nkind = "blackhole"\n';

test('a good file is described without its secrets, exit code 0', async (t) => {
  const { run } = commandLine(t);
  const file = fileURLToPath(new URL('config/meerkat.toml', root));
  const { exitCode, stdout, stderr } = await run(['check-config', file]);
  assert.equal(exitCode, 0);
  assert.equal(stderr, '');
  assert.match(stdout, /is fine/);
  assert.match(stdout, /push\.localhost at 127\.0\.0\.1:5347/);
  assert.doesNotMatch(stdout, /change-me/);
  const json = await run(['check-config', file, '--json']);
  assert.equal(json.exitCode, 0);
  assert.doesNotMatch(json.stdout, /change-me/);
  assert.equal(JSON.parse(json.stdout).config.servers[0].secret, '[secret]');
});

test('every problem is printed with file and line, exit code 2', async (t) => {
  const { write, run } = commandLine(t);
  write('bad.toml', `[engine]\nstop_ms = -1\nlog_levle = "info"\n${trial}`);
  const { exitCode, stdout, stderr } = await run(['check-config', 'bad.toml']);
  assert.equal(exitCode, 2);
  assert.deepEqual(stdout.trim().split('\n'), [
    'bad.toml:2: engine.stop_ms: is -1. Write a number from 0 to 120000 (milliseconds).',
    'bad.toml:3: engine.log_levle: is not a key of this section. Did you mean log_level?',
  ]);
  assert.match(stderr, /bad\.toml has 2 problems/);
  const json = await run(['check-config', 'bad.toml', '--json']);
  assert.equal(json.exitCode, 2);
  const { ok, issues } = JSON.parse(json.stdout);
  assert.equal(ok, false);
  assert.deepEqual(
    issues.map((issue: { file: string; line: number }) => `${issue.file}:${issue.line}`),
    ['bad.toml:2', 'bad.toml:3'],
  );
});

test('the environment is checked with the file', async (t) => {
  const { write, run } = commandLine(t);
  write('good.toml', trial);
  const wrong = await run(['check-config', 'good.toml'], { MEERKAT_ENGINE__LOG_LEVLE: 'debug' });
  assert.equal(wrong.exitCode, 2);
  assert.match(wrong.stdout, /^MEERKAT_ENGINE__LOG_LEVLE: .*MEERKAT_ENGINE__LOG_LEVEL\?$/m);
  const right = await run(['check-config', 'good.toml', '--json'], { MEERKAT_ENGINE__LOG_LEVEL: 'debug' });
  assert.equal(JSON.parse(right.stdout).config.engine.logLevel, 'debug');
});

test('a file that is not there is a matter of usage', async (t) => {
  const { run } = commandLine(t);
  const { exitCode, stderr, stdout } = await run(['check-config', 'absent.toml']);
  assert.equal(exitCode, 2);
  assert.match(stderr, /cannot read absent\.toml/);
  assert.equal(stdout, '');
  const json = await run(['check-config', 'absent.toml', '--json']);
  assert.equal(JSON.parse(json.stdout).code, 'E_CONFIG_UNREADABLE');
});

test('a plugin that cannot be loaded is told of with its entry, exit code 2; one that can is named', async (t) => {
  const { write, run } = commandLine(t);
  write('bad.mjs', 'export const plugin = {};\n');
  write('throws.mjs', 'export function createPlugin({ token }) { throw new Error("no token"); }\n');
  write('good.mjs', 'export function createPlugin() { return { name: "good" }; }\n');
  write('bad.toml', `${trial}[[plugins]]\nmodule = "./good.mjs"\n[[plugins]]\nmodule = "./bad.mjs"\n`);
  const bad = await run(['check-config', 'bad.toml']);
  assert.deepEqual([bad.exitCode, bad.stdout], [2, '']);
  assert.match(bad.stderr, /^meerkat: plugins\.1\.module: \.\/bad\.mjs exports no function createPlugin\. Write `/);
  const json = await run(['check-config', 'bad.toml', '--json']);
  assert.deepEqual([json.exitCode, JSON.parse(json.stdout).code], [2, 'E_PLUGIN_INVALID']);
  write('throws.toml', `${trial}[[plugins]]\nmodule = "./throws.mjs"\n`);
  assert.match((await run(['check-config', 'throws.toml'])).stderr, /threw in createPlugin\. .* \(no token\)/);
  write('good.toml', `${trial}[[plugins]]\nmodule = "./good.mjs"\n`);
  const good = await run(['check-config', 'good.toml']);
  assert.equal(good.exitCode, 0);
  assert.match(good.stdout, /plugin +\.\/good\.mjs/);
});
