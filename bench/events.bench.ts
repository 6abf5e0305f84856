// Thread: main
/**
 * The XMPP server's half of a push: message events to an embedded engine, decision, a look into a store with a million
 * registrations, publish on a virtual host of ours, and a provider that accepts at once; against the core of the same
 * engine in the same run. And what those registrations cost the process while nobody writes to their owners.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { noPreferences } from '../src/core/enabled.ts';
import { epochMs, parseNodeId } from '../src/core/ids.ts';
import { bareJID } from '../src/core/jid.ts';
import { seededRandom } from '../src/core/random.ts';
import { systemClock } from '../src/core/clock.ts';
import { enabledFile } from '../src/storage/open-enabled-store.ts';
import { LmdbEnabledStore } from '../src/storage/lmdb-enabled-store.ts';
import { coreTask, feedSize, startBenchEngine, windowSize } from './engine-bench.ts';
import { measure, ratioOf } from './harness.ts';
import { benchDomain } from './publish-stanzas.ts';
import type { BenchFile, Mode, Ratio, Result, Task } from './harness.ts';
import type { EnabledRegistration, EventInput, EventResult, MessageInput } from '../src/index.ts';

const batchesPerCall = 125;
const rowsToCommit = 8_192;
const mapBytes = 2 ** 30;
const service = 'push.@HOST@';

/** What a MongooseIM client enables: its device travels in the publish-options. */
function rowAt(index: number, token: string): EnabledRegistration {
  const owner = bareJID(userAt(index));
  const pushService = bareJID(service.replace('@HOST@', benchDomain));
  const node = parseNodeId(`device-${index}`);
  if (!owner.ok || !pushService.ok || !node.ok) throw new Error('the bench made a row that is none');
  return {
    owner: owner.value,
    service: pushService.value,
    node: node.value,
    options: [
      ['service', index % 2 === 0 ? 'apns' : 'fcm'],
      ['device_id', token],
    ],
    session: 'phone',
    preferences: noPreferences,
    enabledAtMs: epochMs(systemClock.now()),
  };
}

function userAt(index: number): string {
  return `user${index}@${benchDomain}`;
}

/** Bytes of the JavaScript heap and of what it holds outside of it; the mapped file is the store's. */
function processBytes(): number {
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

interface Loaded {
  readonly store: LmdbEnabledStore;
  readonly ratios: readonly Ratio[];
}

/** A store of so many owners with one registration each, as an engine finds it when it starts. */
async function loadedStore(path: string, rows: number): Promise<Loaded> {
  const random = seededRandom(11);
  let before = 0;
  const loading = new LmdbEnabledStore({ path, mapBytes });
  for (let from = 0; from < rows; from += rowsToCommit) {
    const length = Math.min(rowsToCommit, rows - from);
    await loading.writeMany(
      Array.from({ length }, (_, index) => ({
        kind: 'put',
        row: rowAt(from + index, random.bytes(32).toString('hex')),
      })),
    );
    // What a store needs once, whatever is in it, is not what a row costs.
    if (from === 0) before = processBytes();
  }
  const afterLoading = processBytes() - before;
  if ((await loading.count()) !== rows) throw new Error('the store has lost rows');
  await loading.close();
  const closed = processBytes();
  const store = new LmdbEnabledStore({ path, mapBytes });
  const afterOpening = processBytes() - closed;
  const fileBytes = statSync(path).size;
  return {
    store,
    ratios: [
      ratioOf('stored/all-bytes, after loading', shareOf(fileBytes, afterLoading), 0.99),
      ratioOf('stored/all-bytes, opened and idle', shareOf(fileBytes, afterOpening), 0.99),
    ],
  };
}

/** 1: nothing but the store. */
function shareOf(fileBytes: number, growth: number): number {
  return fileBytes / (fileBytes + Math.max(0, growth));
}

interface Feeding {
  readonly name: string;
  readonly batches: number;
  readonly eventAt: (number: number) => MessageInput;
  readonly isRight: (result: EventResult) => boolean;
  readonly give: (events: readonly EventInput[]) => Promise<readonly EventResult[]>;
}

/** Batches of events, `windowSize` events waiting at any time; throws unless each ends as it should. */
function eventTask({ name, batches, eventAt, isRight, give }: Feeding): Task {
  let made = 0;
  const feed = async (share: number): Promise<void> => {
    for (let batch = 0; batch < share; batch++) {
      const events: MessageInput[] = [];
      for (let index = 0; index < feedSize; index++) events.push(eventAt(made++));
      for (const result of await give(events)) {
        if (!isRight(result)) throw new Error(`${name}: an event ended as ${JSON.stringify(result)}`);
      }
    }
  };
  const feeders = Math.min(batches, windowSize / feedSize);
  return {
    name,
    operations: batches * feedSize,
    run: () =>
      Promise.all(
        Array.from({ length: feeders }, (_, index) => feed(Math.floor((batches + feeders - 1 - index) / feeders))),
      ),
  };
}

function isAccepted(result: EventResult): boolean {
  return result.kind === 'pushed' && result.publishes.every(({ outcome }) => outcome.kind === 'accepted');
}

function isOnline(result: EventResult): boolean {
  return result.kind === 'skipped' && result.reason === 'the user is online';
}

async function run(mode: Mode): Promise<readonly Result[]> {
  const users = mode === 'smoke' ? 200 : 1_000_000;
  const batches = mode === 'smoke' ? 4 : batchesPerCall;
  const folder = mkdtempSync(join(tmpdir(), 'meerkat-bench-'));
  const { store, ratios } = await loadedStore(join(folder, enabledFile), users);
  const bench = await startBenchEngine(
    [{ name: 'blackhole', kind: 'blackhole', services: ['apns', 'fcm'] }],
    mode === 'smoke' ? 20 : 5_000,
    { push: { virtual_hosts: [service] }, enabledStore: store },
  );
  const random = seededRandom(5);
  const messageTo =
    (userStatus: 'offline' | 'online') =>
    (number: number): MessageInput => ({
      id: `${userStatus}-${number}`,
      from: `juliet${number % 1_000}@example.org/balcony`,
      to: userAt(Math.floor(random.unit() * users)),
      type: 'chat',
      body: 'See you at eight, bring the blue folder',
      userStatus,
    });
  const give = (events: readonly EventInput[]): Promise<readonly EventResult[]> => bench.engine.onEvents(events);
  const [core, events, online] = await measure('events', mode, [
    coreTask('events: the core, wire text to reply text', bench, batches * feedSize),
    eventTask({
      name: 'events: message event to publish on a virtual host',
      batches,
      eventAt: messageTo('offline'),
      isRight: isAccepted,
      give,
    }),
    eventTask({
      name: 'events: message event to a user who is online',
      batches,
      eventAt: messageTo('online'),
      isRight: isOnline,
      give,
    }),
  ]);
  await bench.stop();
  rmSync(folder, { recursive: true, force: true });
  if (core === undefined || events === undefined || online === undefined) throw new Error('a task is missing');
  return [
    core,
    events,
    online,
    ratioOf('events/core', events.opsPerSecond / core.opsPerSecond, 0.6),
    ratioOf('online/events', online.opsPerSecond / events.opsPerSecond, 3),
    ratioOf('online/core', online.opsPerSecond / core.opsPerSecond, 1.8),
    ...ratios,
  ];
}

export const eventsBench: BenchFile = { name: 'events', run };
