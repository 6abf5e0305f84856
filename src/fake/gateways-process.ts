// Thread: any
/**
 * Fake gateways in a process of their own, so that what they cost is not measured with the engine, and so that a demo's
 * gateways are really across a network. The process ends with `stop()`, or when ours does.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isGatewaysReply } from './gateways-protocol.ts';
import type {
  GatewayCounts,
  GatewayName,
  GatewaySetAccess,
  GatewaySetOptions,
  ReceivedSummary,
} from './gateway-set.ts';
import type { ScriptChange } from './gateway-script.ts';
import type { GatewaysAsk, GatewaysReply } from './gateways-protocol.ts';

/** The calls reject when the process is gone. */
export interface GatewaysProcess extends GatewaySetAccess {
  readonly pid: number;
  counts(): Promise<GatewayCounts>;
  /** The newest requests, oldest first. */
  recent(name: GatewayName, countMax: number): Promise<readonly ReceivedSummary[]>;
  /** Resolves when the change is in force. */
  script(name: GatewayName, change: ScriptChange): Promise<void>;
  unregister(name: GatewayName, token: string): Promise<void>;
  /** Resolves when the process has ended. */
  stop(): Promise<void>;
}

export interface GatewaysProcessOptions extends GatewaySetOptions {
  /** Of the gateways' chance; default 1. */
  readonly seed?: number;
}

type WithoutId<A> = A extends unknown ? Omit<A, 'id'> : never;

/** Rejects if a port is taken or the process cannot start. */
export async function startGateways(options: GatewaysProcessOptions): Promise<GatewaysProcess> {
  const main = new URL(`./gateways-main${extname(import.meta.filename)}`, import.meta.url);
  const channel = new Channel(fork(fileURLToPath(main), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }));
  const { seed = 1, ...set } = options;
  try {
    const { access } = expectKind(await channel.ask({ kind: 'start', options: set, seed }), 'started');
    return gatewaysOf(channel, access);
  } catch (error) {
    await channel.end();
    throw error;
  }
}

function gatewaysOf(channel: Channel, access: GatewaySetAccess): GatewaysProcess {
  return {
    ...access,
    pid: channel.pid,
    async counts() {
      return expectKind(await channel.ask({ kind: 'counts' }), 'counts').counts;
    },
    async recent(name, countMax) {
      return expectKind(await channel.ask({ kind: 'recent', name, countMax }), 'recent').recent;
    },
    async script(name, change) {
      expectKind(await channel.ask({ kind: 'script', name, change }), 'done');
    },
    async unregister(name, token) {
      expectKind(await channel.ask({ kind: 'unregister', name, token }), 'done');
    },
    async stop() {
      if (channel.isOpen) await channel.ask({ kind: 'stop' }).catch(() => undefined);
      await channel.end();
    },
  };
}

function expectKind<K extends GatewaysReply['kind']>(
  reply: GatewaysReply,
  kind: K,
): Extract<GatewaysReply, { kind: K }> {
  if (isKind(reply, kind)) return reply;
  throw new Error(`fake gateways: ${reply.kind === 'failed' ? reply.reason : `unexpected reply ${reply.kind}`}`);
}

function isKind<K extends GatewaysReply['kind']>(
  reply: GatewaysReply,
  kind: K,
): reply is Extract<GatewaysReply, { kind: K }> {
  return reply.kind === kind;
}

interface Waiting {
  readonly resolve: (reply: GatewaysReply) => void;
  readonly reject: (error: Error) => void;
}

/** Asks with numbers, and the end of the process as the answer to all that are open. */
class Channel {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly #ended: Promise<void>;
  #isOpen = true;
  #nextId = 1;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (message: unknown) => {
      if (!isGatewaysReply(message)) return;
      this.#waiting.get(message.id)?.resolve(message);
      this.#waiting.delete(message.id);
    });
    this.#ended = new Promise((resolve) => {
      child.once('error', (error) => this.#close(`could not be started: ${error.message}`, resolve));
      child.once('exit', (code, signal) => this.#close(`ended with ${signal ?? `code ${code}`}`, resolve));
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  ask(ask: WithoutId<GatewaysAsk>): Promise<GatewaysReply> {
    if (!this.#isOpen) return Promise.reject(new Error('fake gateways: the process has ended'));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ ...ask, id });
    });
  }

  /** The process ends when its channel does. */
  end(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    return this.#ended;
  }

  #close(reason: string, resolve: () => void): void {
    this.#isOpen = false;
    for (const waiting of this.#waiting.values()) waiting.reject(new Error(`fake gateways: the process ${reason}`));
    this.#waiting.clear();
    resolve();
  }
}
