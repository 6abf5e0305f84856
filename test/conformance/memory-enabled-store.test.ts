import { enabledStoreConformance } from './enabled-store.ts';
import { MemoryEnabledStore } from '../../src/storage/memory-enabled-store.ts';

enabledStoreConformance('memory', async () => {
  const store = new MemoryEnabledStore(10_000);
  return { store, dispose: () => store.close() };
});
