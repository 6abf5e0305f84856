// Thread: main
/**
 * One connection of a component stream, from connect to its end: header, handshake, chunks on their way through the
 * owner's mailbox, keepalive. It ends once, with a reason, and is silent afterwards; reconnecting is not its business
 * (xmpp 1.1 to 1.8, 1.14 to 1.16).
 */
import type { ServerConfig } from '../../config/engine-config.ts';
import type { Cancel, Clock } from '../core/clock.ts';
import { limits } from '../core/limits.ts';
import { handshakeOf } from './handshake.ts';
import { ns } from './namespaces.ts';
import { escapeXml } from './stanza.ts';
import { connectionLost, misconfigured, streamEnd, streamErrorText } from './stream-errors.ts';
import type { Reaction } from './stream-errors.ts';
import { StreamParser } from './stream-parser.ts';
import { StreamSocket } from './stream-socket.ts';
import { attribute, childElements, isElement, localName, textOf } from './xml.ts';
import type { XmlElement } from './xml.ts';

export interface StreamConnectionListener {
  /** `accepted`: the same object comes back through `parse`. `full`: it is kept until `resume`. */
  offer(bytes: Uint8Array): 'accepted' | 'full' | 'stopped';
  handshaking(): void;
  online(): void;
  /** The next two only after `online` and before `goodbye`. */
  stanza(element: XmlElement, bytes: number): void;
  oversized(start: XmlElement, reason: string): void;
  /** The server ended the stream with an error: the listener decides what it means and retires the connection. */
  refused(condition: string, text: string): void;
  /** Once, and the last call. `farewell`: what to send before closing, `''` if there is nobody to read it. */
  lost(reason: string, reaction: Reaction, farewell: string): void;
}

/** Shared by all connections of one stream. */
export interface StreamCounters {
  bytesIn: number;
  bytesOut: number;
  /** Connections tried after the first. */
  reconnects: number;
  keepalives: number;
  /** Stanzas that `send` refused. */
  droppedOutput: number;
  /** Streams the server ended because of something we sent: a defect of ours, zero in every test. */
  faults: number;
  /** Elements that came before the acknowledgement or after our closing tag, and were not delivered. */
  undelivered: number;
}

export interface StreamConnectionOptions {
  readonly server: ServerConfig;
  readonly ca: string;
  readonly clock: Clock;
  readonly counters: StreamCounters;
  readonly listener: StreamConnectionListener;
}

type Phase = 'connecting' | 'header' | 'handshake' | 'refusing' | 'online' | 'closing';

export class StreamConnection {
  readonly #server: ServerConfig;
  readonly #clock: Clock;
  readonly #counters: StreamCounters;
  readonly #socket: StreamSocket;
  readonly #parser: StreamParser;
  /** Null once retired: late events of this connection then reach nobody. */
  #listener: StreamConnectionListener | null;
  #phase: Phase = 'connecting';
  #streamId: string | null = null;
  /** Chunks in the owner's mailbox. */
  readonly #queued = new Set<Uint8Array>();
  /** The chunk that did not fit into it. */
  #kept: Uint8Array | null = null;
  /** Set when the socket has ended but chunks are still to be read: they may say why, and hold publishes. */
  #ending: { readonly reason: string; readonly reaction: Reaction } | null = null;
  /** Handshake, keepalive or the wait for an end: one at a time. */
  #cancelTimer: Cancel = () => undefined;
  #lastInboundMs: number;
  #lastOutboundMs: number;

