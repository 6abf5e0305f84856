// Thread: main
/** An engine for benchmarks: registered users, real shards on LMDB, real publishing threads, no network on the XMPP side. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { registeredTarget } from '../src/fake/traffic.ts';
import { createEngine } from '../src/index.ts';
import { limits } from '../src/core/limits.ts';
import { benchComponent, chunksOf, publishTexts, registerTexts } from './publish-stanzas.ts';
import { WireStream } from './wire-stream.ts';
import type { EngineConfigInput } from '../config/provider-schema.ts';
import type { Engine } from '../src/engine.ts';
import type { PushTarget } from '../src/fake/traffic.ts';

export interface BenchEngine {
  readonly engine: Engine;
  readonly stream: WireStream;
  readonly targets: readonly PushTarget[];
  stop(): Promise<void>;
}

/** @param providers at least one that serves APNs and one that serves FCM. */
export async function startBenchEngine(
  providers: NonNullable<EngineConfigInput['providers']>,
  users: number,
): Promise<BenchEngine> {
  const dataDir = mkdtempSync(join(tmpdir(), 'meerkat-bench-'));
  let made: WireStream | undefined;
  const engine = await createEngine(
    {
      engine: { data_dir: dataDir, log_level: 'silent' },
      servers: [{ name: 'bench', host: '127.0.0.1', port: 5347, domain: benchComponent, secret: 'bench' }],
      registrations: { shards: 4, map_bytes: 268_435_456 },
      workers: { threads: 1 },
      providers,
    },
    {
      streams: (_server, owner) => {
        made = new WireStream(owner, limits.stanzaBytesDefault);
        return [made];
      },
    },
  );
  await engine.start();
  if (made === undefined) throw new Error('the engine made no stream');
  const stream = made;
  stream.keepAnswers = true;
  await stream.feed(chunksOf(registerTexts(users)), users);
  stream.keepAnswers = false;
  const targets = stream.answers.splice(0).flatMap((answer) => registeredTarget(answer) ?? []);
  if (targets.length !== users) throw new Error(`${targets.length} of ${users} users were registered`);
  return {
    engine,
    stream,
    targets,
    async stop() {
      await engine.stop(1_000);
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Feeds publishes and waits for all answers; throws unless every one of them is a result. */
export async function publishAll({ stream, targets }: BenchEngine, count: number): Promise<void> {
  const chunks = chunksOf(publishTexts(targets, count));
  await feedAll(stream, chunks, count);
}

export async function feedAll(stream: WireStream, chunks: readonly Uint8Array[], count: number): Promise<void> {
  const [results, errors] = [stream.results, stream.errors];
  await stream.feed(chunks, count);
  if (stream.errors !== errors || stream.results - results !== count) {
    throw new Error(`${stream.results - results} results, ${stream.errors - errors} errors of ${count} publishes`);
  }
}
