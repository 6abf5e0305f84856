// Thread: any
/**
 * Starts the fake XMPP server in a process of its own and speaks to it: for benches and the demo, where the load must
 * not run on the engine's thread.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { extname } from 'node:path';
import { EngineError } from '../core/errors.ts';
import type { FireOptions, FireReport } from './load-run.ts';
import type { FromServer, Numbered, ServerStart, ToServer } from './server-messages.ts';
import type { PushTarget } from './traffic.ts';
import type { FakeServerCounters } from './xmpp-server.ts';

interface Waiting {
  readonly resolve: (message: FromServer) => void;
  readonly reject: (reason: EngineError) => void;
}

export class XmppServerProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;
  #port = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', ({ number, message }: Numbered<FromServer>) => {
      this.#waiting.get(number)?.resolve(message);
      this.#waiting.delete(number);
    });
    child.on('exit', (code) => {
      for (const { reject } of this.#waiting.values()) reject(broken(`it ended with code ${code}`));
      this.#waiting.clear();
    });
  }

  static async start(options: ServerStart): Promise<XmppServerProcess> {
    const child = fork(new URL(`xmpp-server-main${extname(import.meta.filename)}`, import.meta.url));
    const server = new XmppServerProcess(child);
    const started = await server.#ask({ kind: 'start', options });
    if (started.kind !== 'started') throw broken(started.kind);
    server.#port = started.port;
    return server;
  }

  get port(): number {
    return this.#port;
  }

  async whenOnline(count = 1): Promise<void> {
    await this.#ask({ kind: 'await-online', count });
  }

  /** @returns how many users publishes go to from now on, and how many of these were refused. */
  async register(first: number, count: number): Promise<{ readonly count: number; readonly failed: number }> {
    const answer = await this.#ask({ kind: 'register', first, count });
    if (answer.kind !== 'registered') throw broken(answer.kind);
    return answer;
  }

  /** Publishes go to these nodes from now on. */
  async makeTargets(count: number): Promise<readonly PushTarget[]> {
    const answer = await this.#ask({ kind: 'make-targets', count });
    if (answer.kind !== 'targets') throw broken(answer.kind);
    return answer.targets;
  }

  async fire(options: FireOptions): Promise<FireReport> {
    const answer = await this.#ask({ kind: 'fire', options });
    if (answer.kind !== 'fired') throw broken(answer.kind);
    return answer.report;
  }

  /** The figures of the run under way; null when there is none. */
  async progress(): Promise<FireReport | null> {
    const answer = await this.#ask({ kind: 'progress' });
    if (answer.kind !== 'progress') throw broken(answer.kind);
    return answer.report;
  }

  /** Ends the run under way early: `fire` resolves when what was sent is answered. */
  async finish(): Promise<void> {
    await this.#ask({ kind: 'finish' });
  }

  async counters(): Promise<FakeServerCounters> {
    const answer = await this.#ask({ kind: 'report' });
    if (answer.kind !== 'reported') throw broken(answer.kind);
    return answer.counters;
  }

  async stop(): Promise<void> {
    await this.#ask({ kind: 'stop' });
  }

  async #ask(message: ToServer): Promise<FromServer> {
    const number = this.#asked++;
    const answer = await new Promise<FromServer>((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
      this.#child.send({ number, message });
    });
    if (answer.kind === 'failed') throw broken(answer.reason);
    return answer;
  }
}

function broken(reason: string): EngineError {
  return new EngineError('E_ENGINE_STATE', `the fake XMPP server's process is of no use: ${reason}`);
}