  constructor(options: StreamConnectionOptions) {
    const { server, ca, clock } = options;
    this.#server = server;
    this.#clock = clock;
    this.#counters = options.counters;
    this.#listener = options.listener;
    this.#lastInboundMs = clock.monotonicMs();
    this.#lastOutboundMs = this.#lastInboundMs;
    const events = {
      connected: () => this.#connected(),
      chunk: (bytes: Uint8Array) => this.#chunk(bytes),
      drained: () => this.#readOn(),
      ended: (reason: string, untrusted: boolean) => this.#ended(reason, untrusted ? misconfigured : connectionLost),
    };
    this.#socket = new StreamSocket({ server, ca, clock, events });
    this.#parser = new StreamParser(
      { stanzaBytesMax: server.stanzaBytesMax },
      {
        opened: (header) => this.#opened(header),
        stanza: (element, bytes) => this.#element(element, bytes),
        oversized: (start, reason) => this.#oversized(start, reason),
        closed: () => this.#lose('stream closed by the server', connectionLost, streamEnd),
        failed: (condition, reason) => this.#garbled(condition, reason),
      },
    );
  }

  get congested(): boolean {
    return this.#socket.congested;
  }

  get unsentBytes(): number {
    return this.#socket.unsentBytes;
  }

  /** The socket is gone; what it brought is still being read. */
  get ended(): boolean {
    return this.#ending !== null;
  }

  get lastInboundMs(): number {
    return this.#lastInboundMs;
  }

  get lastOutboundMs(): number {
    return this.#lastOutboundMs;
  }

  /** Bytes that this connection did not offer are ignored: they belong to an earlier one. */
  parse(bytes: Uint8Array): void {
    if (!this.#queued.delete(bytes)) return;
    this.#parser.write(bytes);
    this.#answerHeader();
    if (this.#ending !== null && this.#queued.size === 0 && this.#kept === null) {
      this.#lose(this.#ending.reason, this.#ending.reaction);
    }
  }

  resume(): void {
    const kept = this.#kept;
    if (kept === null) return;
    this.#kept = null;
    this.#offer(kept);
    this.#readOn();
  }

  write(text: string): void {
    this.#socket.write(text);
    this.#counters.bytesOut += Buffer.byteLength(text);
    this.#lastOutboundMs = this.#clock.monotonicMs();
    if (this.#socket.congested) this.#socket.pause();
  }

  /** Closes our half and waits a little for the server to close its own; then `lost` (xmpp 1.7). */
  goodbye(): void {
    this.#phase = 'closing';
    this.write(streamEnd);
    this.#after(limits.closeMs, () => this.#lose('closed', connectionLost));
  }

  /** Says `farewell`, releases everything, and is never heard of again. */
  retire(farewell: string): void {
    this.#listener = null;
    this.#cancelTimer();
    this.#queued.clear();
    this.#kept = null;
    this.#socket.retire(this.#phase === 'connecting' || this.#phase === 'closing' ? '' : farewell);
  }

  #after(delayMs: number, task: () => void): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#clock.after(delayMs, task);
  }

  #connected(): void {
    this.#phase = 'header';
    this.#after(limits.handshakeMs, () => this.#lose('handshake timeout', connectionLost, streamEnd));
    const multiple = this.#server.allowMultiple ? ` allowMultiple='true'` : '';
    this.write(
      `<?xml version='1.0'?><stream:stream xmlns='${ns.component}' xmlns:stream='${ns.stream}' ` +
        `to='${escapeXml(this.#server.domain)}'${multiple}>`,
    );
    this.#listener?.handshaking();
  }

  #chunk(bytes: Uint8Array): void {
    this.#lastInboundMs = this.#clock.monotonicMs();
    this.#counters.bytesIn += bytes.length;
    this.#offer(bytes);
  }

  #offer(bytes: Uint8Array): void {
    const listener = this.#listener;
    if (listener === null) return;
    this.#queued.add(bytes); // before the call: the owner may parse at once
    const admission = listener.offer(bytes);
    if (admission === 'accepted') return;
    this.#queued.delete(bytes);
    if (admission === 'full' && this.#listener !== null) {
      this.#kept = bytes;
      this.#socket.pause();
    }
  }

  #readOn(): void {
    if (this.#listener !== null && this.#kept === null && !this.#socket.congested) this.#socket.resume();
  }

  #opened(header: XmlElement): void {
    if (isElement(header, 'stream', ns.stream)) this.#streamId = attribute(header, 'id') ?? '';
    else this.#garbled('invalid-namespace', 'the header is not a stream header');
  }

  /**
   * After the whole chunk has been read: an error in the segment of the header comes first. An empty id is never
   * answered; the error that explains it gets a moment to arrive (xmpp 1.6, 8.33).
   */
  #answerHeader(): void {
    if (this.#listener === null || this.#phase !== 'header' || this.#streamId === null) return;
    if (this.#streamId === '') {
      this.#phase = 'refusing';
      this.#after(limits.closeMs, () => this.#lose('the server gave no stream id', connectionLost, streamEnd));
    } else {
      this.#phase = 'handshake';
      this.write(`<handshake>${handshakeOf(this.#streamId, this.#server.secret)}</handshake>`);
    }
  }

  #element(element: XmlElement, bytes: number): void {
    if (this.#listener === null) return;
    if (isElement(element, 'error', ns.stream)) this.#refused(element);
    else if (this.#phase === 'online') this.#listener.stanza(element, bytes);
    else if (this.#phase === 'handshake' && isElement(element, 'handshake', ns.component)) this.#acknowledged();
    else this.#counters.undelivered++;
  }

  #oversized(start: XmlElement, reason: string): void {
    if (this.#phase === 'online') this.#listener?.oversized(start, reason);
    else this.#counters.undelivered++;
  }

  #acknowledged(): void {
    this.#phase = 'online';
    this.#watchSilence();
    this.#listener?.online();
  }

  /** White space after a time without output, so that no middle box forgets us (xmpp 1.15). */
  #watchSilence(): void {
    let waitMs = limits.keepaliveMs - (this.#clock.monotonicMs() - this.#lastOutboundMs);
    if (waitMs < 1) {
      this.#counters.keepalives++;
      this.write(' ');
      waitMs = limits.keepaliveMs;
    }
    this.#after(waitMs, () => this.#watchSilence());
  }

  #refused(error: XmlElement): void {
    const children = childElements(error);
    const condition = children.find((child) => localName(child) !== 'text');
    const text = children.find((child) => localName(child) === 'text');
    const name = condition === undefined ? 'undefined-condition' : localName(condition);
    this.#listener?.refused(name, text === undefined ? '' : textOf(text));
  }

  /** The parser cannot go on: we say why (xmpp 1.14; RFC 6120 §4.9.1.1). */
  #garbled(condition: string, reason: string): void {
    this.#lose(`${condition}: ${reason}`, connectionLost, streamErrorText(condition));
  }

  #ended(reason: string, reaction: Reaction): void {
    if (this.#queued.size === 0 && this.#kept === null) {
      this.#lose(reason, reaction);
      return;
    }
    this.#ending = { reason, reaction };
    // An owner that has lost the chunks, by a restart, is not waited for.
    this.#after(limits.closeMs, () => this.#lose(reason, reaction));
  }

  #lose(reason: string, reaction: Reaction, farewell = ''): void {
    const listener = this.#listener;
    this.#listener = null;
    listener?.lost(reason, reaction, farewell);
  }
}
