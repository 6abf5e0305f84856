// Thread: main
/**
 * An engine for benchmarks: registered users, real shards on LMDB, real publishing threads, no network on the XMPP
 * side.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { registeredTarget } from '../src/fake/traffic.ts';
import { createEngine } from '../src/index.ts';
import { limits } from '../src/core/limits.ts';
import { benchComponent, chunksOf, publishTexts, registerTexts } from './publish-stanzas.ts';
import { measureWindow } from './sustained.ts';
import { WireStream } from './wire-stream.ts';
import type { Task } from './harness.ts';
import type { Sustained, Window } from './sustained.ts';
import type { EngineConfigInput } from '../config/provider-schema.ts';
import type { Engine } from '../src/engine.ts';
import type { PushTarget } from '../src/fake/traffic.ts';
import type { EnabledStore } from '../src/storage/enabled-store.ts';

export const feedSize = 64;
// A tenth of a second of waiting publishes at 5 000 a second; well under every mailbox, so that nothing is refused.
export const windowSize = 512;

export interface BenchEngine {
  readonly engine: Engine;
  readonly stream: WireStream;
  /** In the order of the users. */
  readonly targets: readonly PushTarget[];
  stop(): Promise<void>;
}

/** What the bench of events needs besides: the XMPP server's half of a push. */
export interface PushHalf {
  readonly push: NonNullable<EngineConfigInput['push']>;
  /** Closed by `stop`. */
  readonly enabledStore: EnabledStore;
}

/** @param providers at least one that serves APNs and one that serves FCM. */
export async function startBenchEngine(
  providers: NonNullable<EngineConfigInput['providers']>,
  users: number,
  half?: PushHalf,
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
      ...(half === undefined ? {} : { push: half.push }),
    },
    {
      ...(half === undefined ? {} : { enabledStore: half.enabledStore }),
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
  const targets = stream.answers
    .splice(0)
    .toSorted(byUser)
    .flatMap((answer) => registeredTarget(answer) ?? []);
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

/** Shards answer in an order of their own; users with even numbers have Apple's devices. */
function byUser(left: string, right: string): number {
  const number = (answer: string): number => Number(/id='reg-(\d+)'/.exec(answer)?.[1]);
  return number(left) - number(right);
}

/** Publishes in pieces of 64: about what one read of a busy server's socket brings. */
export function piecesOf(texts: readonly string[]): Buffer[] {
  return Array.from({ length: texts.length / feedSize }, (_, index) =>
    Buffer.from(texts.slice(index * feedSize, (index + 1) * feedSize).join('')),
  );
}

/** Publishes of registered users from wire text to reply text, each answered with a result. */
export function coreTask(name: string, { stream, targets }: BenchEngine, count: number): Task {
  const pieces = piecesOf(publishTexts(targets, count));
  return { name, operations: count, run: () => feedAll(stream, pieces, windowSize) };
}

/**
 * Feeds all pieces with at most `window` publishes waiting for their answers, as a server that is not ahead of us does;
 * throws unless every one of them is answered with a result.
 */
async function feedAll(stream: WireStream, pieces: readonly Uint8Array[], window: number): Promise<void> {
  const [results, errors] = [stream.results, stream.errors];
  const answered = (): number => stream.results - results + stream.errors - errors;
  const count = pieces.length * feedSize;
  let next = 0;
  await new Promise<void>((resolve) => {
    stream.answered = () => {
      while (next < pieces.length && next * feedSize - answered() <= window - feedSize) {
        const piece = pieces[next++];
        if (piece !== undefined) void stream.feed([piece], 0);
      }
      if (answered() === count) resolve();
    };
    stream.answered();
  });
  stream.answered = () => undefined;
  if (stream.errors !== errors) throw new Error(`${stream.errors - errors} of ${count} publishes failed`);
}

export interface Load extends Window {
  /** Publishes that wait for their answer at any time. */
  readonly window: number;
}

/**
 * Keeps the engine busy with a constant number of waiting publishes, and measures the middle of the run: neither the
 * start of connections nor the tail of slow answers counts. Throws unless every publish is answered with a result.
 */
export async function sustain({ stream, targets }: BenchEngine, load: Load): Promise<Sustained> {
  const chunks = piecesOf(publishTexts(targets, 100 * feedSize));
  const errorsBefore = stream.errors;
  const answersBefore = stream.results + stream.errors;
  const count = (): number => stream.results + stream.errors - answersBefore;
  let sent = 0;
  const fill = (): void => {
    while (sent - count() <= load.window - feedSize) {
      const chunk = chunks[(sent / feedSize) % chunks.length];
      if (chunk === undefined) return;
      sent += feedSize;
      void stream.feed([chunk], 0);
    }
  };
  await new Promise<void>((resolve) => {
    stream.answered = () => {
      stream.answered = fill; // the first answer: connections are open
      resolve();
    };
    fill();
  });
  fill();
  const measured = await measureWindow(count, load);
  await new Promise<void>((resolve) => {
    stream.answered = () => {
      if (count() >= sent) resolve();
    };
    stream.answered();
  });
  stream.answered = () => undefined;
  if (stream.errors > errorsBefore) throw new Error(`${stream.errors - errorsBefore} of ${sent} publishes failed`);
  return measured;
}
