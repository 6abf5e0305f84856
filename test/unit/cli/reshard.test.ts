import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { shardOf, slotOfNode } from '../../../src/registration/slots.ts';
import { folderNames, openShardStores, shardCount } from '../../../src/storage/shard-folder.ts';
import { node, row } from '../../registration-rows.ts';
import { commandLine } from './command-line.ts';
import type { CommandLine } from './command-line.ts';
import type { ShardStoresConfig } from '../../../src/storage/shard-folder.ts';
import type { TestContext } from 'node:test';

const rowCount = 300;
const names = Array.from({ length: rowCount }, (_, index) => `node-${index}`);

interface World {
  readonly cli: CommandLine;
  readonly config: (shards: number) => ShardStoresConfig;
}

async function setup(t: TestContext): Promise<World> {
  const cli = commandLine(t);
  const dataDir = `${cli.folder}/data`;
  const config: World['config'] = (shards) => ({
    store: 'lmdb',
    shards,
    perOwnerMax: 10,
    mapBytes: 16_777_216,
    dataDir,
  });
  const stores = await openShardStores(config(2));
  for (const [shard, store] of stores.entries()) {
    await store.writeMany(
      names.filter((name) => shardOf(slotOfNode(node(name)), 2) === shard).map((name) => row(name)),
    );
    await store.close();
  }
  cli.write(
    'm.toml',
    '[registrations]\nshards = 8\nmap_bytes = 16777216\n[[providers]]\nname = "t"\nkind = "blackhole"\n',
  );
  return { cli, config };
}

test('reshard puts every row where the engine looks for it, and keeps what was before', async (t) => {
  const { cli, config } = await setup(t);
  const { exitCode, stdout, stderr } = await cli.run(['reshard', '-c', 'm.toml']);
  assert.equal(exitCode, 0, stderr);
  assert.match(stdout, /300 registrations are now in 8 shards/);
  assert.match(stderr, /to 8 shards 100 % {2}300 of 300\n$/);
  const stores = await openShardStores(config(8));
  for (const name of names) {
    const found = await stores[shardOf(slotOfNode(node(name)), 8)]?.readMany([node(name)]);
    assert.equal(found?.[0]?.node, name);
  }
  await Promise.all(stores.map((store) => store.close()));
  assert.ok(existsSync(`${cli.folder}/data/${folderNames.backup}`));
});

test('reshard back and forth keeps all rows; done already is nothing to do', async (t) => {
  const { cli } = await setup(t);
  await cli.run(['reshard', '-c', 'm.toml']);
  const again = await cli.run(['reshard', '-c', 'm.toml']);
  assert.equal(again.exitCode, 0);
  assert.match(again.stdout, /nothing to do/);
  const fewer = await cli.run(['reshard', '-c', 'm.toml', '--json'], { MEERKAT_REGISTRATIONS__SHARDS: '1' });
  assert.deepEqual(JSON.parse(fewer.stdout), {
    ok: true,
    from: 8,
    to: 1,
    registrations: rowCount,
    backup: join('data', folderNames.backup),
  });
});

test('reshard is refused while another process has the store open', async (t) => {
  const { cli, config } = await setup(t);
  const stores = await openShardStores(config(2));
  for (const store of stores) await store.readMany([node('node-1')]);
  const { exitCode, stderr } = await cli.run(['reshard', '-c', 'm.toml']);
  await Promise.all(stores.map((store) => store.close()));
  assert.equal(exitCode, 1);
  assert.match(stderr, new RegExp(`the store is open in process ${process.pid}`));
  assert.equal(shardCount(`${cli.folder}/data`), 2);
});

test('reshard without a store is told where it looked, exit code 1', async (t) => {
  const { cli } = await setup(t);
  const { exitCode, stderr } = await cli.run(['reshard', '-c', 'm.toml'], { MEERKAT_ENGINE__DATA_DIR: 'elsewhere' });
  assert.equal(exitCode, 1);
  assert.match(stderr, /elsewhere holds no registrations/);
});
