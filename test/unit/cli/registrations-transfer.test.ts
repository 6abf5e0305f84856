import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, truncateSync, watch, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { csvLine, ndjsonLine, rowColumns } from '../../../src/cli/enabled-rows.ts';
import { hashForPeople } from '../../../src/core/redact.ts';
import { noPreferences } from '../../../src/core/enabled.ts';
import { epochMs } from '../../../src/core/ids.ts';
import { openEnabledStore } from '../../../src/storage/open-enabled-store.ts';
import { enabledRow, put } from '../../enabled-rows.ts';
import { bare, node } from '../../registration-rows.ts';
import { commandLine, endOf } from './command-line.ts';
import type { EnabledRegistration } from '../../../src/core/enabled.ts';
import type { CommandLine } from './command-line.ts';
import type { TestContext } from 'node:test';

const config = '[registrations]\nmap_bytes = 268435456\n[[providers]]\nname = "t"\nkind = "blackhole"\n';
const header = `${rowColumns.join(',')}\n`;

function setup(t: TestContext): CommandLine {
  const cli = commandLine(t);
  cli.write('m.toml', config);
  return cli;
}

async function rowsIn({ folder }: CommandLine): Promise<readonly EnabledRegistration[]> {
  const store = await openEnabledStore({ store: 'lmdb', dataDir: join(folder, 'data'), mapBytes: 268_435_456 });
  const rows = await store.scan(undefined, 1_000_000);
  await store.close();
  return rows;
}

async function fill({ folder }: CommandLine, rows: readonly EnabledRegistration[]): Promise<void> {
  const store = await openEnabledStore({ store: 'lmdb', dataDir: join(folder, 'data'), mapBytes: 268_435_456 });
  await store.writeMany(put(...rows));
  await store.close();
}

const variety: readonly EnabledRegistration[] = [
  enabledRow('a, "b"\nc'),
  enabledRow('ü \u{1f600}', { owner: bare('bert@example.com'), options: [['__proto__', ' , "x"\r\n']] }),
  enabledRow('plain', { owner: bare('carl@example.com'), options: [] }),
];

function many(count: number): readonly EnabledRegistration[] {
  return Array.from({ length: count }, (_, index) =>
    enabledRow(`node-${index}`, { owner: bare(`u${String(index).padStart(6, '0')}@example.com`) }),
  );
}

for (const format of ['csv', 'ndjson']) {
  test(`what is exported as ${format} and imported elsewhere is the same`, async (t) => {
    const [here, there] = [setup(t), setup(t)];
    await fill(here, variety);
    const out = join(there.folder, `rows.${format}`);
    const exported = await here.run(['registrations', 'export', '--to', out, '-c', 'm.toml']);
    assert.equal(exported.exitCode, 0, exported.stderr);
    assert.equal(statSync(out).mode & 0o777, 0o600);
    const imported = await there.run(['registrations', 'import', out, '-c', 'm.toml', '--json']);
    assert.deepEqual(JSON.parse(imported.stdout), {
      ok: true,
      read: 3,
      written: 3,
      unchanged: 0,
      older: 0,
      rejected: 0,
    });
    assert.deepEqual(await rowsIn(there), await rowsIn(here));
    const again = await there.run(['registrations', 'import', out, '-c', 'm.toml', '--json']);
    assert.deepEqual(JSON.parse(again.stdout), { ok: true, read: 3, written: 0, unchanged: 3, older: 0, rejected: 0 });
    assert.ok(!existsSync(`${out}.checkpoint`) && !existsSync(`${out}.rejected`));
  });
}

test('CSV as MongooseIM has it is read by its header, in any order, or without one', async (t) => {
  const cli = setup(t);
  const form = '"{""service"":""fcm""}"';
  cli.write(
    'a.csv',
    `created_at,form,owner_jid,node,pubsub_jid\r\n1700000000000000,${form},a@b.example,n,push.b.example\r\n`,
  );
  cli.write('b.csv', `c@b.example,n,push.b.example,${form},1700000000000000\n`);
  for (const file of ['a.csv', 'b.csv']) {
    const ran = await cli.run(['registrations', 'import', file, '-c', 'm.toml']);
    assert.equal(ran.exitCode, 0, ran.stderr);
  }
  const rows = await rowsIn(cli);
  assert.deepEqual(
    rows.map(({ owner, options, enabledAtMs }) => [owner, options, enabledAtMs]),
    ['a@b.example', 'c@b.example'].map((owner) => [owner, [['service', 'fcm']], 1_700_000_000_000]),
  );
});

