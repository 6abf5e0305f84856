// Thread: main
/**
 * One minted authorization value on disk, so that a restart goes on with it: a gateway that counts how often values
 * change would otherwise refuse a process that restarts in a loop (reference 3.5: TooManyProviderTokenUpdates). The
 * value works for an hour at most; the key it was signed with is never written.
 */
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { limits } from '../core/limits.ts';

export interface CredentialFile {
  /** `undefined`: there is none. Rejects when it cannot be read. */
  read(): Promise<string | undefined>;
  /** Resolves when it is safe on disk: an interrupted write leaves the file as it was. */
  write(text: string): Promise<void>;
}

const folderName = 'credentials';

/** @param id letters and digits; names the file. */
export function credentialFile(dataDir: string, id: string): CredentialFile {
  const folder = join(dataDir, folderName);
  const path = join(folder, `${id}.json`);
  return {
    read: () => readAt(path),
    async write(text) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const next = `${path}.new`;
      await rm(next, { force: true }); // left by a crash, perhaps with another mode
      await writeSynced(next, text);
      await rename(next, path);
      await syncFolder(folder);
    },
  };
}

async function readAt(path: string): Promise<string | undefined> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    // What is longer is not ours, and comes back cut.
    const { buffer, bytesRead } = await file.read(Buffer.alloc(limits.credentialFileBytesMax), 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  const file = await open(folder, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
