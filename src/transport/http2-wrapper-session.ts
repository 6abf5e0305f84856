// Thread: worker
/**
 * The gateway port over http2-wrapper. Its `Agent` makes each connection (TLS with ALPN, resumption, SETTINGS awaited,
 * origin checked against the certificate, receive window widened) and its `session.request` starts the streams.
 * Choosing among connections stays with our pool: the agent's own opened nine sessions for 200 cold requests and went
 * on using one after GOAWAY (measured). So each connection has an agent of its own, and `kGracefullyClosing` is never
 * needed;
 * `http2-wrapper.request` is not used because it adds a Writable, a Proxy and a promise to each request.
 */
import { constants } from 'node:http2';
import { Agent } from 'http2-wrapper';
import { limits } from '../core/limits.ts';
import { codeOfError, notHttp2, reasonOfError } from './connection-error.ts';
import { bracketed, gatewayName, serverNameOf } from './gateway-address.ts';
import { errorName, goawayReason } from './h2/frames.ts';
import { openTunnel } from './proxy-tunnel.ts';
import { SessionPool } from './session-pool.ts';
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders, IncomingHttpStatusHeader } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ConnectionEvents, GatewayConnection } from './gateway-connection.ts';
import type { GatewayRequest, GatewaySession, GatewaySessionOptions } from './gateway-session.ts';

export function openHttp2WrapperSession(options: GatewaySessionOptions): GatewaySession {
  // One cache of TLS sessions for all connections of the pool: a replacement resumes instead of starting afresh.
  const { tlsSessionCache } = new Agent();
  return new SessionPool(options, (events) => new WrapperConnection(options, tlsSessionCache, events));
}

/** What has arrived of one response. */
interface Exchange {
  readonly slot: number;
  /** Bytes of the request's body that are not on their way yet. */
  unwritten: number;
  status: number;
  fields: Readonly<Record<string, string>>;
  bytes: number;
  chunks: Buffer[] | undefined;
}

/** The largest body there is. */
const windowFloorBytes = limits.apnsVoipPayloadBytesMax;
const noFields: Readonly<Record<string, string>> = Object.freeze({});
const noBytes = Buffer.alloc(0);
const ignoreError = (): void => undefined;

class WrapperConnection implements GatewayConnection {
  readonly #events: ConnectionEvents;
  readonly #constantFields: Readonly<Record<string, string>>;
  readonly #replyFields: readonly string[];
  readonly #agent: Agent;
  readonly #abandoned = new AbortController();
  readonly #exchanges = new Map<ClientHttp2Stream, Exchange>();
  readonly #streams = new Map<number, ClientHttp2Stream>();
  #session: ClientHttp2Session | undefined;
  #socket: TLSSocket | undefined;
  #streamsMax = 0;
  /** Bytes that the peer's connection window still takes, as far as we know; what is `#unwritten` is taken off. */
  #window = 0;
  #unwritten = 0;
  #starved = false;
  #reason = '';
  #closed = false;

