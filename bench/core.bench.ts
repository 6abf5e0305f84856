// Thread: main
/**
 * The notification core: wire text, parse, shard, batch, publishing thread, reply text, with a provider that accepts at
 * once; against the parsing alone of the same bytes in the same run.
 */
import { parseOnly } from './parse.bench.ts';
import { feedAll, feedSize, piecesOf, startBenchEngine } from './engine-bench.ts';
import { measure, ratioOf } from './harness.ts';
import { publishTexts } from './publish-stanzas.ts';
import type { BenchFile, Mode, Result } from './harness.ts';

const perCall = 125 * feedSize;
// A tenth of a second of waiting publishes at 5 000 a second; well under every mailbox, so that nothing is refused.
const window = 512;

async function run(mode: Mode): Promise<readonly Result[]> {
  const count = mode === 'smoke' ? 4 * feedSize : perCall;
  const bench = await startBenchEngine(
    [{ name: 'blackhole', kind: 'blackhole', services: ['apns', 'fcm'] }],
    mode === 'smoke' ? 20 : 5_000,
  );
  const pieces = piecesOf(publishTexts(bench.targets, count));
  const rows = await measure('core', mode, [
    {
      name: 'core: parse alone',
      operations: count,
      run() {
        const found = parseOnly(pieces);
        if (found !== count) throw new Error(`${found} of ${count} stanzas`);
      },
    },
    {
      name: 'core: wire text to reply text',
      operations: count,
      run: () => feedAll(bench.stream, pieces, window),
    },
  ]);
  await bench.stop();
  const [parse, core] = rows;
  if (parse === undefined || core === undefined) throw new Error('a task is missing');
  return [...rows, ratioOf('core/parse', core.opsPerSecond / parse.opsPerSecond, 0.6)];
}

export const coreBench: BenchFile = { name: 'core', run };
