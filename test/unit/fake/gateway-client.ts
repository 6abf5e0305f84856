/**
 * A client for the tests of the fakes: node:http2 without policy, so that each test sees what the gateway really did.
 */
import { connect, constants } from 'node:http2';
import type {
  ClientHttp2Session,
  IncomingHttpHeaders,
  OutgoingHttpHeaders,
  SecureClientSessionOptions,
} from 'node:http2';
import { once } from 'node:events';

export interface Answer {
  readonly status: number;
  readonly fields: IncomingHttpHeaders;
  readonly body: string;
  readonly streamId: number;
}

/** How a stream ended that got no answer. */
export interface Lost {
  readonly lost: true;
  readonly code: number;
}

export interface GoawaySeen {
  readonly code: number;
  readonly lastStreamId: number;
  readonly debug: string;
}

export class GatewayClient {
  readonly session: ClientHttp2Session;
  readonly #goaway: Promise<GoawaySeen>;
  readonly #closed: Promise<void>;

  constructor(port: number, caPem: string, options: SecureClientSessionOptions = {}) {
    this.session = connect(`https://127.0.0.1:${port}`, { ca: caPem, ...options });
    this.session.on('error', () => undefined);
    this.#goaway = new Promise((resolve) => {
      this.session.on('goaway', (code, lastStreamId, data) =>
        resolve({ code, lastStreamId, debug: data === undefined ? '' : Buffer.from(data).toString() }),
      );
    });
    this.#closed = new Promise((resolve) => {
      this.session.on('close', () => resolve());
    });
  }

  goaway(): Promise<GoawaySeen> {
    return this.#goaway;
  }

  closed(): Promise<void> {
    return this.#closed;
  }

  /** The next SETTINGS of the gateway: MAX_CONCURRENT_STREAMS. */
  async streamLimit(): Promise<number> {
    await once(this.session, 'remoteSettings');
    return this.session.remoteSettings.maxConcurrentStreams ?? Infinity;
  }

  send(headers: OutgoingHttpHeaders, body: string | Buffer): Promise<Answer | Lost> {
    const stream = this.session.request({ ':method': 'POST', ...headers });
    const chunks: Buffer[] = [];
    let answer: IncomingHttpHeaders | undefined;
    const done = new Promise<Answer | Lost>((resolve) => {
      stream.on('response', (fields) => {
        answer = fields;
      });
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', () => undefined);
      stream.on('close', () => {
        if (answer === undefined) return resolve({ lost: true, code: stream.rstCode });
        const status = Number(answer[constants.HTTP2_HEADER_STATUS]);
        resolve({ status, fields: answer, body: Buffer.concat(chunks).toString(), streamId: stream.id ?? 0 });
      });
    });
    stream.end(body);
    return done;
  }

  async post(headers: OutgoingHttpHeaders, body: string | Buffer): Promise<Answer> {
    const answer = await this.send(headers, body);
    if ('lost' in answer) throw new Error(`the stream ended with code ${answer.code} and no answer`);
    return answer;
  }

  async close(): Promise<void> {
    if (!this.session.destroyed) this.session.destroy();
    await this.#closed;
  }
}
