import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { commandLine } from './command-line.ts';
import type { CommandLine } from './command-line.ts';
import type { TestContext } from 'node:test';

function setup(t: TestContext): CommandLine {
  const cli = commandLine(t);
  cli.write('m.toml', '[[providers]]\nname = "trial"\nkind = "blackhole"\nservices = ["apns"]\n');
  return cli;
}

const push = ['send', '-c', 'm.toml', '--service', 'apns', '--token', 'abcdef'];

test('send prints that the gateway accepted it and leaves no store behind, exit code 0', async (t) => {
  const { run, folder } = setup(t);
  const { exitCode, stdout, stderr } = await run([...push, '--title', 'Hello', '--data', 'room=den']);
  assert.equal(exitCode, 0, stderr);
  assert.match(stdout, /^accepted/);
  assert.equal(existsSync(`${folder}/data`), false);
});

test('send --json prints the outcome as one document, and reads the token from standard input', async (t) => {
  const { run } = setup(t);
  const args = push.map((argument) => (argument === 'abcdef' ? '-' : argument));
  const { exitCode, stdout } = await run([...args, '--json'], {}, 'abcdef\n');
  assert.equal(exitCode, 0);
  const { ok, outcome } = JSON.parse(stdout);
  assert.equal(ok, true);
  assert.equal(outcome.kind, 'accepted');
});

test('a push that is not accepted ends with 1 and its reason', async (t) => {
  const { run } = setup(t);
  const fcm = await run(push.map((argument) => (argument === 'apns' ? 'fcm' : argument)));
  assert.equal(fcm.exitCode, 1);
  assert.match(fcm.stderr, /rejected.*no provider serves fcm/);
  const long = await run([...push, '--collapse-id', 'x'.repeat(65), '--json']);
  assert.equal(long.exitCode, 1);
  assert.equal(JSON.parse(long.stdout).outcome.kind, 'rejected');
});

test('a provider that is not configured is a matter of usage', async (t) => {
  const { run } = setup(t);
  const { exitCode, stderr } = await run([...push, '--provider', 'apns-prod']);
  assert.equal(exitCode, 2);
  assert.match(stderr, /no provider "apns-prod"; it has trial/);
});

test('1.8 send asks for a provider by its tags', async (t) => {
  const { write, run } = setup(t);
  write('m.toml', '[[providers]]\nname = "trial"\nkind = "blackhole"\ntags = ["brand", "europe"]\n');
  const both = await run([...push, '--tag', 'brand', '--tag', 'europe']);
  assert.equal(both.exitCode, 0, both.stderr);
  const other = await run([...push, '--tag', 'brand', '--tag', 'asia']);
  assert.equal(other.exitCode, 1);
  assert.match(other.stderr, /no provider serves apns/);
});
