// Thread: main
/** What XML costs: bytes to elements within limits, many stanzas to a chunk and one to a chunk. */
import { limits } from '../src/core/limits.ts';
import { seededRandom } from '../src/core/random.ts';
import { Traffic } from '../src/fake/traffic.ts';
import { StreamParser } from '../src/xmpp/stream-parser.ts';
import { benchComponent, benchDomain, chunksOf, publishTexts } from './publish-stanzas.ts';
import { measure } from './harness.ts';
import type { BenchFile, Mode, Result } from './harness.ts';

const header =
  "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' " +
  "from='push.example.net' id='1'>";

/** Parses all chunks and gives the number of stanzas found. */
export function parseOnly(chunks: readonly Uint8Array[]): number {
  let stanzas = 0;
  const parser = new StreamParser(
    { stanzaBytesMax: limits.stanzaBytesDefault },
    {
      opened: () => undefined,
      stanza: () => stanzas++,
      oversized: () => undefined,
      closed: () => undefined,
      failed: (condition) => {
        throw new Error(condition);
      },
    },
  );
  parser.write(Buffer.from(header));
  for (const chunk of chunks) parser.write(chunk);
  return stanzas;
}

async function run(mode: Mode): Promise<readonly Result[]> {
  const count = mode === 'smoke' ? 200 : 20_000;
  const traffic = new Traffic({
    profile: 'ejabberd',
    domain: benchDomain,
    component: benchComponent,
    random: seededRandom(5),
  });
  const texts = publishTexts(traffic.makeTargets(1_000), count);
  const task = (name: string, chunks: readonly Uint8Array[]) => ({
    name: `parse: publish IQ, ${name}`,
    operations: count,
    run() {
      const found = parseOnly(chunks);
      if (found !== count) throw new Error(`${found} of ${count} stanzas`);
    },
  });
  return measure('parse', mode, [
    task('chunks of 64 KiB', chunksOf(texts)),
    task(
      'one to a chunk',
      texts.map((text) => Buffer.from(text)),
    ),
  ]);
}

export const parseBench: BenchFile = { name: 'parse', run };
