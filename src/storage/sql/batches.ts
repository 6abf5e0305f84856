// Thread: main
import { limits } from '../../core/limits.ts';

/** Cuts a list into pieces of which each is one statement. */
export function batches<T>(items: readonly T[]): readonly (readonly T[])[] {
  const size = limits.databaseBatchRows;
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
