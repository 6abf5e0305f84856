// Thread: main
/** Wire text for benchmarks: publishes as ejabberd and Prosody send them, in TCP-sized chunks, reproducible. */
import { seededRandom } from '../src/core/random.ts';
import { Traffic } from '../src/fake/traffic.ts';
import type { PushTarget } from '../src/fake/traffic.ts';

export const benchDomain = 'example.com';
export const benchComponent = 'push.example.net';
// What Node reads at once from a busy loopback socket.
const chunkBytes = 65_536;

export function publishTexts(targets: readonly PushTarget[], count: number): string[] {
  const random = seededRandom(20260101);
  const servers = (['ejabberd', 'prosody'] as const).map((profile) => {
    const traffic = new Traffic({ profile, domain: benchDomain, component: benchComponent, random });
    traffic.use(targets);
    return traffic;
  });
  return Array.from({ length: count }, (_, index) => servers[index % 2]?.publish(`rr-17952589850-${index}-Wuk=`) ?? '');
}

export function registerTexts(count: number): string[] {
  const random = seededRandom(7);
  const traffic = new Traffic({ profile: 'ejabberd', domain: benchDomain, component: benchComponent, random });
  return Array.from({ length: count }, (_, index) => traffic.register(`reg-${index}`, index));
}

/** The stanzas as one byte stream, cut without regard for where they end. */
export function chunksOf(texts: readonly string[]): Buffer[] {
  const bytes = Buffer.from(texts.join(''));
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) chunks.push(bytes.subarray(at, at + chunkBytes));
  return chunks;
}
