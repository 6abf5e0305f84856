// Thread: any
/**
 * What all fake gateways share: a TLS server on loopback that reads whole requests, asks the script what becomes of
 * each, and lets the gateway's own rules make the answer. HTTP/2, and HTTP/1.1 by ALPN where the real gateway speaks
 * it.
 */
import { createServer as createHttp1Server } from 'node:http';
import type { IncomingMessage, Server as Http1Server, ServerResponse } from 'node:http';
import { constants, createServer as createHttp2Server, Http2ServerRequest } from 'node:http2';
import type { Http2Server, Http2ServerResponse, Settings } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Server as TlsServer, TLSSocket } from 'node:tls';
import { assert, unreachable } from '../core/assert.ts';
import { FakeConnection } from './fake-connection.ts';
import type { Cancel, Clock } from '../core/clock.ts';
import type { IssuedCertificate } from './certificates.ts';
import type { Behaviour, GatewayScript, ScriptChange } from './gateway-script.ts';

export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  /** Lower-case names; a field that came twice is joined by `, `. */
  readonly fields: Readonly<Record<string, string>>;
  /** Names of fields that came more than once. */
  readonly duplicates: readonly string[];
  /** UTF-8. */
  readonly body: string;
  readonly bodyBytes: number;
  readonly connection: FakeConnection;
}

export interface FakeAnswer {
  readonly status: number;
  readonly fields: Readonly<Record<string, string>>;
  readonly body: string;
}

export type Rejection = Extract<Behaviour, { kind: 'reject' }>;

/** The rules of one kind of gateway. */
export interface GatewayRules {
  /** Debug data of the GOAWAY that ends an idle connection. */
  readonly idleDebug: string;
  /** Finds the device token, for the script; `''` if the request names none. */
  tokenOf(request: FakeRequest): string;
  /** Checks, records and answers. `scripted`: what the script wants in place of an acceptance. */
  answer(request: FakeRequest, scripted: Rejection | undefined): FakeAnswer;
  /** Records a request that was taken and is not answered by the rules. */
  unanswered(request: FakeRequest): void;
  connected?(connection: FakeConnection): void;
  /** A request has begun; `connection.open` counts it. */
  requested?(connection: FakeConnection): void;
  pinged?(connection: FakeConnection): void;
}

export interface ListenerOptions {
  readonly clock: Clock;
  readonly tls: IssuedCertificate;
  readonly script: GatewayScript;
  readonly rules: GatewayRules;
  /** PEM; when given, client certificates are asked for (and not required). */
  readonly clientCaPem?: string;
  /** Default false. */
  readonly http1?: boolean;
  /** Default true. */
  readonly h2?: boolean;
  readonly settings?: Settings;
}

// Larger than any request that the real gateways accept; what is beyond is not kept, only counted.
const bodyBytesMax = 1_048_576;

