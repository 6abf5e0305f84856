import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { askForReload, openControlSocket } from '../../../src/cli/control-socket.ts';
import { ecKey } from '../config/config-fixture.ts';
import { freePorts } from '../../peers/server-process.ts';
import { within } from '../../peers/deadline.ts';
import { commandLine, linesOf } from './command-line.ts';
import type { TestContext } from 'node:test';

async function setup(t: TestContext) {
  const cli = commandLine(t);
  const [port = 0, closed = 0] = await freePorts(2);
  const text = (keyId: string, more = ''): string =>
    `[http]\nport = ${port}\ntoken = "at-least-16-bytes-of-chance"\n[push]\nvirtual_hosts = ["push.example.net"]\n` +
    `[[providers]]\nname = "apple"\nkind = "apns"\nhost = "127.0.0.1"\nport = ${closed}\nkey = """${ecKey}"""\n` +
    `key_id = "${keyId}"\nteam_id = "TEAM123456"\n` +
    `[[providers]]\nname = "trial"\nkind = "blackhole"\nservices = ["fcm"]\n${more}`;
  cli.write('m.toml', text('KEY1111111'));
  const child = cli.start(['run', '-c', 'm.toml', '--json']);
  const log = createInterface({ input: child.stderr })[Symbol.asyncIterator]();
  const line = linesOf(child);
  assert.equal(JSON.parse(await line()).state, 'serving');
  return { cli, child, line, log, text };
}

test('reload tells the running process, and prints what became of each provider', { timeout: 60_000 }, async (t) => {
  const { cli, child, line, text } = await setup(t);
  const socket = `${cli.folder}/data/control.sock`;
  assert.equal(statSync(socket).mode & 0o777, 0o600);
  const same = await cli.run(['reload', '-c', 'm.toml']);
  assert.deepEqual([same.exitCode, same.stdout], [0, 'apple: unchanged\ntrial: unchanged\n'], same.stderr);

  cli.write('m.toml', text('KEY2222222', 'stall_ms = 1\n'));
  const kept = await cli.run(['reload', '-c', 'm.toml']);
  assert.equal(kept.exitCode, 1);
  assert.match(kept.stdout, /^apple: kept: the gateway could not be asked: .*\ntrial: unchanged\n/);
  assert.match(kept.stdout, /^needs a restart: providers\.trial\.stall_ms$/m);
  const json = JSON.parse((await cli.run(['reload', '-c', 'm.toml', '--json'])).stdout);
  assert.deepEqual([json.ok, json.providers[0].kind], [false, 'kept']);

  // The process reads its own file, which may be wrong while ours is right.
  writeFileSync(`${cli.folder}/ours.toml`, readFileSync(`${cli.folder}/m.toml`));
  cli.write('m.toml', '[engine]\nstop_ms = -1\n');
  const wrong = await cli.run(['reload', '-c', 'ours.toml']);
  assert.equal(wrong.exitCode, 1);
  assert.match(wrong.stderr, /^m\.toml:2: engine\.stop_ms: .*\n(?:.*\n)*meerkat: nothing was reloaded/m);

  child.kill('SIGTERM');
  assert.deepEqual(JSON.parse(await line()), { state: 'stopped' });
  assert.equal(existsSync(socket), false);
  const gone = await cli.run(['reload', '-c', 'ours.toml']);
  assert.equal(gone.exitCode, 1);
  assert.match(gone.stderr, /no `meerkat run` answers at data\/control\.sock/);
});

test('SIGHUP reloads, too, and the log says what happened', { timeout: 60_000 }, async (t) => {
  const { cli, child, log, text } = await setup(t);
  const logged = async (message: string): Promise<string> => {
    for (;;) {
      const next = await within(message, log.next(), 20_000);
      if (next.done === true) return '';
      if (next.value.includes(message)) return next.value;
    }
  };
  child.kill('SIGHUP');
  assert.match(await logged('"reloaded"'), /"unchanged"/);
  cli.write('m.toml', text('KEY2222222'));
  child.kill('SIGHUP');
  assert.match(await logged('a new credential is not taken over'), /"provider":"apple"/);

  child.kill('SIGKILL');
  await once(child, 'exit');
  const left = `${cli.folder}/data`;
  assert.ok(existsSync(`${left}/control.sock`));
  await assert.rejects(askForReload(left), { code: 'E_ENGINE_STATE' });
  const next = await openControlSocket(left, async () => ({ providers: ['next'] }));
  assert.deepEqual(await askForReload(left), { providers: ['next'] }, 'what a killed process left is replaced');
  next.close();
});

test('a socket that answers is not taken from its process, and does nothing but reload', async (t) => {
  const { folder } = commandLine(t);
  const first = await openControlSocket(folder, async () => ({ providers: [] }));
  await assert.rejects(
    openControlSocket(folder, async () => ({})),
    { code: 'EADDRINUSE' },
  );
  assert.deepEqual(await askForReload(folder), { providers: [] });
  const stranger = createConnection(`${folder}/control.sock`);
  stranger.on('error', () => undefined);
  stranger.write('something else\n');
  await within('a stranger is shown out', once(stranger, 'close'));
  first.close();
});
