// Thread: main
/**
 * The XMPP server's half of a push: message events to an embedded engine, decision, a look into a store with a million
 * registrations, publish on a virtual host of ours, and a provider that accepts at once; against the core of the same
 * engine in the same run. And what those registrations cost the process while nobody writes to their owners.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noPreferences } from '../src/core/enabled.ts';
import { epochMs, parseNodeId } from '../src/core/ids.ts';
import { bareJID } from '../src/core/jid.ts';
import { seededRandom } from '../src/core/random.ts';
import { systemClock } from '../src/core/clock.ts';
import { enabledFile } from '../src/storage/open-enabled-store.ts';
import { LmdbEnabledStore } from '../src/storage/lmdb-enabled-store.ts';
import { processBytes } from './process-bytes.ts';
import { coreTask, feedSize, startBenchEngine, windowSize } from './engine-bench.ts';
import { measure, ratioOf } from './harness.ts';
import { benchDomain } from './publish-stanzas.ts';
import type { BenchEngine } from './engine-bench.ts';
import type { BenchFile, Mode, Ratio, Result, Task } from './harness.ts';
import type { EnabledRegistration, EventInput, EventResult, MessageInput } from '../src/index.ts';

const rowsToCommit = 8_192;
const mapBytes = 2 ** 30;
const service = 'push.@HOST@';
const session = 'phone';
const body = 'See you at eight, bring the blue folder';
// Recipients drawn at random from all users: their rows are on most pages of the file.
const partiesMax = 131_072;
const usersOnline = 50_000;

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
    session,
    preferences: noPreferences,
    enabledAtMs: epochMs(systemClock.now()),
  };
}

function userAt(index: number): string {
  return `user${index}@${benchDomain}`;
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
  readonly bench: BenchEngine;
  readonly batches: number;
  /** Recipients are drawn from the first so many of the users. */
  readonly users: number;
  readonly userStatus: 'offline' | 'online' | 'unknown';
  readonly isRight: (result: EventResult) => boolean;
}

/** Batches of events, `windowSize` events waiting at any time; throws unless each ends as it should. */
function eventTask(what: string, { bench, batches, users, userStatus, isRight }: Feeding): Task {
  const drawn = drawnParties(users);
  let made = 0;
  const feed = async (share: number): Promise<void> => {
    for (let batch = 0; batch < share; batch++) {
      const events: MessageInput[] = [];
      for (let index = 0; index < feedSize; index++) {
        const parties = drawn[made % drawn.length];
        if (parties === undefined) throw new Error('nobody was drawn');
        events.push({ id: `${userStatus}${made++}`, ...parties, type: 'chat', body, userStatus });
      }
      for (const result of await bench.engine.onEvents(events)) {
        if (!isRight(result)) throw new Error(`${what}: an event ended as ${JSON.stringify(result)}`);
      }
    }
  };
  const feeders = Math.min(batches, windowSize / feedSize);
  const shares = Array.from({ length: feeders }, (_, index) => Math.floor((batches + index) / feeders));
  return { name: `events: ${what}`, operations: batches * feedSize, run: () => Promise.all(shares.map(feed)) };
}

/** Senders and recipients as a program has them that reads JSON: in one piece, not put together of parts. */
function drawnParties(users: number): readonly Pick<MessageInput, 'from' | 'to'>[] {
  const random = seededRandom(5);
  const flat = (text: string): string => Buffer.from(text).toString('latin1');
  return Array.from({ length: partiesMax }, (_, index) => ({
    from: flat(`juliet${index % 1_000}@example.org/balcony`),
    to: flat(userAt(Math.floor(random.unit() * users))),
  }));
}

/** One session each, that of the registration. */
async function noteOnline({ engine }: BenchEngine, users: number): Promise<void> {
  for (let from = 0; from < users; from += rowsToCommit) {
    const events = Array.from({ length: Math.min(rowsToCommit, users - from) }, (_, index): EventInput => ({
      kind: 'status',
      jid: `${userAt(from + index)}/${session}`,
      status: 'online',
    }));
    for (const { kind } of await engine.onEvents(events)) if (kind !== 'noted') throw new Error(`a status is ${kind}`);
  }
}

function isAccepted(result: EventResult): boolean {
  return result.kind === 'pushed' && result.publishes.every(({ outcome }) => outcome.kind === 'accepted');
}

function isSkipped(reason: string): (result: EventResult) => boolean {
  return (result) => result.kind === 'skipped' && result.reason === reason;
}

async function run(mode: Mode): Promise<readonly Result[]> {
  const users = mode === 'smoke' ? 200 : 1_000_000;
  const batches = mode === 'smoke' ? 4 : 125;
  const folder = mkdtempSync(join(tmpdir(), 'meerkat-bench-'));
  const { store, ratios } = await loadedStore(join(folder, enabledFile), users);
  const bench = await startBenchEngine(
    [{ name: 'blackhole', kind: 'blackhole', services: ['apns', 'fcm'] }],
    mode === 'smoke' ? 20 : 5_000,
    { push: { virtual_hosts: [service] }, enabledStore: store },
  );
  const of = { bench, batches, users };
  const [core, events, online] = await measure('events', mode, [
    coreTask('events: the core, wire text to reply text', bench, batches * feedSize),
    eventTask('message event to publish on a virtual host', { ...of, userStatus: 'offline', isRight: isAccepted }),
    eventTask('message event to a user who is online', {
      ...of,
      userStatus: 'online',
      isRight: isSkipped('the user is online'),
    }),
  ]);
  const known = Math.min(users, usersOnline);
  await noteOnline(bench, known);
  const [present] = await measure('events', mode, [
    eventTask('message event to a user whose session is known', {
      ...of,
      users: known,
      userStatus: 'unknown',
      isRight: isSkipped('its session is online'),
    }),
  ]);
  await bench.stop();
  rmSync(folder, { recursive: true, force: true });
  if (core === undefined || events === undefined || online === undefined || present === undefined) {
    throw new Error('a task is missing');
  }
  return [
    core,
    events,
    online,
    present,
    ratioOf('events/core', events.opsPerSecond / core.opsPerSecond, 0.6),
    ratioOf('online/events', online.opsPerSecond / events.opsPerSecond, 3),
    ratioOf('online/core', online.opsPerSecond / core.opsPerSecond, 1.8),
    ratioOf('present/core', present.opsPerSecond / core.opsPerSecond, 1.8),
    ...ratios,
  ];
}

export const eventsBench: BenchFile = { name: 'events', run };