test('bad lines are told with number and reason, set aside with the header, and never stop the rest', async (t) => {
  const cli = setup(t);
  const [first, second] = many(2).map(csvLine);
  const bad = ['not enough', '@x,n,push.b.example,{},1', 'a@b,n,push.b,"{""device_id"":7', 'a@b,n,push.b,secret,1'];
  cli.write('rows.csv', `${header}${first}\n${bad.join('\n')}\n${second}\n`);
  const { exitCode, stdout, stderr } = await cli.run(['registrations', 'import', 'rows.csv', '-c', 'm.toml']);
  assert.equal(exitCode, 1);
  assert.match(stdout, /6 read: 2 written/);
  assert.match(stderr, /rows\.csv:3: has 1 fields/);
  assert.match(stderr, /rows\.csv:4: owner_jid is not a JID/);
  assert.match(stderr, /rows\.csv:5: a quote is not closed/);
  assert.match(stderr, /rows\.csv:6: form is not JSON/);
  assert.doesNotMatch(stderr, /secret/);
  assert.equal(readFileSync(join(cli.folder, 'rows.csv.rejected'), 'utf8'), `${header}${bad.join('\n')}\n`);
  assert.equal((await rowsIn(cli)).length, 2);
});

test('what the store has newer stays, and a row without a time is as of now but once', async (t) => {
  const cli = setup(t);
  const newer = enabledRow('n', { options: [['device_id', 'new']], enabledAtMs: epochMs(1_790_000_000_000) });
  await fill(cli, [newer]);
  cli.write('old.ndjson', `${ndjsonLine(enabledRow('n'))}\n`);
  const old = await cli.run(['registrations', 'import', 'old.ndjson', '-c', 'm.toml', '--json']);
  assert.equal(JSON.parse(old.stdout).older, 1);
  assert.deepEqual(await rowsIn(cli), [newer]);
  const { created_at: left, ...undated } = JSON.parse(ndjsonLine(enabledRow('m')));
  assert.ok(left > 0);
  cli.write('undated.ndjson', JSON.stringify(undated));
  await cli.run(['registrations', 'import', 'undated.ndjson', '-c', 'm.toml']);
  const before = await rowsIn(cli);
  const again = await cli.run(['registrations', 'import', 'undated.ndjson', '-c', 'm.toml', '--json']);
  assert.equal(JSON.parse(again.stdout).unchanged, 1);
  assert.deepEqual(await rowsIn(cli), before);
});

test('standard input and output are files too', async (t) => {
  const [here, there] = [setup(t), setup(t)];
  await fill(here, variety);
  const { stdout } = await here.run(['registrations', 'export', '--to', '-', '-c', 'm.toml']);
  assert.equal(stdout.trim().split('\n').length, 3);
  const ran = await there.run(['registrations', 'import', '-', '-c', 'm.toml'], {}, stdout);
  assert.equal(ran.exitCode, 0, ran.stderr);
  assert.deepEqual(await rowsIn(there), await rowsIn(here));
});

test('an import that is killed between batches goes on where it was, and loses nothing', async (t) => {
  const cli = setup(t);
  const rows = many(8_000);
  const lines = rows.map(csvLine);
  lines.splice(100, 0, 'bad one');
  lines.splice(7_500, 0, 'bad two');
  const file = cli.write('rows.csv', `${header}${lines.join('\n')}\n`);
  const args = ['registrations', 'import', 'rows.csv', '-c', 'm.toml', '--json'];
  const child = cli.start(args);
  const ended = endOf(child);
  await checkpointed(cli.folder, 2);
  child.kill('SIGKILL');
  assert.equal((await ended).stdout, '', 'it was killed before its end');
  const kept = JSON.parse(readFileSync(`${file}.checkpoint`, 'utf8'));
  assert.ok((await rowsIn(cli)).length >= kept.counts.written, 'the checkpoint is never ahead of the store');
  const resumed = await cli.run([...args, '--resume']);
  const { written, unchanged, read, rejected } = JSON.parse(resumed.stdout);
  assert.deepEqual([read, rejected, written + unchanged], [8_002, 2, 8_000]);
  assert.deepEqual(await rowsIn(cli), rows);
  assert.equal(readFileSync(`${file}.rejected`, 'utf8'), `${header}bad one\nbad two\n`);
  assert.ok(!existsSync(`${file}.checkpoint`));
});

test('a checkpoint of another file, or another store, is refused', async (t) => {
  const cli = setup(t);
  const file = cli.write(
    'rows.ndjson',
    many(3)
      .map((row) => `${ndjsonLine(row)}\n`)
      .join(''),
  );
  writeFileSync(`${file}.checkpoint`, JSON.stringify({ job: 'import', at: 5 }));
  const { exitCode, stderr } = await cli.run(['registrations', 'import', 'rows.ndjson', '-c', 'm.toml', '--resume']);
  assert.equal(exitCode, 2);
  assert.match(stderr, /not of this import .*without --resume/);
  assert.deepEqual(await rowsIn(cli), []);
});

test('an export that is killed goes on after the last row that is durable', async (t) => {
  const cli = setup(t);
  const rows = many(25_000);
  for (let at = 0; at < rows.length; at += 5_000) await fill(cli, rows.slice(at, at + 5_000));
  const args = ['registrations', 'export', '--to', 'out.ndjson', '-c', 'm.toml'];
  const child = cli.start(args);
  const ended = endOf(child);
  await checkpointed(cli.folder, 1);
  child.kill('SIGKILL');
  await ended;
  assert.ok(!existsSync(join(cli.folder, 'out.ndjson')), 'the file has its name once it is whole');
  const kept = JSON.parse(readFileSync(join(cli.folder, 'out.ndjson.checkpoint'), 'utf8'));
  truncateSync(join(cli.folder, 'out.ndjson.partial'), kept.state);
  const resumed = await cli.run([...args, '--resume']);
  assert.equal(resumed.exitCode, 0, resumed.stderr);
  const text = readFileSync(join(cli.folder, 'out.ndjson'), 'utf8');
  assert.ok(text === rows.map((row) => `${ndjsonLine(row)}\n`).join(''), 'every row once, in order');
  const again = await cli.run(args);
  assert.equal(again.exitCode, 2);
  assert.match(again.stderr, /out\.ndjson is there already; --force/);
});

