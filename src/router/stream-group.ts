// Thread: main
/**
 * The parallel streams to one XMPP server: which is up, which takes an answer, and whether each is alive. An answer
 * goes out on the stream its request came on, or on any other of the group (xmpp 1.22, 1.23); a request of our own on
 * all of them in turn. A ping's answer may arrive on any of them (1.18).
 */
import { limits } from '../core/limits.ts';
import { iqRequest } from '../xmpp/stanza.ts';
import { ns } from '../xmpp/namespaces.ts';
import type { ServerConfig } from '../../config/engine-config.ts';
import type { Clock } from '../core/clock.ts';
import type { IqAnswer, IqReply } from '../event/commands.ts';
import type { OwnIqs } from './own-iqs.ts';
import type { RouterStream } from './router-stream.ts';

// Pings have room beside the publishes, however many of those wait.
const iqsMax = limits.publishIqsMax + limits.pendingRequestsMax;

export class StreamGroup implements IqReply {
  readonly server: ServerConfig;
  readonly streams: readonly RouterStream[];
  readonly #clock: Clock;
  readonly #iqs: OwnIqs;
  readonly #dirty = new Set<RouterStream>();
  /** Indexes of streams whose ping waits for its answer; the index is the IQ's tag. */
  readonly #pinged = new Set<number>();
  #flushIsDue = false;
  #turn = 0;
  /** Answers that found no stream, or no room in its buffer. */
  dropped = 0;

  constructor(server: ServerConfig, streams: readonly RouterStream[], clock: Clock, iqs: OwnIqs) {
    this.server = server;
    this.streams = streams;
    this.#clock = clock;
    this.#iqs = iqs;
  }

  get online(): number {
    let count = 0;
    for (const stream of this.streams) if (stream.state === 'online') count++;
    return count;
  }

  /** Appends to this turn's output of `preferred`, or of another stream that is online. */
  send(preferred: RouterStream, stanza: string): void {
    const stream = preferred.state === 'online' ? preferred : this.streams.find((other) => other.state === 'online');
    if (stream === undefined || !stream.send(stanza)) {
      this.dropped++;
      return;
    }
    this.#flushLater(stream);
  }

  /** A request of our own. False: no stream is up, or the one whose turn it is has no room. */
  sendInTurn(stanza: string): boolean {
    for (let count = this.streams.length; count > 0; count--) {
      const stream = this.streams[this.#turn++ % this.streams.length];
      if (stream?.state !== 'online') continue;
      if (!stream.send(stanza)) return false;
      this.#flushLater(stream);
      return true;
    }
    return false;
  }

  /** One socket write for each stream that has something to say. */
  flush(): void {
    this.#flushIsDue = false;
    for (const stream of this.#dirty) stream.flush();
    this.#dirty.clear();
  }

  /** Pings silent streams. Called every few seconds. */
  checkLife(): void {
    const nowMs = this.#clock.monotonicMs();
    this.streams.forEach((stream, index) => {
      if (stream.state !== 'online' || nowMs - stream.lastInboundMs < limits.pingAfterMs) return;
      if (!this.#pinged.has(index)) this.#ping(stream, index);
    });
  }

  /** Of a ping: gives its stream up if nothing at all has come on it meanwhile (xmpp 1.17). */
  iqAnswered(index: number, { kind }: IqAnswer): void {
    this.#pinged.delete(index);
    const stream = this.streams[index];
    if (kind !== 'timeout' || stream === undefined) return;
    if (this.#clock.monotonicMs() - stream.lastInboundMs > limits.pingAnswerMs) stream.recycle('ping was not answered');
  }

  async close(): Promise<void> {
    this.flush();
    await Promise.all(this.streams.map((stream) => stream.close()));
  }

  #flushLater(stream: RouterStream): void {
    this.#dirty.add(stream);
    if (this.#flushIsDue) return;
    this.#flushIsDue = true;
    this.#clock.soon(() => this.flush());
  }

  /**
   * To our own domain, which is the only address we know the server must route: what comes back proves both directions.
   */
  #ping(stream: RouterStream, index: number): void {
    const { domain } = this.server;
    const id = this.#iqs.open(
      { to: domain, through: '', waitMs: limits.pingAnswerMs, reply: this, tag: index },
      iqsMax,
    );
    if (id === undefined) return;
    this.#pinged.add(index);
    this.send(stream, iqRequest('get', id, domain, domain, `<ping xmlns='${ns.ping}'/>`));
  }
}

/** One stanza that the server refuses costs the stream, and with it every answer that waits (xmpp 1.10). */
export function isTooLong(xml: string): boolean {
  const most = limits.outboundStanzaBytesMax;
  return xml.length * 3 > most && Buffer.byteLength(xml) > most;
}
