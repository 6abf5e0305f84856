// Thread: main
/**
 * The HTTP server: listener, TLS, the bounds of connections, and an orderly end. One server on one address, HTTP/1.1;
 * what is behind it is http-api.ts.
 */
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { assert } from '../core/assert.ts';
import { EngineError } from '../core/errors.ts';
import { buildAPI } from './http-api.ts';
import { httpBounds } from './http-bounds.ts';
import { noFigures } from './http-figures.ts';
import { SparseLog } from './sparse-log.ts';
import type { HttpConfig } from '../../config/engine-config.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import type { EngineDoor } from './engine-door.ts';
import type { HttpBounds } from './http-bounds.ts';
import type { HttpFigures } from './http-figures.ts';

export interface HttpServerOptions {
  /** Port 0: any that is free. */
  readonly http: HttpConfig;
  readonly door: EngineDoor;
  /** The longest wait for the end of an event's publishes, ms (engine.iq_reply_ms). */
  readonly replyMs: number;
  /** All that the engine counts, for `GET /v1/figures`; plain data. */
  readonly engineFigures: () => unknown;
  readonly clock: Clock;
  readonly logger: Logger;
  /** For tests; default `httpBounds`. */
  readonly bounds?: HttpBounds;
}

export interface HttpServer {
  readonly address: { readonly host: string; readonly port: number };
  /** As of now. */
  readonly figures: Readonly<HttpFigures>;
  /**
   * Takes no connection and no request any more, answers what is under way, and resolves when all connections are
   * closed; after `budgetMs` they are cut. Closing twice is closing once.
   */
  close(budgetMs: number): Promise<void>;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Rejects with E_HTTP_LISTEN. */
export async function openHttp(options: HttpServerOptions): Promise<HttpServer> {
  const { http, door, replyMs, engineFigures, clock, logger, bounds = httpBounds } = options;
  const figures = noFigures();
  const connections = new Connections(figures);
  let closing: Promise<void> | undefined;
  const api = buildAPI({
    context: { door, clock, replyMs, receiverDomain: http.receiverDomain, bounds, figures, engineFigures },
    token: http.token,
    log: new SparseLog(logger, clock),
    serverFactory: (handler) => {
      const server = createServer(http, bounds, (request, response) => {
        connections.begin(request, response);
        handler(request, response);
      });
      server.timeout = replyMs + bounds.httpSilenceMs;
      return server;
    },
    isClosing: () => closing !== undefined,
  });
  const { server } = api;
  connections.watch(server);
  await api.ready();
  const address = await listen(server, http);
  return {
    address,
    figures,
    close(budgetMs) {
      closing ??= close(budgetMs);
      return closing;
    },
  };

  async function close(budgetMs: number): Promise<void> {
    // Idle connections are closed by this, too.
    const ended = new Promise<void>((resolve) => server.close(() => resolve()));
    connections.closeSilent();
    const cancel = clock.after(budgetMs, () => connections.destroyAll());
    await ended;
    cancel();
    await api.close();
  }
}

function createServer(http: HttpConfig, bounds: HttpBounds, handler: Handler): Server {
  const options: ServerOptions = {
    maxHeaderSize: bounds.httpHeaderBytesMax,
    headersTimeout: bounds.httpHeadersMs,
    requestTimeout: bounds.httpRequestMs,
    keepAliveTimeout: bounds.httpKeepaliveMs,
    connectionsCheckingInterval: bounds.httpCheckMs,
  };
  const tls = {
    cert: http.certificatePem,
    key: http.keyPem,
    minVersion: 'TLSv1.2',
    handshakeTimeout: bounds.httpHeadersMs,
  } as const;
  const server =
    http.certificatePem === ''
      ? createHttpServer(options, handler)
      : createHttpsServer({ ...options, ...tls }, handler);
  server.maxHeadersCount = bounds.httpHeadersMax;
  server.maxConnections = bounds.httpConnectionsMax;
  return server;
}

function listen(server: Server, { host, port }: HttpConfig): Promise<{ host: string; port: number }> {
  return new Promise((resolve, reject) => {
    const refused = (cause: Error): void => {
      const message = `the HTTP server cannot listen on ${host} port ${port}: ${cause.message}`;
      reject(new EngineError('E_HTTP_LISTEN', message, { cause }));
    };
    server.once('error', refused);
    server.listen({ host, port }, () => {
      server.off('error', refused);
      const address = server.address();
      assert(address !== null && typeof address !== 'string', 'a TCP server has an address');
      resolve({ host: address.address, port: address.port });
    });
  });
}

/** Sockets by both their addresses, which also finds the one under a TLS socket. */
class Connections {
  readonly #figures: HttpFigures;
  readonly #sockets = new Map<string, Socket>();
  /** Those that have not brought the head of a request yet. Node does not count them as idle. */
  readonly #silent = new Set<string>();

  constructor(figures: HttpFigures) {
    this.#figures = figures;
  }

  watch(server: Server): void {
    server.on('connection', (socket: Socket) => {
      const peer = peerOf(socket);
      this.#sockets.set(peer, socket);
      this.#silent.add(peer);
      this.#figures.connections = this.#sockets.size;
      socket.once('close', () => {
        this.#sockets.delete(peer);
        this.#silent.delete(peer);
        this.#figures.connections = this.#sockets.size;
      });
    });
    server.on('drop', () => {
      this.#figures.droppedConnections++;
    });
  }

  begin(request: IncomingMessage, response: ServerResponse): void {
    this.#silent.delete(peerOf(request.socket));
    this.#figures.requests++;
    this.#figures.inFlight++;
    response.once('close', () => {
      this.#figures.inFlight--;
    });
  }

  closeSilent(): void {
    for (const peer of this.#silent) this.#sockets.get(peer)?.destroy();
  }

  destroyAll(): void {
    for (const socket of this.#sockets.values()) socket.destroy();
  }
}

function peerOf({ remoteAddress = '', remotePort = 0, localAddress = '' }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`;
}
