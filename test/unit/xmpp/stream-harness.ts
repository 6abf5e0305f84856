/**
 * A component stream between a fake server on loopback and an owner that records everything. The owner's mailbox is an
 * array that is emptied in a later turn, or by hand.
 */
import type { TestContext } from 'node:test';
import type { ServerConfig } from '../../../config/engine-config.ts';
import { systemClock } from '../../../src/core/clock.ts';
import type { Clock } from '../../../src/core/clock.ts';
import type { Logger } from '../../../src/core/log.ts';
import { seededRandom } from '../../../src/core/random.ts';
import type { Random } from '../../../src/core/random.ts';
import { FakeXmppServer } from '../../../src/fake/xmpp-server.ts';
import type { FakeXmppServerOptions } from '../../../src/fake/xmpp-server.ts';
import { ComponentStream } from '../../../src/xmpp/component-stream.ts';
import type { ComponentStreamOwner } from '../../../src/xmpp/component-stream.ts';
import type { XmlElement } from '../../../src/xmpp/xml.ts';

export const domain = 'push.example.com';
export const secret = 'very-secret-of-the-lab';

export class RecordingOwner implements ComponentStreamOwner {
  readonly events: string[] = [];
  readonly stanzas: XmlElement[] = [];
  readonly mailbox: Uint8Array[] = [];
  capacity = 64;
  /** False: `drain` is called by the test. */
  drains = true;
  stopped = false;
  #watchers: { readonly done: () => boolean; readonly resolve: () => void }[] = [];

  offer(stream: ComponentStream, bytes: Uint8Array): 'accepted' | 'full' | 'stopped' {
    if (this.stopped) return 'stopped';
    if (this.mailbox.length >= this.capacity) {
      this.#note('full');
      return 'full';
    }
    this.mailbox.push(bytes);
    if (this.drains) systemClock.soon(() => this.drain(stream));
    this.#changed();
    return 'accepted';
  }

  drain(stream: ComponentStream): void {
    for (const bytes of this.mailbox.splice(0)) stream.parse(bytes);
    this.#changed();
  }

  online(): void {
    this.#note('online');
  }

  offline(_: ComponentStream, reason: string): void {
    this.#note(`offline: ${reason}`);
  }

  stanza(_: ComponentStream, element: XmlElement): void {
    this.stanzas.push(element);
    this.#changed();
  }

  oversized(_: ComponentStream, start: XmlElement, reason: string): void {
    this.#note(`oversized ${start.name}: ${reason}`);
  }

  when(done: () => boolean): Promise<void> {
    if (done()) return Promise.resolve();
    return new Promise((resolve) => this.#watchers.push({ done, resolve }));
  }

  has(event: string): boolean {
    return this.events.some((seen) => seen.startsWith(event));
  }

  count(event: string): number {
    return this.events.filter((seen) => seen.startsWith(event)).length;
  }

  /** The logger reports here too: a refusal before `online` reaches the owner in no other way. */
  log(level: string, fields: Readonly<Record<string, unknown>>, message: string): void {
    this.#note(`${level}: ${message} ${JSON.stringify(fields)}`);
  }

  #note(event: string): void {
    this.events.push(event);
    this.#changed();
  }

  #changed(): void {
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const watcher of watchers) {
      if (watcher.done()) watcher.resolve();
      else this.#watchers.push(watcher);
    }
  }
}

export interface World {
  readonly server: FakeXmppServer;
  readonly owner: RecordingOwner;
  readonly stream: ComponentStream;
  readonly port: number;
}

export interface WorldOptions {
  readonly server?: Partial<FakeXmppServerOptions>;
  readonly config?: Partial<ServerConfig>;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly ca?: string;
}

export function serverConfig(port: number, changes: Partial<ServerConfig> = {}): ServerConfig {
  return {
    name: 'lab',
    host: '127.0.0.1',
    port,
    domain,
    secret,
    connections: 1,
    allowMultiple: false,
    tls: { mode: 'off', caFile: '', servername: '' },
    allowPlaintext: true,
    stanzaBytesMax: 262_144,
    errorProfile: 'common',
    delegatedDomains: [],
    ...changes,
  };
}

export async function setup(t: TestContext, options: WorldOptions = {}): Promise<World> {
  const server = new FakeXmppServer({ components: { [domain]: secret }, random: seededRandom(7), ...options.server });
  const port = await server.start();
  const owner = new RecordingOwner();
  const stream = streamTo(serverConfig(port, options.config), owner, options);
  t.after(async () => {
    await server.stop();
    owner.stopped = true;
    await stream.close();
  });
  return { server, owner, stream, port };
}

export function streamTo(config: ServerConfig, owner: RecordingOwner, options: WorldOptions = {}): ComponentStream {
  return new ComponentStream({
    server: config,
    index: 0,
    clock: options.clock ?? systemClock,
    random: options.random ?? seededRandom(1),
    logger: loggerTo(owner),
    owner,
    ca: options.ca ?? '',
  });
}

function loggerTo(owner: RecordingOwner): Logger {
  const at = (level: string) => (fields: Readonly<Record<string, unknown>>, message: string) =>
    owner.log(level, fields, message);
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** For what tells nobody: asks again in every turn of the event loop, until the test's own deadline. */
export async function eventually(done: () => boolean): Promise<void> {
  while (!done()) await new Promise<void>((resolve) => systemClock.soon(resolve));
}

/** Back-off of nothing: the next attempt comes in the next turn. */
export const noWait: Random = { unit: () => 0, bytes: (count) => Buffer.alloc(count), uuid: () => '' };