export class FakeListener {
  readonly #options: ListenerOptions;
  readonly #tls: TlsServer;
  readonly #h2: Http2Server;
  readonly #h1: Http1Server;
  /** Under the connections, and of those whose handshake goes on. */
  readonly #sockets = new Set<Socket>();
  readonly #connections = new Set<FakeConnection>();
  /** By HTTP/2 session, or by socket for HTTP/1.1. */
  readonly #owners = new WeakMap<object, FakeConnection>();
  readonly #idleTimers = new Map<FakeConnection, Cancel>();
  readonly #delays = new Set<Cancel>();
  #count = 0;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#h2 = createHttp2Server(options.settings === undefined ? {} : { settings: options.settings });
    this.#h2.on('request', (request, response) => this.#read(request, response, request.stream.session));
    this.#h2.on('sessionError', () => undefined); // clients under test break connections on purpose
    this.#h1 = createHttp1Server((request, response) => this.#read(request, response, request.socket));
    this.#tls = createTlsServer({
      cert: options.tls.certPem,
      key: options.tls.keyPem,
      ALPNProtocols: [...(options.h2 === false ? [] : ['h2']), ...(options.http1 === true ? ['http/1.1'] : [])],
      requestCert: options.clientCaPem !== undefined,
      rejectUnauthorized: false,
      ...(options.clientCaPem === undefined ? {} : { ca: options.clientCaPem }),
    });
    this.#tls.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#tls.on('secureConnection', (socket) => this.#connected(socket));
    this.#tls.on('tlsClientError', () => undefined);
  }

  get connections(): readonly FakeConnection[] {
    return [...this.#connections];
  }

  /** Connections since the start. */
  get connectionsTotal(): number {
    return this.#count;
  }

  start(port = 0): Promise<{ readonly port: number }> {
    return new Promise((resolve, reject) => {
      this.#tls.once('error', reject);
      this.#tls.listen(port, '127.0.0.1', () => {
        this.#tls.off('error', reject);
        const address: AddressInfo | string | null = this.#tls.address();
        assert(address !== null && typeof address !== 'string', 'a TCP server has an address');
        resolve({ port: address.port });
      });
    });
  }

  /** Cuts all connections, forgets all delayed answers. Stopping twice, or before the start, is harmless. */
  stop(): Promise<void> {
    for (const cancel of [...this.#delays, ...this.#idleTimers.values()]) cancel();
    this.#delays.clear();
    this.#idleTimers.clear();
    for (const connection of this.#connections) connection.destroy();
    // A client that waits in its handshake would hold the end for as long as it likes.
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => {
      this.#tls.close(() => resolve());
    });
  }

  /** Carries out a change of the script. */
  apply(change: ScriptChange): void {
    const forConnections = this.#options.script.apply(change);
    if (change.kind === 'idle') for (const connection of this.connections) this.#armIdle(connection);
    if (forConnections === undefined) return;
    if (forConnections.kind === 'streams') this.#h2.updateSettings({ maxConcurrentStreams: forConnections.max });
    for (const connection of this.connections) {
      switch (forConnections.kind) {
        case 'streams':
          connection.limitStreams(forConnections.max);
          break;
        case 'goaway':
          connection.goaway(forConnections);
          break;
        case 'drop-connections':
          connection.destroy();
          break;
        case 'mute-connections':
          connection.mute();
          break;
        default:
          unreachable(forConnections);
      }
    }
  }

  #connected(socket: TLSSocket): void {
    const isH2 = socket.alpnProtocol === 'h2';
    if (!isH2 && this.#options.http1 !== true) {
      socket.destroy();
      return;
    }
    const connection = new FakeConnection(++this.#count, socket, isH2 ? 'h2' : 'http/1.1');
    this.#connections.add(connection);
    socket.setNoDelay(true); // behind the gate the HTTP/2 library cannot do that itself
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#connections.delete(connection);
      this.#idleTimers.get(connection)?.();
      this.#idleTimers.delete(connection);
    });
    if (isH2) this.#beginSession(connection);
    else {
      this.#owners.set(socket, connection);
      this.#h1.emit('connection', socket);
    }
    this.#options.rules.connected?.(connection);
    this.#armIdle(connection);
  }

  #beginSession(connection: FakeConnection): void {
    // Emitted before `emit('connection')` returns.
    this.#h2.once('session', (session) => {
      connection.session = session;
      this.#owners.set(session, connection);
      session.on('ping', () => this.#options.rules.pinged?.(connection));
    });
    this.#h2.emit('connection', connection.gate);
  }

  #read(
    request: Http2ServerRequest | IncomingMessage,
    response: Http2ServerResponse | ServerResponse,
    owner: object | undefined,
  ): void {
    const connection = owner === undefined ? undefined : this.#owners.get(owner);
    if (connection === undefined) return; // its connection is gone already
    const streamId = request instanceof Http2ServerRequest ? (request.stream.id ?? 0) : 0;
    if (connection.isBeyondGoaway(streamId)) return;
    const exchange = new Exchange(request, response, connection, streamId);
    connection.open++;
    this.#options.rules.requested?.(connection);
    this.#idleTimers.get(connection)?.();
    response.on('close', () => {
      exchange.end();
      this.#armIdle(connection);
    });
    request.on('error', () => undefined);
    request.on('data', (chunk: Buffer) => exchange.take(chunk));
    request.on('end', () => this.#decide(exchange));
  }

  #decide(exchange: Exchange): void {
    const { connection, streamId } = exchange;
    if (connection.isBeyondGoaway(streamId)) return exchange.end();
    const { rules, script } = this.#options;
    const request = exchange.finish();
    const behaviour = script.behaviourFor(rules.tokenOf(request));
    switch (behaviour.kind) {
      case 'accept':
        return this.#answer(exchange, request, undefined);
      case 'reject':
        return this.#answer(exchange, request, behaviour);
      case 'stall':
        return this.#stall(exchange, request, behaviour.answerAfterMs);
      case 'goaway':
        return this.#goaway(exchange, request, behaviour);
      case 'refuse-stream':
        return exchange.refuse();
      case 'drop':
        if (behaviour.request === 'read') rules.unanswered(request);
        return connection.destroy();
      case 'malformed':
        connection.markProcessed(streamId);
        rules.unanswered(request);
        return exchange.send({ status: behaviour.status, fields: behaviour.fields ?? {}, body: behaviour.body });
      default:
        return unreachable(behaviour);
    }
  }

  #answer(exchange: Exchange, request: FakeRequest, scripted: Rejection | undefined): void {
    exchange.connection.markProcessed(exchange.streamId);
    exchange.send(this.#options.rules.answer(request, scripted));
  }

  #stall(exchange: Exchange, request: FakeRequest, answerAfterMs: number): void {
    exchange.connection.markProcessed(exchange.streamId);
    if (answerAfterMs === 0) {
      this.#options.rules.unanswered(request);
      return;
    }
    const answer = this.#options.rules.answer(request, undefined);
    const cancel = this.#options.clock.after(answerAfterMs, () => {
      this.#delays.delete(cancel);
      exchange.send(answer);
    });
    this.#delays.add(cancel);
  }

  #goaway(exchange: Exchange, request: FakeRequest, behaviour: Extract<Behaviour, { kind: 'goaway' }>): void {
    const { connection, streamId } = exchange;
    if (behaviour.last === 'before' && connection.canDisown(streamId)) {
      connection.goaway(behaviour);
      exchange.end();
      return;
    }
    connection.markProcessed(streamId);
    if (behaviour.open === 'drop') {
      this.#options.rules.unanswered(request);
      connection.goaway(behaviour);
      return;
    }
    connection.goaway(behaviour);
    exchange.send(this.#options.rules.answer(request, undefined));
  }

  #armIdle(connection: FakeConnection): void {
    this.#idleTimers.get(connection)?.();
    this.#idleTimers.delete(connection);
    const afterMs = this.#options.script.idleCloseMs;
    if (afterMs === 0 || connection.open > 0 || connection.socket.destroyed) return;
    const cancel = this.#options.clock.after(
      afterMs,
      () => {
        this.#idleTimers.delete(connection);
        connection.goaway({ code: constants.NGHTTP2_NO_ERROR, debug: this.#options.rules.idleDebug, open: 'finish' });
      },
      false,
    );
    this.#idleTimers.set(connection, cancel);
  }
}

