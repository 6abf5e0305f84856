/** An HTTP server on loopback with a door that answers as a test says, and a client that shows what came back. */
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { systemClock } from '../../../src/core/clock.ts';
import { openHttp } from '../../../src/http/http-server.ts';
import { limits } from '../../../src/core/limits.ts';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { TestContext } from 'node:test';
import type { HttpConfig } from '../../../config/engine-config.ts';
import type { Cancel, Clock } from '../../../src/core/clock.ts';
import type { EnabledAnswer, EnabledRegistration } from '../../../src/core/enabled.ts';
import type { EventResult } from '../../../src/core/event.ts';
import type { Logger } from '../../../src/core/log.ts';
import type { EngineDoor } from '../../../src/http/engine-door.ts';
import type { HttpBounds } from '../../../src/http/http-bounds.ts';
import type { HttpServer } from '../../../src/http/http-server.ts';

export const token = 'the-token-of-the-tests';

export const noted: EventResult = { kind: 'noted' };

/** Answers what it was told to; keeps what it was asked. */
export class ScriptedDoor implements EngineDoor {
  readonly batches: { readonly inputs: readonly unknown[]; readonly waitMs: number | undefined }[] = [];
  readonly asked: unknown[][] = [];
  readonly stanzas: string[] = [];
  /** What becomes of a batch; default: every event is noted. */
  onEvents: (inputs: readonly unknown[]) => Promise<readonly EventResult[]> = (inputs) =>
    Promise.resolve(inputs.map(() => noted));
  answer: EnabledAnswer = { kind: 'done', count: 1 };
  rows: readonly EnabledRegistration[] | undefined = [];
  onIQ: (stanza: string) => Promise<string | undefined> = () => Promise.resolve("<iq type='result' id='e1'/>");

  onRawEvents(inputs: readonly unknown[], waitMs?: number): Promise<readonly EventResult[]> {
    this.batches.push({ inputs, waitMs });
    return this.onEvents(inputs);
  }
  enable(...input: Parameters<EngineDoor['enable']>): Promise<EnabledAnswer> {
    return this.#note('enable', input);
  }
  disable(...input: Parameters<EngineDoor['disable']>): Promise<EnabledAnswer> {
    return this.#note('disable', input);
  }
  removeAccount(owner: string): Promise<EnabledAnswer> {
    return this.#note('removeAccount', [owner]);
  }
  removeDomain(domain: string): Promise<EnabledAnswer> {
    return this.#note('removeDomain', [domain]);
  }
  enabledOf(owner: string): Promise<readonly EnabledRegistration[] | undefined> {
    this.asked.push(['enabledOf', owner]);
    return Promise.resolve(this.rows);
  }
  pushIQ(stanza: string): Promise<string | undefined> {
    this.stanzas.push(stanza);
    return this.onIQ(stanza);
  }
  #note(name: string, values: readonly unknown[]): Promise<EnabledAnswer> {
    this.asked.push([name, ...values]);
    return Promise.resolve(this.answer);
  }
}

/** The machine's clock, but timers fire when a test says so. */
export class HeldTimers implements Clock {
  readonly #tasks = new Set<() => void>();
  readonly now: Clock['now'] = () => systemClock.now();
  readonly soon: Clock['soon'] = (task) => systemClock.soon(task);
  nowMs = 0;
  monotonicMs = (): number => this.nowMs;

  after(_delayMs: number, task: () => void): Cancel {
    this.#tasks.add(task);
    return () => this.#tasks.delete(task);
  }
  get size(): number {
    return this.#tasks.size;
  }
  fire(): void {
    const due = [...this.#tasks];
    this.#tasks.clear();
    for (const task of due) task();
  }
}

export interface LogLine {
  readonly level: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: () => { readonly [key: string]: unknown };
}

export interface Call {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export interface World {
  readonly door: ScriptedDoor;
  readonly server: HttpServer;
  readonly clock: HeldTimers;
  readonly log: LogLine[];
  readonly port: number;
  /** With the token, unless `headers` say otherwise. */
  readonly call: (call: Call) => Promise<Answer>;
  /** A socket on which a test writes bytes. */
  readonly dial: () => Promise<RawConnection>;
}

export interface WorldOptions {
  readonly http?: Partial<HttpConfig>;
  readonly bounds?: Partial<HttpBounds>;
  readonly caPem?: string;
}

export async function openWorld(t: TestContext, options: WorldOptions = {}): Promise<World> {
  const door = new ScriptedDoor();
  const clock = new HeldTimers();
  const log: LogLine[] = [];
  const write =
    (level: string): Logger['info'] =>
    (fields, message) =>
      log.push({ level, fields, message });
  const logger = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
  const http = {
    host: '127.0.0.1',
    port: 0,
    token,
    certificatePem: '',
    keyPem: '',
    receiverDomain: '',
    ...options.http,
  };
  const bounds = { ...limits, ...options.bounds };
  const server = await openHttp({
    http,
    door,
    replyMs: 10_000,
    engineFigures: () => ({ counted: 3 }),
    clock,
    logger,
    bounds,
  });
  t.after(async () => {
    const closed = server.close(0);
    clock.fire();
    await closed;
  });
  const { port } = server.address;
  return {
    door,
    server,
    clock,
    log,
    port,
    call: (call) => callServer(port, call, options.caPem),
    dial: () => RawConnection.open(t, port),
  };
}

function callServer(port: number, call: Call, caPem: string | undefined): Promise<Answer> {
  const { method = 'GET', path, body } = call;
  const headers = { authorization: `Bearer ${token}`, ...call.headers };
  const where = { host: '127.0.0.1', port, method, path, headers, agent: false };
  return new Promise((resolve, reject) => {
    const read = (response: IncomingMessage): void => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        const { statusCode: status = 0 } = response;
        resolve({ status, headers: response.headers, text, json: () => JSON.parse(text) as Record<string, unknown> });
      });
    };
    const request =
      caPem === undefined
        ? httpRequest(where, read)
        : httpsRequest({ ...where, ca: caPem, servername: 'localhost' }, read);
    request.on('error', reject);
    request.end(body);
  });
}

/** Bytes out, bytes in. */
export class RawConnection {
  text = '';
  readonly #socket: ReturnType<typeof connect>;
  readonly closed: Promise<unknown>;

  constructor(socket: ReturnType<typeof connect>) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => (this.text += chunk));
    socket.on('error', () => undefined); // a cut is what some tests wait for
    this.closed = once(socket, 'close');
  }

  static async open(t: TestContext, port: number): Promise<RawConnection> {
    const socket = connect(port, '127.0.0.1');
    const connection = new RawConnection(socket);
    t.after(() => socket.destroy());
    await once(socket, 'connect');
    return connection;
  }

  write(text: string): void {
    this.#socket.write(text);
  }

  /** Until what has come matches. */
  async until(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.text)) await once(this.#socket, 'data');
  }
}

/** A promise with its resolver. */
export function later<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}
