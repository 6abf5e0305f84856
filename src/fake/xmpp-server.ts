// Thread: any
/**
 * The server half of XEP-0114, after ejabberd or Prosody, on a real socket: what the demo, the benches and the tests
 * connect the engine to. Publishes and accounts for the answers; finds its streams as the profile does (xmpp 1.E).
 */
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { assert } from '../core/assert.ts';
import { systemClock } from '../core/clock.ts';
import type { Cancel, Clock } from '../core/clock.ts';
import { systemRandom } from '../core/random.ts';
import type { Random } from '../core/random.ts';
import { ns } from '../xmpp/namespaces.ts';
import { iqError, iqResult } from '../xmpp/stanza.ts';
import { stanzaErrors } from '../xmpp/stanza-errors.ts';
import { LoadRun } from './load-run.ts';
import type { FireOptions, FireReport } from './load-run.ts';
import { StanzaIds } from './stanza-ids.ts';
import { attributeOf, elementName } from './stanza-scanner.ts';
import { publishText } from './traffic.ts';
import { FakeXmppStream } from './xmpp-stream.ts';
import type { FakeBehaviour, ServerProfile } from './xmpp-stream.ts';

export interface FakeXmppServerOptions {
  readonly profile: ServerProfile;
  /** The server's own domain. */
  readonly domain: string;
  /** Component domain → secret. */
  readonly components: Readonly<Record<string, string>>;
  /** Prosody's answer to a second stream of one domain; ejabberd lets all of them in. */
  readonly conflict: 'kick_new' | 'kick_old';
  readonly clock: Clock;
  readonly random: Random;
  /** PEM; null = plain TCP. */
  readonly tls: { readonly key: string; readonly cert: string } | null;
}

export interface FakePublish {
  readonly node: string;
  /** `''` = no publish-options. */
  readonly secret?: string;
  readonly body?: string;
  readonly sender?: string;
}

export type FakeAnswer =
  | { readonly kind: 'result'; readonly xml: string }
  | { readonly kind: 'error'; readonly type: string; readonly condition: string; readonly xml: string }
  | { readonly kind: 'unanswered' };

export interface FakeServerCounters {
  connections: number;
  /** Answers of components, whoever asked. */
  results: number;
  errors: number;
  /** Answers that nobody waits for: second ones, late ones, or with an id of nobody. */
  unasked: number;
  unanswered: number;
}

interface Waiting {
  readonly answered: (answer: FakeAnswer) => void;
  readonly cancel: Cancel;
}

// What components sent besides answers, for tests; the oldest go first.
const receivedMax = 1000;
const answerMsDefault = 10_000;

export class FakeXmppServer {
  readonly counters: FakeServerCounters = { connections: 0, results: 0, errors: 0, unasked: 0, unanswered: 0 };
  readonly behaviour: FakeBehaviour = {
    header: true,
    acknowledge: true,
    streamId: null,
    withHandshake: '',
    pieceBytesMax: 0,
  };
  /** Stanzas of components that are no answers, and the oldest of them forgotten. */
  readonly received: string[] = [];
  readonly #options: FakeXmppServerOptions;
  readonly #ids: StanzaIds;
  readonly #sockets = new Set<Socket>();
  readonly #connected = new Set<FakeXmppStream>();
  #online: FakeXmppStream[] = [];
  readonly #waiting = new Map<string, Waiting>();
  #watchers: { readonly done: () => boolean; readonly resolve: () => void }[] = [];
  #run: LoadRun | null = null;
  #server: Server | null = null;

