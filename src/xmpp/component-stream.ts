// Thread: main
/**
 * The client half of XEP-0114: connects, shakes hands, keeps alive, reconnects for ever. Bytes go through the owner's
 * mailbox (`offer`, later `parse`), whose fullness pauses the socket; everything else is one synchronous call.
 * Items 1.1 to 1.24 and 1.55 of the protocol page. One connection is in stream-connection.ts, what an ending means in
 * stream-errors.ts; here is what outlives a connection.
 */
import type { ServerConfig } from '../../config/engine-config.ts';
import type { Cancel, Clock } from '../core/clock.ts';
import { limits } from '../core/limits.ts';
import type { Logger } from '../core/log.ts';
import type { Random } from '../core/random.ts';
import { shapeOf } from './stanza-shape.ts';
import { StreamConnection } from './stream-connection.ts';
import type { StreamCounters } from './stream-connection.ts';
import { connectionLost, reactionTo, reconnectWaitMs, streamEnd } from './stream-errors.ts';
import type { Reaction } from './stream-errors.ts';
import type { XmlElement } from './xml.ts';

export interface ComponentStreamOwner {
  /**
   * Bytes arrived: the owner queues them in its mailbox and later gives the same object to `parse`. `full`: the stream
   * keeps this one chunk and pauses its socket until `resume()`. `stopped`: the stream closes for good.
   */
  offer(stream: ComponentStream, bytes: Uint8Array): 'accepted' | 'full' | 'stopped';
  /** The server acknowledged the handshake. */
  online(stream: ComponentStream): void;
  /** Was online and is not any more; reconnecting goes on by itself unless closing. */
  offline(stream: ComponentStream, reason: string): void;
  /** Only while online. */
  stanza(stream: ComponentStream, element: XmlElement, bytes: number): void;
  /** A stanza over a limit was skipped; `start` is its opening tag. Only while online. */
  oversized(stream: ComponentStream, start: XmlElement, reason: string): void;
}

export interface ComponentStreamOptions {
  readonly server: ServerConfig;
  /** Which of the server's parallel streams this is, from 0. */
  readonly index: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly owner: ComponentStreamOwner;
  /** PEM already read from `tls.caFile`, `''` = the system's authorities. */
  readonly ca: string;
}

export type ComponentStreamState = 'connecting' | 'handshaking' | 'online' | 'waiting' | 'closing' | 'closed';

// For the log line after the server has refused something of ours.
const lastStanzasKept = 3;

export class ComponentStream {
  readonly server: ServerConfig;
  readonly index: number;
  readonly counters: StreamCounters = {
    bytesIn: 0,
    bytesOut: 0,
    reconnects: 0,
    keepalives: 0,
    droppedOutput: 0,
    faults: 0,
    undelivered: 0,
  };
  readonly #options: ComponentStreamOptions;
  #state: ComponentStreamState = 'closed';
  #connection: StreamConnection | null = null;
  #output = '';
  #overflown = false;
  readonly #lastSent: string[] = [];
  #sent = 0;
  /** Attempts, and replacements by another engine, since the last stable connection. */
  #attempt = 0;
  #replacements = 0;
  #onlineSinceMs = 0;
  #cancelWait: Cancel = () => undefined;
  #whenClosed: (() => void)[] = [];

  constructor(options: ComponentStreamOptions) {
    this.#options = options;
    this.server = options.server;
    this.index = options.index;
  }

  /** `closed` before `open()` and after `close()`. */
  get state(): ComponentStreamState {
    return this.#state;
  }

  /** True while the peer does not take our output; nothing is read meanwhile. */
  get congested(): boolean {
    return this.#connection?.congested ?? false;
  }

  /** Monotonic time of the last byte from the peer (of connecting, before the first); 0 without a connection. */
  get lastInboundMs(): number {
    return this.#connection?.lastInboundMs ?? 0;
  }

  /** Monotonic time of the last byte to the peer, as above; compare both with `clock.monotonicMs()`. */
  get lastOutboundMs(): number {
    return this.#connection?.lastOutboundMs ?? 0;
  }