  constructor(options: GatewaySessionOptions, cache: Agent['tlsSessionCache'], events: ConnectionEvents) {
    this.#events = events;
    this.#constantFields = { ':method': 'POST', ...options.fields };
    this.#replyFields = options.replyFields;
    // No `maxSessions`: an agent at its limit closes its connection whenever that has nothing to do.
    this.#agent = new Agent();
    this.#agent.tlsSessionCache = cache;
    this.#connect(options).then(
      (session) => this.#opened(session),
      (error: unknown) => this.#ended(reasonOfError(error)),
    );
  }

  get streamsMax(): number {
    return this.#streamsMax;
  }

  // node:http2 tells nobody of WINDOW_UPDATE, so the window is asked for: once for each burst, and when it seems used
  // up. With nothing unwritten one more is always allowed: its `finish` is the event that tells of a wider window.
  get writable(): boolean {
    if (this.#unwritten === 0 || this.#window >= windowFloorBytes) return true;
    this.#window = (this.#session?.state.remoteWindowSize ?? 0) - this.#unwritten;
    this.#starved = this.#window < windowFloorBytes;
    return !this.#starved;
  }

  send(slot: number, request: GatewayRequest): 'sent' | 'closed' | 'invalid' {
    const session = this.#session;
    if (session === undefined || session.closed || session.destroyed) return 'closed';
    if (!isSendable(request)) return 'invalid';
    let stream: ClientHttp2Stream;
    try {
      stream = session.request({
        ':path': request.path,
        ...this.#constantFields,
        ...request.shared,
        ...request.fields,
      });
    } catch (error) {
      return goneCodes.has(codeOfError(error)) ? 'closed' : 'invalid';
    }
    const unwritten = Buffer.byteLength(request.body);
    if (this.#unwritten === 0) this.#window = session.state.remoteWindowSize ?? 0;
    this.#unwritten += unwritten;
    this.#window -= unwritten;
    this.#exchanges.set(stream, { slot, unwritten, status: 0, fields: noFields, bytes: 0, chunks: undefined });
    this.#streams.set(slot, stream);
    stream.on('finish', this.#onFinish);
    stream.on('response', this.#onResponse);
    stream.on('data', this.#onData);
    stream.on('end', this.#onEnd);
    stream.on('close', this.#onClose);
    stream.on('error', ignoreError); // `close` follows and tells the code
    stream.end(request.body);
    return 'sent';
  }

  cancel(slot: number): void {
    const stream = this.#streams.get(slot);
    if (stream === undefined) return;
    this.#forget(stream);
    stream.close(constants.NGHTTP2_CANCEL);
  }

  ping(): void {
    const session = this.#session;
    if (session === undefined || session.closed || session.destroyed) return;
    session.ping((error) => {
      if (error === null) this.#events.turnEnded();
    });
  }

  close(): void {
    this.#session?.close();
  }

  destroy(reason: string): void {
    if (this.#reason === '') this.#reason = reason;
    this.#abandoned.abort();
    this.#agent.destroy();
    this.#session?.destroy();
    // Before SETTINGS the agent keeps the session to itself; without its socket it ends.
    this.#socket?.destroy();
  }

  async #connect(options: GatewaySessionOptions): Promise<ClientHttp2Session> {
    const name = gatewayName(options);
    const target = new URL(`https://${bracketed(options.host)}:${options.port}`);
    const secrets = options.certificatePem === '' ? {} : { cert: options.certificatePem, key: options.keyPem };
    const trust = options.ca === '' ? {} : { ca: options.ca };
    const tunnel = await this.#tunnel(options);
    return this.#agent.getSession(new URL(`https://${bracketed(name)}:${options.port}`), {
      ...trust,
      ...secrets,
      createConnection: (_authority, given) => {
        const socket = Agent.connect(target, {
          ...given,
          ...trust,
          ...secrets,
          ...tunnel,
          servername: serverNameOf(name),
          // Said, because NODE_TLS_REJECT_UNAUTHORIZED in the environment is the default.
          rejectUnauthorized: true,
        });
        this.#socket = socket;
        socket.setNoDelay(true);
        socket.on('error', (error) => this.#blame(error));
        // node:http2 would wait for SETTINGS until the connection is given up. Later, because it ends the process when
        // the socket goes within this event (Node.js 20).
        socket.once('secureConnect', () => {
          if (socket.alpnProtocol !== 'h2') options.clock.soon(() => this.destroy(notHttp2));
        });
        return socket;
      },
    });
  }

  async #tunnel({ proxyUrl, port, host }: GatewaySessionOptions): Promise<{ readonly socket?: Socket }> {
    if (proxyUrl === '') return {};
    const { signal } = this.#abandoned;
    const socket = await openTunnel({ proxyUrl, target: `${bracketed(host)}:${port}`, signal });
    if (!signal.aborted) return { socket };
    socket.destroy();
    throw new Error(this.#reason);
  }

  #opened(session: ClientHttp2Session): void {
    if (session.closed || session.destroyed) {
      this.#ended(this.#reason === '' ? 'closed while opening' : this.#reason);
      return;
    }
    this.#session = session;
    session.on('error', (error) => this.#blame(error));
    session.on('remoteSettings', () => {
      this.#readSettings(session);
      this.#events.streamsChanged();
    });
    session.on('goaway', (code, lastStreamId, data) => {
      this.#reason = goawayReason(code, data ?? noBytes);
      this.#events.leaving(this.#reason);
      this.#loseAbove(lastStreamId);
    });
    session.on('close', () => this.#ended(this.#reason === '' ? 'connection closed' : this.#reason));
    this.#readSettings(session);
    this.#events.opened();
  }

  #readSettings(session: ClientHttp2Session): void {
    this.#streamsMax = session.remoteSettings.maxConcurrentStreams ?? Infinity;
  }

  readonly #onFinish = this.#listener((exchange) => this.#written(exchange));

  readonly #onResponse = this.#listener(
    (exchange, _stream, headers: IncomingHttpHeaders & IncomingHttpStatusHeader) => {
      exchange.status = headers[':status'] ?? 0;
      exchange.fields = this.#told(headers);
    },
  );

  readonly #onData = this.#listener((exchange, stream, chunk: Buffer) => {
    exchange.bytes += chunk.length;
    if (exchange.bytes <= limits.gatewayResponseBytesMax) {
      if (exchange.chunks === undefined) exchange.chunks = [chunk];
      else exchange.chunks.push(chunk);
      return;
    }
    // More than any gateway says: the status alone must do.
    exchange.chunks = undefined;
    this.#tell(exchange, stream);
    stream.close(constants.NGHTTP2_CANCEL);
  });

  readonly #onEnd = this.#listener((exchange, stream) => {
    if (exchange.status !== 0 && stream.rstCode === constants.NGHTTP2_NO_ERROR) this.#tell(exchange, stream);
  });

  readonly #onClose = this.#listener((exchange, stream) => {
    this.#forget(stream);
    const refused = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM;
    const reason = this.#reason !== '' ? this.#reason : resetReason(stream.rstCode);
    this.#events.lost(exchange.slot, refused && exchange.status === 0, reason);
  });

  // Listeners are made once for each connection, not once for each stream; `this` is the stream.
  #listener<T>(
    listen: (exchange: Exchange, stream: ClientHttp2Stream, argument: T) => void,
  ): (this: ClientHttp2Stream, argument: T) => void {
    const exchanges = this.#exchanges;
    return function (this: ClientHttp2Stream, argument: T): void {
      const exchange = exchanges.get(this);
      if (exchange !== undefined) listen(exchange, this, argument);
    };
  }

  #tell(exchange: Exchange, stream: ClientHttp2Stream): void {
    this.#forget(stream);
    const body = exchange.chunks === undefined ? '' : Buffer.concat(exchange.chunks).toString('utf8');
    this.#events.responded(exchange.slot, exchange.status, exchange.fields, body);
    this.#events.turnEnded(); // node:http2 does not tell where a read ends
  }

  #told(headers: IncomingHttpHeaders): Readonly<Record<string, string>> {
    let fields: Record<string, string> | undefined;
    for (const name of this.#replyFields) {
      const value = headers[name];
      if (typeof value !== 'string') continue;
      fields ??= {};
      fields[name] = value;
    }
    return fields ?? noFields;
  }

  #forget(stream: ClientHttp2Stream): void {
    const exchange = this.#exchanges.get(stream);
    if (exchange === undefined) return;
    this.#exchanges.delete(stream);
    this.#streams.delete(exchange.slot);
    this.#written(exchange);
  }

  #written(exchange: Exchange): void {
    this.#unwritten -= exchange.unwritten;
    exchange.unwritten = 0;
    if (!this.#starved || this.#unwritten > 0) return;
    this.#starved = false;
    this.#events.writableAgain();
  }

  /** What the peer has not acted on (RFC 9113 §6.8), in the order it was sent: node:http2 closes the last one first. */
  #loseAbove(lastStreamId: number): void {
    for (const [stream, exchange] of [...this.#exchanges]) {
      if (stream.id === undefined || stream.id <= lastStreamId || !this.#exchanges.has(stream)) continue;
      this.#forget(stream);
      this.#events.lost(exchange.slot, exchange.status === 0, this.#reason);
    }
  }

  #blame(error: unknown): void {
    if (this.#reason === '') this.#reason = reasonOfError(error);
  }

  #ended(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket?.destroy();
    for (const [stream, exchange] of [...this.#exchanges]) {
      this.#forget(stream);
      this.#events.lost(exchange.slot, false, reason);
    }
    this.#events.closed(this.#reason === '' ? reason : this.#reason);
  }
}