  constructor(options: Partial<FakeXmppServerOptions> & Pick<FakeXmppServerOptions, 'components'>) {
    this.#options = {
      profile: 'ejabberd',
      domain: 'example.com',
      conflict: 'kick_new',
      clock: systemClock,
      random: systemRandom,
      tls: null,
      ...options,
    };
    this.#ids = new StanzaIds(this.#options.profile, this.#options.random);
  }

  /** Streams past their handshake, oldest first. */
  get online(): readonly FakeXmppStream[] {
    return this.#online;
  }

  /** All streams, those before the handshake included. */
  get connected(): readonly FakeXmppStream[] {
    return [...this.#connected];
  }

  /** @returns the port. */
  start(port = 0, host = '127.0.0.1'): Promise<number> {
    const { tls } = this.#options;
    const server = tls === null ? createServer() : createTlsServer({ key: tls.key, cert: tls.cert });
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on(tls === null ? 'connection' : 'secureConnection', (socket: Socket) => {
      this.counters.connections++;
      this.#connected.add(this.#stream(socket));
      this.#changed();
    });
    server.on('tlsClientError', () => undefined); // the client says what it did not like
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        resolve(portOf(server));
      });
    });
  }

  /** Closes the door and every stream without a word. Starting again on the same port is a restart of the server. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    for (const socket of this.#sockets) socket.destroy(); // those in the middle of a TLS handshake too
    for (const [id, waiting] of this.#waiting) {
      waiting.cancel();
      this.#waiting.delete(id);
      waiting.answered({ kind: 'unanswered' });
    }
    await closed;
  }

  whenOnline(count = 1): Promise<void> {
    return this.when(() => this.#online.length >= count);
  }

  /** Resolves as soon as `done` answers true; asked after every connection, loss, and stanza received. */
  when(done: () => boolean): Promise<void> {
    if (done()) return Promise.resolve();
    return new Promise((resolve) => this.#watchers.push({ done, resolve }));
  }

  /** Raw text to one stream, chosen as the server would. False: there is none. */
  send(text: string): boolean {
    const stream = this.#pick();
    stream?.write(text);
    return stream !== undefined;
  }

  /** Sends a stanza that carries `id`, and waits for its answer. */
  request(id: string, stanza: string, answerMs: number = answerMsDefault): Promise<FakeAnswer> {
    const answer = this.answerTo(id, answerMs);
    this.send(stanza);
    return answer;
  }

  /** The answer to a stanza that is sent by other means. */
  answerTo(id: string, answerMs: number = answerMsDefault): Promise<FakeAnswer> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(answerMs, () => {
        this.#waiting.delete(id);
        this.counters.unanswered++;
        resolve({ kind: 'unanswered' });
      });
      this.#waiting.set(id, { answered: resolve, cancel });
    });
  }

  /** A publish as this server's XEP-0357 module sends it. */
  publish(publish: FakePublish, answerMs: number = answerMsDefault): Promise<FakeAnswer> {
    const id = this.newId();
    const stanza = publishText(this.#options.profile, {
      id,
      from: this.#options.domain,
      to: this.#online[0]?.domain ?? '',
      node: publish.node,
      secret: publish.secret ?? '',
      body: publish.body ?? 'New message',
      sender: publish.sender ?? '',
      messageCount: 1,
    });
    return this.request(id, stanza, answerMs);
  }

  /** Many stanzas, each accounted for; one run at a time. */
  async fire(options: FireOptions, makeStanza: (id: string, index: number) => string): Promise<FireReport> {
    assert(this.#run === null, 'one run at a time');
    const run = new LoadRun(
      {
        clock: this.#options.clock,
        write: (count, make) => this.#writeBatch(count, make),
        newId: () => this.newId(),
        makeStanza,
      },
      options,
    );
    this.#run = run;
    const report = await run.finished;
    this.#run = null;
    return report;
  }

  /** The figures of the run so far; null when none is under way. */
  get progress(): FireReport | null {
    return this.#run?.progress ?? null;
  }

  /** Ends the run early: what was sent is still accounted for. */
  finish(): void {
    this.#run?.finish();
  }

  /** An IQ id in the format of the server, never used before. */
  newId(): string {
    return this.#ids.next();
  }

  #stream(socket: Socket): FakeXmppStream {
    const { profile, domain, clock, random, components } = this.#options;
    return new FakeXmppStream(
      {
        profile,
        domain,
        clock,
        random,
        behaviour: this.behaviour,
        secretOf: (component) => (Object.hasOwn(components, component) ? components[component] : undefined),
        admit: (stream) => this.#admit(stream),
        element: (stream, text) => this.#element(stream, text),
        greeted: () => this.#changed(),
        gone: (stream) => this.#gone(stream),
      },
      socket,
    );
  }

  #admit(stream: FakeXmppStream): { readonly conflict: string } {
    const holders = this.#online.filter((other) => other.domain === stream.domain);
    if (this.#options.profile === 'prosody' && holders.length > 0) {
      if (this.#options.conflict === 'kick_new') return { conflict: 'Component already connected' };
      for (const holder of holders) {
        holder.streamError('conflict', 'Replaced by a new connection');
        this.#online = this.#online.filter((other) => other !== holder);
      }
    }
    if (this.behaviour.acknowledge) {
      this.#online.push(stream);
      this.#options.clock.soon(() => this.#changed()); // once the acknowledgement is written
    }
    return { conflict: '' };
  }

  #gone(stream: FakeXmppStream): void {
    this.#connected.delete(stream);
    this.#online = this.#online.filter((other) => other !== stream);
    this.#changed();
  }

  #changed(): void {
    if (this.#watchers.length === 0) return;
    const still = this.#watchers.filter((watcher) => !watcher.done());
    const done = this.#watchers.filter((watcher) => !still.includes(watcher));
    this.#watchers = still;
    for (const watcher of done) watcher.resolve();
  }

  /** ejabberd takes any stream at random; the others have one. */
  #pick(): FakeXmppStream | undefined {
    const count = this.#online.length;
    return count < 2 ? this.#online[0] : this.#online[Math.floor(this.#options.random.unit() * count)];
  }

  #writeBatch(count: number, makeStanza: (index: number) => string): boolean {
    const streams = this.#online;
    if (streams.length === 0 || streams.some((stream) => !stream.writable)) return false;
    const texts = streams.map(() => '');
    for (let index = 0; index < count; index++) {
      const chosen = texts.length === 1 ? 0 : Math.floor(this.#options.random.unit() * texts.length);
      texts[chosen] += makeStanza(index);
    }
    streams.forEach((stream, index) => {
      const text = texts[index] ?? '';
      if (text !== '') stream.write(text);
    });
    return true;
  }

  #element(stream: FakeXmppStream, text: string): void {
    if (elementName(text) === 'iq') {
      const type = attributeOf(text, 'type') ?? '';
      if (type === 'result' || type === 'error') {
        this.#answered(text, type);
        return;
      }
      this.#question(stream, text);
    }
    this.received.push(text);
    if (this.received.length > receivedMax) this.received.shift();
    this.#changed();
  }

  #answered(text: string, type: 'result' | 'error'): void {
    const id = attributeOf(text, 'id') ?? '';
    const error = type === 'error' ? errorOf(text) : null;
    if (error === null) this.counters.results++;
    else this.counters.errors++;
    if (this.#run?.settle(id, error?.type ?? '', error?.condition ?? '') === true) return;
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) {
      this.counters.unasked++;
      return;
    }
    this.#waiting.delete(id);
    waiting.cancel();
    waiting.answered(error === null ? { kind: 'result', xml: text } : { kind: 'error', ...error, xml: text });
  }

  /** Pings are answered, over any stream (xmpp 1.18); what else a component may ask is not offered here. */
  #question(stream: FakeXmppStream, text: string): void {
    const request = {
      id: attributeOf(text, 'id') ?? '',
      from: attributeOf(text, 'from') ?? stream.domain,
      to: attributeOf(text, 'to') ?? this.#options.domain,
    };
    const isPing = text.includes(ns.ping) && request.to === this.#options.domain;
    const answer = isPing ? iqResult(request, '') : iqError(request, stanzaErrors.serviceUnavailable);
    (this.#pick() ?? stream).write(answer);
  }
}

/** Type and first condition of an error answer. */
function errorOf(text: string): { readonly type: string; readonly condition: string } {
  const at = text.lastIndexOf('<error');
  if (at === -1) return { type: '', condition: '' };
  const error = text.slice(at);
  const inner = error.indexOf('<', 1);
  return { type: attributeOf(error, 'type') ?? '', condition: inner === -1 ? '' : elementName(error.slice(inner)) };
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  assert(address !== null && typeof address === 'object', 'a listening server has an address');
  return address.port;
}
