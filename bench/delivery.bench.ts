// Thread: main
/**
 * The engine as a push library: `publishMany` in batches, publishing thread, APNs over TLS to another process,
 * outcomes; against `@parse/node-apn` with the same notifications and the same gateway in the same run.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEngine } from '../src/index.ts';
import { startAnswering } from './bench-gateway.ts';
import { apnsProvider } from './gateway-engine.ts';
import { ratioOf } from './harness.ts';
import { sustainNodeApn, textOf, title } from './node-apn.ts';
import { cpuOf, measureWindow, medianBy, middleRow, nextTurn, rateOf } from './sustained.ts';
import type { AnsweringProcess } from './bench-gateway.ts';
import type { BenchFile, Mode, Result } from './harness.ts';
import type { Sustained, Window } from './sustained.ts';
import type { Engine, PublishRequest } from '../src/index.ts';

interface Parameters extends Window {
  readonly rounds: number;
  readonly batchSize: number;
  readonly batchesInFlight: number;
}

const parameters: Readonly<Record<Mode, Parameters>> = {
  smoke: { rounds: 1, warmupMs: 0, measureMs: 200, batchSize: 32, batchesInFlight: 2 },
  // Together as many as the provider's credit (default 2048).
  real: { rounds: 3, warmupMs: 1_500, measureMs: 3_000, batchSize: 256, batchesInFlight: 8 },
};

async function run(mode: Mode): Promise<readonly Result[]> {
  const given = parameters[mode];
  const gateway = await startAnswering();
  const dataDir = mkdtempSync(join(tmpdir(), 'meerkat-bench-'));
  const engine = await startEngine(gateway, dataDir);
  const mine: Sustained[] = [];
  const theirs: Sustained[] = [];
  for (let round = 0; round < given.rounds; round++) {
    mine.push(await sustainEngine(engine, gateway, given));
    theirs.push(await sustainNodeApn(gateway, given));
  }
  await engine.stop(1_000);
  await gateway.stop();
  rmSync(dataDir, { recursive: true, force: true });
  const rate = medianBy(mine, rateOf) / medianBy(theirs, rateOf);
  const cpu = medianBy(theirs, cpuOf) / medianBy(mine, cpuOf);
  return [
    middleRow('delivery', 'delivery: publishMany to outcomes', mine),
    middleRow('delivery', 'delivery: @parse/node-apn', theirs),
    ratioOf('delivery-rate/node-apn', rate, 4),
    ratioOf('delivery-cpu/node-apn', cpu, 6),
  ];
}

async function startEngine(gateway: AnsweringProcess, dataDir: string): Promise<Engine> {
  const engine = await createEngine({
    engine: { data_dir: dataDir, log_level: 'silent' },
    registrations: { shards: 1, map_bytes: 16_777_216 },
    workers: { threads: 1 },
    providers: [apnsProvider(gateway)],
  });
  await engine.start();
  return engine;
}

/** Throws unless every notification is accepted, and the gateway has seen each once. */
async function sustainEngine(engine: Engine, gateway: AnsweringProcess, given: Parameters): Promise<Sustained> {
  const { batchSize, batchesInFlight } = given;
  const seenBefore = await gateway.requests();
  const load = { ended: 0, stopping: false };
  const publishInTurn = async (first: number): Promise<void> => {
    for (let number = first; !load.stopping; number += batchesInFlight * batchSize) {
      const outcomes = await engine.publishMany(batch(gateway, number, batchSize));
      for (const outcome of outcomes) if (outcome.kind !== 'accepted') throw new Error(JSON.stringify(outcome));
      load.ended += outcomes.length;
    }
  };
  const publishing = Promise.all(
    Array.from({ length: batchesInFlight }, (_, index) => publishInTurn(index * batchSize)),
  );
  while (load.ended === 0) await Promise.race([nextTurn(), publishing]);
  const result = await measureWindow(() => load.ended, given);
  load.stopping = true;
  await publishing;
  const seen = (await gateway.requests()) - seenBefore;
  if (seen !== load.ended) throw new Error(`${load.ended} outcomes, but the gateway has seen ${seen} requests`);
  return result;
}

function batch({ tokens, key }: AnsweringProcess, first: number, size: number): readonly PublishRequest[] {
  return Array.from({ length: size }, (_, index) => ({
    service: 'apns',
    token: tokens[(first + index) % tokens.length] ?? '',
    topic: key.topic,
    title,
    body: textOf(first + index),
    badge: 3,
    sound: 'default',
    thread: title,
  }));
}

export const deliveryBench: BenchFile = { name: 'delivery', run };