/** What `session.request` throws when no more streams can be started; for anything else the request is at fault. */
const goneCodes: ReadonlySet<string> = new Set([
  '', // http2-wrapper: closing in order
  'ERR_HTTP2_GOAWAY_SESSION',
  'ERR_HTTP2_INVALID_SESSION',
  'ERR_HTTP2_OUT_OF_STREAMS',
]);

// RFC 9113 §8.2.1.
const fieldName = /^[\x21-\x39\x3b-\x40\x5b-\x7e]+$/;
const fieldValue = /^(?![\t\x20])[\t\x20-\x7e\x80-\xff]*(?<![\t\x20])$/;

// node:http2 writes what may not be written; the peer then ends the stream or the connection, or ignores that field.
function isSendable(request: GatewayRequest): boolean {
  if (!fieldValue.test(request.path)) return false;
  return isSendableAll(request.shared) && isSendableAll(request.fields);
}

function isSendableAll(fields: Readonly<Record<string, string>>): boolean {
  for (const name in fields) {
    if (!fieldName.test(name) || !fieldValue.test(fields[name] ?? '')) return false;
  }
  return true;
}

function resetReason(code: number | undefined): string {
  return code === undefined || code === constants.NGHTTP2_NO_ERROR
    ? 'connection lost'
    : `RST_STREAM ${errorName(code)}`;
}
