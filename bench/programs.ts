// Thread: main
/** Programs of Debian's packages nghttp2-client and nghttp2-server, where they are installed. */
import { spawnSync } from 'node:child_process';

/** The path of a program; `undefined`: not installed. */
export function programPath(name: string): string | undefined {
  // Debian keeps servers in sbin, which is not in everybody's PATH.
  const found = spawnSync('sh', ['-c', 'PATH="$PATH:/usr/sbin" command -v "$0"', name], { encoding: 'utf8' });
  return found.status === 0 ? found.stdout.trim() : undefined;
}
