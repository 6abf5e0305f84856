// Thread: main
/** What the process holds: bytes of the JavaScript heap after a collection, and of what it holds outside of it. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export function processBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function collectGarbage(): void {
  setFlagsFromString('--expose_gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('this Node has no gc()');
  collect();
}
