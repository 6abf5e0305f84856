import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandLine } from './command-line.ts';

const commands = ['run', 'check-config', 'demo', 'send', 'registrations', 'reshard'];

for (const command of commands) {
  test(`meerkat ${command} --help has examples and exits with 0`, async (t) => {
    const { exitCode, stdout } = await commandLine(t).run([command, '--help']);
    assert.equal(exitCode, 0);
    assert.match(stdout, new RegExp(`Usage: meerkat ${command}`));
    assert.match(stdout, new RegExp(`Examples:[^]*\\$ meerkat ${command}`));
  });
}

test('meerkat --help names every command and the exit codes', async (t) => {
  const { exitCode, stdout } = await commandLine(t).run(['--help']);
  assert.equal(exitCode, 0);
  for (const command of commands) assert.match(stdout, new RegExp(`^  ${command}\\b`, 'm'));
  assert.match(stdout, /Exit codes: 0 done, 1 failed, 2 wrong usage/);
});

const wrongUsage: readonly (readonly string[])[] = [
  [],
  ['rum'],
  ['run', '--colour'],
  ['check-config', 'a', 'b'],
  ['registrations'],
  ['registrations', 'show'],
  ['registrations', 'remove'],
  ['registrations', 'list', '--limit', 'many'],
  ['registrations', 'list', '--owner', '@'],
  ['send'],
  ['send', '--service', 'sms', '--token', 'x'],
  ['demo', '--users', '0'],
  ['reshard', 'now'],
];

for (const args of wrongUsage) {
  test(`wrong usage ends with 2 and says so on standard error: meerkat ${args.join(' ')}`, async (t) => {
    const { exitCode, stdout, stderr } = await commandLine(t).run(args);
    assert.equal(exitCode, 2, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, /error: |Usage: /);
  });
}
