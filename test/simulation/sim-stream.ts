/**
 * A component stream without a socket, as the router knows one: the real parser, bytes cut anywhere, output that leaves
 * in one write a turn, and connections that are lost and made again.
 */
import { StreamParser } from '../../src/xmpp/stream-parser.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { Router } from '../../src/router/router.ts';
import type { RouterStream } from '../../src/router/router-stream.ts';
import type { XmlElement } from '../../src/xmpp/xml.ts';

/** One connection of a stream; what was asked on it is owed an answer as long as it lives. */
export interface Connection {
  live: boolean;
}

export interface SimStreamOptions {
  readonly owner: Router;
  readonly clock: Clock;
  readonly stanzaBytesMax: number;
  /** The router has decided on this answer. */
  readonly decided: (stanza: string) => void;
  /** These stanzas have reached the peer. */
  readonly received: (stream: SimStream, stanzas: readonly string[]) => void;
}

const opening =
  "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' " +
  "xmlns:stream='http://etherx.jabber.org/streams' from='push.example.net' id='simulated'>";

// How long a connection that the engine gave up takes to come back.
const reconnectMs = 700;

export class SimStream implements RouterStream {
  state: RouterStream['state'] = 'closed';
  lastInboundMs = 0;
  connection: Connection = { live: false };
  recycled = 0;
  readonly #options: SimStreamOptions;
  #parser: StreamParser;
  #output: string[] = [];
  /** What the engine has not taken yet: its mailbox is full. */
  #unread: Uint8Array[] = [];
  readonly #origins = new WeakMap<Uint8Array, Connection>();

  constructor(options: SimStreamOptions) {
    this.#options = options;
    this.#parser = this.#newParser();
  }

  open(): void {
    this.#connect();
  }

  /** From the peer. */
  write(chunks: readonly Uint8Array[]): void {
    if (this.state !== 'online') return;
    this.lastInboundMs = this.#options.clock.monotonicMs();
    this.#unread.push(...chunks);
    this.#pump();
  }

  /** The connection is lost, with all that was under way in both directions. */
  cut(): void {
    if (this.state !== 'online') return;
    this.connection.live = false;
    this.state = 'waiting';
    this.#output = [];
    this.#unread = [];
    this.#options.owner.offline(this);
  }

  comeBack(): void {
    if (this.state === 'waiting') this.#connect();
  }

  parse(bytes: Uint8Array): void {
    if (this.#origins.get(bytes) === this.connection && this.connection.live) this.#parser.write(bytes);
  }

  resume(): void {
    this.#pump();
  }

  send(stanza: string): boolean {
    if (this.state !== 'online') return false;
    this.#options.decided(stanza);
    this.#output.push(stanza);
    return true;
  }

  flush(): void {
    const stanzas = this.#output;
    this.#output = [];
    if (stanzas.length > 0) this.#options.received(this, stanzas);
  }

  recycle(): void {
    this.recycled++;
    this.cut();
    this.#options.clock.after(reconnectMs, () => this.comeBack());
  }

  async close(): Promise<void> {
    this.flush();
    this.connection.live = false;
    this.state = 'closed';
  }

  #connect(): void {
    this.connection = { live: true };
    this.#parser = this.#newParser();
    this.state = 'online';
    this.lastInboundMs = this.#options.clock.monotonicMs();
    this.#options.owner.online();
  }

  #pump(): void {
    for (;;) {
      const next = this.#unread[0];
      if (next === undefined) return;
      this.#origins.set(next, this.connection);
      if (this.#options.owner.offer(this, next) !== 'accepted') return;
      this.#unread.shift();
    }
  }

  #newParser(): StreamParser {
    const { owner, stanzaBytesMax } = this.#options;
    const parser = new StreamParser(
      { stanzaBytesMax },
      {
        opened: () => undefined,
        stanza: (element: XmlElement) => owner.stanza(this, element),
        oversized: (start: XmlElement) => owner.oversized(this, start),
        closed: () => undefined,
        failed: (condition, reason) => {
          throw new Error(`the simulated stream was refused: ${condition} ${reason}`);
        },
      },
    );
    parser.write(Buffer.from(opening));
    return parser;
  }
}
