// Thread: main
/**
 * Who still waits for our answer: the IQs of one server that have been taken and not answered, whatever stream they
 * came on. Bounded; every entry leaves exactly once, by `take` or by its deadline. All entries wait equally long, so
 * that the oldest is always the next to fall due and no heap is needed.
 */
export interface PendingIqs<E> {
  /** Entries waiting. */
  readonly size: number;
  /** A number for the entry, or `undefined` when the table is full. */
  add(entry: E, nowMs: number): number | undefined;
  /** Takes the entry out; `undefined` if it was answered or has expired before. */
  take(tag: number): E | undefined;
  /** The entry, which stays. */
  peek(tag: number): E | undefined;
  /** Takes out all that have waited their time. */
  expire(nowMs: number): E[];
  /** When the oldest falls due; `undefined` when nobody waits. */
  readonly nextMs: number | undefined;
}

export function pendingIqs<E>(sizeMax: number, waitMs: number): PendingIqs<E> {
  // A Map keeps the order of insertion, which is the order of the deadlines.
  const entries = new Map<number, { readonly entry: E; readonly dueMs: number }>();
  let lastTag = 0;
  return {
    get size() {
      return entries.size;
    },
    add(entry, nowMs) {
      if (entries.size >= sizeMax) return undefined;
      entries.set(++lastTag, { entry, dueMs: nowMs + waitMs });
      return lastTag;
    },
    take(tag) {
      const found = entries.get(tag);
      if (found === undefined) return undefined;
      entries.delete(tag);
      return found.entry;
    },
    peek: (tag) => entries.get(tag)?.entry,
    expire(nowMs) {
      const due: E[] = [];
      for (const [tag, { entry, dueMs }] of entries) {
        if (dueMs > nowMs) break;
        entries.delete(tag);
        due.push(entry);
      }
      return due;
    },
    get nextMs() {
      for (const { dueMs } of entries.values()) return dueMs;
      return undefined;
    },
  };
}