  /** Starts connecting; goes on for ever until `close()`. */
  open(): void {
    if (this.#state === 'closed') this.#connect();
  }

  /** The owner took these bytes out of its mailbox. Bytes of an earlier connection are ignored. */
  parse(bytes: Uint8Array): void {
    this.#connection?.parse(bytes);
  }

  /** The owner's mailbox has room again: hands over the kept chunk and reads on. */
  resume(): void {
    this.#connection?.resume();
  }

  /** Appends to this turn's output. False: not online, or too much is unsent; the stanza is dropped. */
  send(stanza: string): boolean {
    const connection = this.#connection;
    if (this.#state !== 'online' || connection === null || connection.ended) {
      this.counters.droppedOutput++;
      return false;
    }
    if (this.#overflown || this.#output.length + connection.unsentBytes + stanza.length > limits.outputBytesMax) {
      this.#overflown = true; // acted on in `flush`: the caller is in the middle of a batch
      this.counters.droppedOutput++;
      return false;
    }
    this.#output += stanza;
    this.#lastSent[this.#sent++ % lastStanzasKept] = stanza;
    return true;
  }

  /** One write for everything sent in this turn. */
  flush(): void {
    if (this.#overflown) {
      this.recycle('too much unsent output');
    } else if (this.#output !== '') {
      const output = this.#output;
      this.#output = '';
      this.#connection?.write(output);
    }
  }

  /** Gives this connection up and makes a new one after the usual back-off: for the owner's ping policy (xmpp 1.17). */
  recycle(reason: string): void {
    if (this.#connection !== null && this.#state !== 'closing') this.#lost(reason, connectionLost, streamEnd);
  }

  /** Says goodbye, waits a little for the server's (xmpp 1.7), never reconnects. Resolves when closed. */
  close(): Promise<void> {
    if (this.#state === 'closed') return Promise.resolve();
    const closed = new Promise<void>((resolve) => this.#whenClosed.push(resolve));
    if (this.#state === 'online') this.flush(); // may recycle
    if (this.#state === 'online') {
      this.#state = 'closing';
      this.#connection?.goodbye();
    } else if (this.#state !== 'closing') {
      this.#finish(false);
    }
    return closed;
  }

  #connect(): void {
    const { server, ca, clock, owner, logger } = this.#options;
    this.#state = 'connecting';
    this.#connection = new StreamConnection({
      server,
      ca,
      clock,
      counters: this.counters,
      listener: {
        offer: (bytes) => this.#offer(bytes),
        handshaking: () => {
          this.#state = 'handshaking';
        },
        online: () => {
          this.#state = 'online';
          this.#onlineSinceMs = clock.monotonicMs();
          logger.info(this.#fields(), 'component stream online');
          owner.online(this);
        },
        stanza: (element, bytes) => owner.stanza(this, element, bytes),
        oversized: (start, reason) => owner.oversized(this, start, reason),
        refused: (condition, text) => this.#refused(condition, text),
        lost: (reason, reaction, farewell) => this.#lost(reason, reaction, farewell),
      },
    });
  }

  #offer(bytes: Uint8Array): 'accepted' | 'full' | 'stopped' {
    const admission = this.#options.owner.offer(this, bytes);
    if (admission === 'stopped' && this.#state !== 'closing') this.#finish(this.#state === 'online');
    return admission;
  }

  #refused(condition: string, text: string): void {
    const reaction = reactionTo(condition, text, this.#replacements);
    if (reaction.kind === 'replaced') this.#replacements++;
    if (reaction.kind === 'fault') {
      this.counters.faults++;
      const lastStanzas = this.#lastSent.map((stanza) => shapeOf(stanza));
      this.#options.logger.error({ ...this.#fields(), condition, lastStanzas }, 'the server refused our output');
    }
    this.#lost(`stream error ${condition}`, reaction, streamEnd);
  }

  #lost(reason: string, reaction: Reaction, farewell: string): void {
    if (this.#state === 'closing') {
      this.#finish(true);
      return;
    }
    const { clock, logger, owner, random } = this.#options;
    const wasOnline = this.#state === 'online';
    if (wasOnline && clock.monotonicMs() - this.#onlineSinceMs >= limits.stableMs) {
      this.#attempt = 0;
      if (reaction.kind !== 'replaced') this.#replacements = 0;
    }
    this.#release(farewell);
    const waitMs = reconnectWaitMs(reaction.kind, this.#attempt++, random);
    this.#state = 'waiting';
    this.#cancelWait = clock.after(waitMs, () => {
      this.counters.reconnects++;
      this.#connect();
    });
    const fields = { ...this.#fields(), reason, waitMs: Math.round(waitMs) };
    if (reaction.alarm) logger.error({ ...fields, code: 'E_STREAM_REFUSED' }, 'component stream refused');
    else logger.warn(fields, 'component stream lost');
    if (wasOnline) owner.offline(this, reason);
  }

  #finish(wasOnline: boolean): void {
    this.#cancelWait();
    this.#release('');
    this.#state = 'closed';
    this.#attempt = 0;
    if (wasOnline) this.#options.owner.offline(this, 'closed');
    const waiting = this.#whenClosed;
    this.#whenClosed = [];
    for (const resolve of waiting) resolve();
  }

  #release(farewell: string): void {
    const connection = this.#connection;
    this.#connection = null;
    this.#output = '';
    this.#overflown = false;
    connection?.retire(farewell);
  }

  #fields(): Readonly<Record<string, unknown>> {
    return { server: this.server.name, domain: this.server.domain, stream: this.index };
  }
}
