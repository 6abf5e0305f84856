import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { limits } from '../../../src/core/limits.ts';
import { credentialFile } from '../../../src/storage/credential-file.ts';
import type { TestContext } from 'node:test';

function setup(t: TestContext) {
  const dataDir = mkdtempSync(join(tmpdir(), 'meerkat-credential-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const folder = join(dataDir, 'credentials');
  return { dataDir, folder, file: credentialFile(dataDir, 'abc') };
}

test('3.5 what is written is read again, by its owner alone, and leaves nothing beside it', async (t) => {
  const { dataDir, folder, file } = setup(t);
  assert.equal(await file.read(), undefined);
  await file.write('first');
  await file.write('second');
  assert.equal(await credentialFile(dataDir, 'abc').read(), 'second');
  assert.equal(await credentialFile(dataDir, 'abd').read(), undefined);
  assert.deepEqual(readdirSync(folder), ['abc.json']);
  assert.equal(statSync(join(folder, 'abc.json')).mode & 0o777, 0o600);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
});

test('3.5 what a crash left half written is replaced, whatever its mode', async (t) => {
  const { folder, file } = setup(t);
  mkdirSync(folder);
  writeFileSync(join(folder, 'abc.json.new'), 'half');
  chmodSync(join(folder, 'abc.json.new'), 0o666);
  await file.write('whole');
  assert.equal(await file.read(), 'whole');
  assert.equal(statSync(join(folder, 'abc.json')).mode & 0o777, 0o600);
});

test('a file that is no value of ours is not read whole, and a folder in its place is a failure', async (t) => {
  const { folder, file } = setup(t);
  mkdirSync(folder);
  writeFileSync(join(folder, 'abc.json'), 'x'.repeat(limits.credentialFileBytesMax + 1));
  assert.equal((await file.read())?.length, limits.credentialFileBytesMax);
  rmSync(join(folder, 'abc.json'));
  mkdirSync(join(folder, 'abc.json'));
  await assert.rejects(file.read());
});
