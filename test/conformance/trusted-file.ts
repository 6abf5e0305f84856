/** The authorities' file that a provider's configuration names, for as long as a test runs. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export async function writeTrusted(t: TestContext, caPem: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'trusted-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'authority.pem');
  await writeFile(file, caPem);
  return file;
}