/** One request with its answer still to come. */
class Exchange {
  readonly connection: FakeConnection;
  /** 0 on HTTP/1.1. */
  readonly streamId: number;
  readonly #request: Http2ServerRequest | IncomingMessage;
  readonly #response: Http2ServerResponse | ServerResponse;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #ended = false;

  constructor(
    request: Http2ServerRequest | IncomingMessage,
    response: Http2ServerResponse | ServerResponse,
    connection: FakeConnection,
    streamId: number,
  ) {
    this.#request = request;
    this.#response = response;
    this.connection = connection;
    this.streamId = streamId;
  }

  take(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes <= bodyBytesMax) this.#chunks.push(chunk);
  }

  finish(): FakeRequest {
    const { method, url, headers, rawHeaders } = this.#request;
    const fields: Record<string, string> = {};
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined) fields[name] = typeof value === 'string' ? value : value.join(', ');
    }
    const only = this.#chunks.length === 1 ? this.#chunks[0] : undefined;
    return {
      method: method ?? '',
      path: url ?? '',
      fields,
      duplicates: duplicatesOf(rawHeaders),
      body: (only ?? Buffer.concat(this.#chunks)).toString('utf8'),
      bodyBytes: this.#bytes,
      connection: this.connection,
    };
  }

  send(answer: FakeAnswer): void {
    if (this.#response.writableEnded || this.#response.destroyed) return;
    this.#response.statusCode = answer.status;
    for (const [name, value] of Object.entries(answer.fields)) this.#response.setHeader(name, value);
    this.#response.end(answer.body);
  }

  /** Answered, lost, or never to be answered: the connection does not wait for it any more. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.connection.ended();
  }

  refuse(): void {
    if (this.#request instanceof Http2ServerRequest) this.#request.stream.close(constants.NGHTTP2_REFUSED_STREAM);
    else this.connection.destroy();
  }
}

function duplicatesOf(rawHeaders: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  const twice: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    if (seen.has(name)) twice.push(name);
    seen.add(name);
  }
  return twice;
}