test('a hundred thousand rows come in and go out in seconds', async (t) => {
  const cli = setup(t);
  cli.write(
    'rows.ndjson',
    many(100_000)
      .map((row) => `${ndjsonLine(row)}\n`)
      .join(''),
  );
  const imported = await cli.run(['registrations', 'import', 'rows.ndjson', '-c', 'm.toml', '--json']);
  assert.equal(JSON.parse(imported.stdout).written, 100_000, imported.stderr);
  await cli.run(['registrations', 'export', '--to', 'out.ndjson', '-c', 'm.toml']);
  const [before, after] = ['rows.ndjson', 'out.ndjson'].map((name) => readFileSync(join(cli.folder, name)));
  assert.ok(before !== undefined && after?.equals(before));
});

test('nothing to export, no store, and the same store twice are said', async (t) => {
  const cli = setup(t);
  const none = await cli.run(['registrations', 'export', '--to', 'x.csv', '-c', 'm.toml']);
  assert.equal(none.exitCode, 1);
  assert.match(none.stderr, /no store at .*enabled\.mdb yet/);
  assert.ok(!existsSync(join(cli.folder, 'data')));
  await fill(cli, variety);
  const same = await cli.run(['registrations', 'export', '--to', 'lmdb', '-c', 'm.toml']);
  assert.equal(same.exitCode, 2);
  const missing = await cli.run(['registrations', 'import', 'missing.csv', '-c', 'm.toml']);
  assert.equal(missing.exitCode, 2);
  cli.write('memory.toml', `${config}[push]\nstore = "memory"\n`);
  assert.equal((await cli.run(['registrations', 'export', '--to', 'x.csv', '-c', 'memory.toml'])).exitCode, 2);
});

test('list and show of what is enabled tell names of options, never their values', async (t) => {
  const cli = setup(t);
  const preferences = { ...noPreferences, encryptionKey: Buffer.alloc(16, 9).toString('base64') };
  await fill(cli, [enabledRow('one', { preferences }), enabledRow('two', { service: bare('other.example') })]);
  const list = await cli.run(['registrations', 'list', '--enabled', '--owner', 'anna@example.com', '-c', 'm.toml']);
  assert.equal(list.stdout.trim().split('\n').length, 2);
  assert.ok(list.stdout.includes(`service, device_id, ${hashForPeople('token of one')}`));
  const shown = await cli.run(['registrations', 'show', 'one', '--enabled', '-c', 'm.toml', '--json']);
  const row = JSON.parse(shown.stdout);
  assert.deepEqual([row.options, row.preferences.isEncrypted], [['service', 'device_id'], true]);
  for (const text of [list.stdout, shown.stdout]) {
    assert.doesNotMatch(text, /token of|fcm/);
    assert.ok(!text.includes(preferences.encryptionKey));
  }
  assert.equal((await cli.run(['registrations', 'show', 'three', '--enabled', '-c', 'm.toml'])).exitCode, 1);
});

test('remove takes one, those of one service, or all that a user has enabled', async (t) => {
  const cli = setup(t);
  const other = bare('other.example');
  await fill(cli, [enabledRow('one'), enabledRow('two'), enabledRow('one', { service: other }), ...many(1)]);
  const remove = (...args: readonly string[]): Promise<{ readonly stdout: string; readonly exitCode: number }> =>
    cli.run(['registrations', 'remove', '--enabled', '-c', 'm.toml', '--json', ...args]);
  const anna = ['--owner', 'anna@example.com'];
  assert.deepEqual(JSON.parse((await remove('two', ...anna)).stdout), { ok: true, removed: 1 });
  assert.deepEqual(JSON.parse((await remove(...anna, '--service', 'other.example')).stdout), { ok: true, removed: 1 });
  assert.deepEqual(JSON.parse((await remove(...anna)).stdout), { ok: true, removed: 1 });
  assert.equal((await remove(...anna)).exitCode, 1);
  assert.equal((await remove('one')).exitCode, 2);
  assert.deepEqual(
    (await rowsIn(cli)).map((row) => row.node),
    [node('node-0')],
  );
});

/** Resolves when the job has written so many checkpoints; an import writes its first before it begins. */
async function checkpointed(folder: string, count: number): Promise<void> {
  const watcher = watch(folder);
  try {
    for (let seen = 0; seen < count;) {
      const [, name] = await once(watcher, 'change');
      if (String(name).endsWith('.checkpoint')) seen += 1;
    }
  } finally {
    watcher.close();
  }
}
