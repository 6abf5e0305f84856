// Thread: main
/**
 * The notification core: wire text, parse, shard, batch, publishing thread, reply text, with a provider that accepts at
 * once; against the parsing alone of the same bytes in the same run.
 */
import { Parser } from '@xmpp/xml';
import { parseOnly } from './parse.bench.ts';
import { coreTask, feedSize, piecesOf, startBenchEngine } from './engine-bench.ts';
import { measure, ratioOf } from './harness.ts';
import { publishTexts } from './publish-stanzas.ts';
import type { BenchFile, Mode, Result } from './harness.ts';

const perCall = 125 * feedSize;

/**
 * What the library alone does with the same bytes, for comparison: our parser builds the same tree, within limits, and
 * is quicker. A parser for each piece, because it keeps every stanza it has read.
 */
function parseWithoutLimits(pieces: readonly Buffer[]): number {
  let stanzas = 0;
  for (const piece of pieces) {
    const parser = new Parser();
    parser.on('element', () => stanzas++);
    parser.write("<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams'>");
    parser.write(piece.toString('utf8'));
  }
  return stanzas;
}

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
      name: 'core: parse alone, by @xmpp/xml without limits',
      operations: count,
      run() {
        const found = parseWithoutLimits(pieces);
        if (found !== count) throw new Error(`${found} of ${count} stanzas`);
      },
    },
    coreTask('core: wire text to reply text', bench, count),
  ]);
  await bench.stop();
  const [parse, , core] = rows;
  if (parse === undefined || core === undefined) throw new Error('a task is missing');
  return [...rows, ratioOf('core/parse', core.opsPerSecond / parse.opsPerSecond, 0.6)];
}

export const coreBench: BenchFile = { name: 'core', run };
