/**
 * A gateway for tests of the session port: node:http2 behind a TCP forwarder that can be frozen (nothing passes, nobody
 * is told) or cut. It decides nothing: each request waits in `requests` until a test answers it, or `answer` does.
 */
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import type { IncomingHttpHeaders, Http2SecureServer, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { IssuedCertificate } from '../../src/fake/certificates.ts';

export interface PeerRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** All of them as they came, in their order. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  readonly stream: ServerHttp2Stream;
  readonly session: ServerHttp2Session;
}

export interface PeerOptions {
  /** MAX_CONCURRENT_STREAMS of new connections. */
  readonly streamsMax?: number;
  /** Authority of the client certificates it asks for. */
  readonly clientCaPem?: string;
  readonly tlsVersionMax?: 'TLSv1.2' | 'TLSv1.3';
}

// @types/node 20 does not know the fourth: all fields as they came, names and values in turn.
type StreamEvent = readonly [
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  flags: number,
  raw: readonly string[],
];

const deadlineMs = 5_000;

/** Waits for `change` events until the condition holds; fails at the deadline instead of sleeping. */
export class Watch {
  readonly #waiting = new Set<() => void>();

  changed(): void {
    for (const look of [...this.#waiting]) look();
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(new Error(`not within ${deadlineMs} ms: ${what}`));
      }, deadlineMs);
      const look = (): void => {
        if (!condition()) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
    });
  }
}

export class Http2Peer {
  readonly requests: PeerRequest[] = [];
  readonly sessions: ServerHttp2Session[] = [];
  readonly resets: number[] = [];
  /** Codes of the GOAWAY frames that clients have sent. */
  readonly goaways: number[] = [];
  connectionsTotal = 0;
  connectionsOpen = 0;
  pings = 0;
  /** Called for each request; by default it only waits in `requests`. */
  answer: (request: PeerRequest) => void = () => undefined;
  /** Called for each new connection. */
  greet: (session: ServerHttp2Session) => void = () => undefined;
  readonly #watch: Watch;
  readonly #server: Http2SecureServer;
  readonly #forwarder: net.Server;
  readonly #sockets = new Set<net.Socket>();
  #frozen = false;

  private constructor(watch: Watch, certificate: IssuedCertificate, options: PeerOptions) {
    this.#watch = watch;
    const ca = options.clientCaPem;
    this.#server = http2.createSecureServer({
      cert: certificate.certPem,
      key: certificate.keyPem,
      settings: { maxConcurrentStreams: options.streamsMax ?? 1000 },
      maxVersion: options.tlsVersionMax ?? 'TLSv1.3',
      ...(ca === undefined ? {} : { requestCert: true, rejectUnauthorized: true, ca }),
    });
    this.#server.on('session', (session) => this.#accept(session));
    this.#server.on('stream', (...[stream, headers, , raw]: StreamEvent) => {
      this.#read(stream, headers, raw);
    });
    this.#server.on('sessionError', () => undefined);
    this.#forwarder = net.createServer((socket) => this.#forward(socket));
  }

  static async start(watch: Watch, certificate: IssuedCertificate, options: PeerOptions = {}): Promise<Http2Peer> {
    const peer = new Http2Peer(watch, certificate, options);
    peer.#server.listen(0, '127.0.0.1');
    await once(peer.#server, 'listening');
    peer.#forwarder.listen(0, '127.0.0.1');
    await once(peer.#forwarder, 'listening');
    return peer;
  }

  get port(): number {
    return (this.#forwarder.address() as AddressInfo).port;
  }

  /** From now on nothing passes in either direction, and no connection is closed. */
  freeze(): void {
    this.#frozen = true;
    for (const socket of this.#sockets) socket.pause();
  }

  thaw(): void {
    this.#frozen = false;
    for (const socket of this.#sockets) socket.resume();
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Refuses connections: the port is closed. */
  async stopListening(): Promise<number> {
    const port = this.port;
    this.cut();
    this.#forwarder.close();
    await once(this.#forwarder, 'close');
    return port;
  }

  async listenAgain(port: number): Promise<void> {
    this.#forwarder.listen(port, '127.0.0.1');
    await once(this.#forwarder, 'listening');
  }

  async close(): Promise<void> {
    this.cut();
    for (const session of this.sessions) session.destroy();
    this.#forwarder.close();
    this.#server.close();
    await Promise.resolve();
  }

  #accept(session: ServerHttp2Session): void {
    this.sessions.push(session);
    this.greet(session);
    session.on('error', () => undefined);
    session.on('goaway', (code) => {
      this.goaways.push(code);
      this.#watch.changed();
    });
    session.on('ping', () => {
      this.pings += 1;
      this.#watch.changed();
    });
    this.#watch.changed();
  }

  #read(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, raw: readonly string[]): void {
    let body = '';
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => (body += text));
    stream.on('error', () => undefined);
    stream.on('close', () => {
      this.resets.push(stream.rstCode ?? 0);
      this.#watch.changed();
    });
    stream.on('end', () => {
      const session = stream.session as ServerHttp2Session | undefined;
      if (session === undefined) return;
      const request = { path: String(headers[':path']), headers, fields: pairs(raw), body, stream, session };
      this.requests.push(request);
      this.answer(request);
      this.#watch.changed();
    });
  }

  #forward(socket: net.Socket): void {
    this.connectionsTotal += 1;
    this.connectionsOpen += 1;
    const inner = net.connect((this.#server.address() as AddressInfo).port, '127.0.0.1');
    for (const [from, to] of [
      [socket, inner],
      [inner, socket],
    ] as const) {
      this.#sockets.add(from);
      from.on('data', (chunk) => to.write(chunk));
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
        if (from === socket) this.connectionsOpen -= 1;
        this.#watch.changed();
      });
      if (this.#frozen) from.pause();
    }
    this.#watch.changed();
  }
}

function pairs(raw: readonly string[]): readonly (readonly [string, string])[] {
  return raw.flatMap((name, index) => (index % 2 === 0 ? [[name, raw[index + 1] ?? ''] as const] : []));
}

export function answerOk(request: PeerRequest): void {
  request.stream.respond({ ':status': 200, 'apns-id': 'id-1' }, { endStream: true });
}

export function answerError(request: PeerRequest, status: number, body: string): void {
  request.stream.respond({ ':status': status, 'content-type': 'application/json' });
  request.stream.end(body);
}
