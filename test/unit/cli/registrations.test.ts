import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from 'lmdb';
import { hashForPeople } from '../../../src/core/redact.ts';
import { openShardStores } from '../../../src/storage/shard-folder.ts';
import { bare, device, row } from '../../registration-rows.ts';
import { commandLine } from './command-line.ts';
import type { CommandLine } from './command-line.ts';
import type { TestContext } from 'node:test';

const config = '[registrations]\nshards = 2\nmap_bytes = 16777216\n[[providers]]\nname = "t"\nkind = "blackhole"\n';

async function setup(t: TestContext): Promise<CommandLine> {
  const cli = commandLine(t);
  cli.write('m.toml', config);
  const stores = await openShardStores({
    store: 'lmdb',
    shards: 2,
    perOwnerMax: 10,
    mapBytes: 16_777_216,
    dataDir: `${cli.folder}/data`,
  });
  const [first, second] = stores;
  await first?.writeMany([row('node-a', { target: { ...device, token: 'aabbcc' } })]);
  await second?.writeMany([row('node-b'), row('node-c', { owner: bare('bert@example.com') })]);
  await Promise.all(stores.map((store) => store.close()));
  return cli;
}

test('list shows rows of all shards, tokens as hashes', async (t) => {
  const { run } = await setup(t);
  const { exitCode, stdout } = await run(['registrations', 'list', '-c', 'm.toml']);
  assert.equal(exitCode, 0);
  assert.deepEqual(stdout.match(/node-\w/g), ['node-a', 'node-b', 'node-c']);
  assert.doesNotMatch(stdout, /aabbcc/);
  assert.ok(stdout.includes(hashForPeople('aabbcc')));
});

test('list of one owner, as one JSON document for each line', async (t) => {
  const { run } = await setup(t);
  const { stdout } = await run(['registrations', 'list', '-c', 'm.toml', '--owner', 'Anna@example.com', '--json']);
  const nodes = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).node);
  assert.deepEqual(nodes, ['node-a', 'node-b']);
  assert.doesNotMatch(stdout, /aabbcc/);
});

test('list says when the limit cut it', async (t) => {
  const { run } = await setup(t);
  const { stdout, stderr } = await run(['registrations', 'list', '-c', 'm.toml', '--limit', '1']);
  assert.equal(stdout.trim().split('\n').length, 1);
  assert.match(stderr, /first 1; --limit/);
});

test('show prints every field of one row, and fails for an unknown node', async (t) => {
  const { run } = await setup(t);
  const { exitCode, stdout } = await run(['registrations', 'show', 'node-c', '-c', 'm.toml']);
  assert.equal(exitCode, 0);
  assert.match(stdout, /^owner +bert@example\.com$/m);
  const unknown = await run(['registrations', 'show', 'node-x', '-c', 'm.toml']);
  assert.equal(unknown.exitCode, 1);
});

test('remove takes one row, or all of one owner, and fails when there is none', async (t) => {
  const { run } = await setup(t);
  const one = await run(['registrations', 'remove', 'node-c', '-c', 'm.toml']);
  assert.equal(one.exitCode, 0);
  const owners = await run(['registrations', 'remove', '--owner', 'anna@example.com', '-c', 'm.toml', '--json']);
  assert.deepEqual(JSON.parse(owners.stdout), { ok: true, removed: 2 });
  const none = await run(['registrations', 'list', '-c', 'm.toml']);
  assert.equal(none.exitCode, 1);
  assert.equal((await run(['registrations', 'remove', 'node-c', '-c', 'm.toml'])).exitCode, 1);
});

test('remove takes a row that cannot be decoded, which is the remedy its error names', async (t) => {
  const { run, folder } = await setup(t);
  const path = `${folder}/data/registrations/shard-01.mdb`;
  const environment = open({ path, noSubdir: true, maxDbs: 3, overlappingSync: false });
  await environment.openDB({ name: 'rows', encoding: 'binary' }).put('nnode-b', Buffer.from('not a record'));
  await environment.close();
  const shown = await run(['registrations', 'show', 'node-b', '-c', 'm.toml']);
  assert.equal(shown.exitCode, 1);
  assert.match(shown.stderr, /cannot be decoded; restore a backup, or remove the registration/);
  assert.equal((await run(['registrations', 'remove', 'node-b', '-c', 'm.toml'])).exitCode, 0);
  const left = await run(['registrations', 'list', '-c', 'm.toml']);
  assert.deepEqual(left.stdout.match(/node-\w/g), ['node-a', 'node-c']);
});

test('rows in memory cannot be seen from outside, and that is said', async (t) => {
  const { write, run } = commandLine(t);
  write('m.toml', config.replace('shards = 2', 'store = "memory"'));
  const { exitCode, stderr } = await run(['registrations', 'list', '-c', 'm.toml']);
  assert.equal(exitCode, 2);
  assert.match(stderr, /store = "lmdb"/);
});
