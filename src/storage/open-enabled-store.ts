// Thread: main
/** The store of enabled registrations that a configuration names: one for the engine, in `<dataDir>/enabled.mdb`. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../core/errors.ts';
import { LmdbEnabledStore } from './lmdb-enabled-store.ts';
import { MemoryEnabledStore } from './memory-enabled-store.ts';
import type { StoreKind } from '../../config/engine-config.ts';
import type { EnabledStore } from './enabled-store.ts';

export interface EnabledStoreConfig {
  /** `push.store` */
  readonly store: StoreKind;
  /** `engine.data_dir` */
  readonly dataDir: string;
  /** `registrations.map_bytes` */
  readonly mapBytes: number;
}

/** The file below `dataDir`. */
export const enabledFile = 'enabled.mdb';

// A row in memory: about 1 KiB, so that mapBytes bounds both kinds of store alike.
const memoryRowBytes = 1024;

/** Opens it, and makes it if there is none yet. Rejects with EngineError E_STORE_IO. */
export async function openEnabledStore({ store, dataDir, mapBytes }: EnabledStoreConfig): Promise<EnabledStore> {
  if (store === 'memory') return new MemoryEnabledStore(Math.floor(mapBytes / memoryRowBytes));
  if (store !== 'lmdb') {
    throw new EngineError('E_CONFIG_INVALID', `push.store = "${store}" is not known yet; write store = "lmdb"`);
  }
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  return new LmdbEnabledStore({ path: join(dataDir, enabledFile), mapBytes });
}
