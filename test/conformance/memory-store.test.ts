import { storeConformance } from './store.ts';
import { MemoryStore } from '../../src/storage/memory-store.ts';

storeConformance('memory', async () => {
  const store = new MemoryStore(10_000);
  return { store, dispose: () => store.close() };
});
