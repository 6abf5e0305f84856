// Thread: main
/**
 * The parallel streams to one XMPP server: which is up, which takes an answer, and whether each is alive. An answer
 * goes out on the stream its request came on, or on any other of the group (xmpp 1.22, 1.23); a ping's answer may
 * arrive on any of them (1.18), so the table of our own requests belongs to the group.
 */
import { limits } from '../core/limits.ts';
import { iqRequest } from '../xmpp/stanza.ts';
import { ns } from '../xmpp/namespaces.ts';
import type { ServerConfig } from '../../config/engine-config.ts';
import type { Clock } from '../core/clock.ts';
import type { Random } from '../core/random.ts';
import type { RouterStream } from './router-stream.ts';

interface OwnRequest {
  readonly stream: RouterStream;
  readonly dueMs: number;
}

export class StreamGroup {
  readonly server: ServerConfig;
  readonly streams: readonly RouterStream[];
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #dirty = new Set<RouterStream>();
  readonly #requests = new Map<string, OwnRequest>();
  #flushIsDue = false;
  /** Answers that found no stream, or no room in its buffer. */
  dropped = 0;

  constructor(server: ServerConfig, streams: readonly RouterStream[], clock: Clock, random: Random) {
    this.server = server;
    this.streams = streams;
    this.#clock = clock;
    this.#random = random;
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
    this.#dirty.add(stream);
    if (this.#flushIsDue) return;
    this.#flushIsDue = true;
    this.#clock.soon(() => this.flush());
  }

  /** One socket write for each stream that has something to say. */
  flush(): void {
    this.#flushIsDue = false;
    for (const stream of this.#dirty) stream.flush();
    this.#dirty.clear();
  }

  /** Pings silent streams, and gives up those whose ping nobody has answered (xmpp 1.17). Called every few seconds. */
  checkLife(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [id, request] of this.#requests) {
      if (request.dueMs > nowMs) continue;
      this.#requests.delete(id);
      if (nowMs - request.stream.lastInboundMs > limits.pingAnswerMs) request.stream.recycle('ping was not answered');
    }
    for (const stream of this.streams) {
      if (stream.state !== 'online' || nowMs - stream.lastInboundMs < limits.pingAfterMs) continue;
      if (this.#isPinged(stream) || this.#requests.size >= limits.pendingRequestsMax) continue;
      this.#ping(stream, nowMs);
    }
  }

  /**
   * An answer, or our own ping come back: true if it was one of our requests. The ping goes to our own domain, which is
   * the only address we know the server must route: what comes back proves both directions.
   */
  answered(id: string, from: string): boolean {
    return from === this.server.domain && this.#requests.delete(id);
  }

  async close(): Promise<void> {
    this.flush();
    await Promise.all(this.streams.map((stream) => stream.close()));
  }

  #isPinged(stream: RouterStream): boolean {
    for (const request of this.#requests.values()) if (request.stream === stream) return true;
    return false;
  }

  #ping(stream: RouterStream, nowMs: number): void {
    const id = this.#random.bytes(12).toString('base64url');
    const { domain } = this.server;
    this.#requests.set(id, { stream, dueMs: nowMs + limits.pingAnswerMs });
    this.send(stream, iqRequest('get', id, domain, domain, `<ping xmlns='${ns.ping}'/>`));
  }
}
