/**
 * A real server as a child process: its own scratch folder, loopback, free ports, the server's own user when we are
 * root. The kernel kills it when this process dies (setpriv --pdeathsig), so that no aborted test leaves one behind.
 */
import { execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { accessSync, chmodSync, constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { GiveUp, until } from './deadline.ts';
import type { ChildProcess } from 'node:child_process';

/** Below the ports that Linux gives to outgoing connections (32768 and up), so that none of those can take one. */
const portsFrom = 12_000;
const portsTo = 32_000;

const startsMax = 3;

/** Ports on 127.0.0.1 that nobody listens on. Drawn by lot, so that test files running side by side do not meet. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const found = new Set<number>();
  while (found.size < count) {
    const port = randomInt(portsFrom, portsTo);
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  return [...found];
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  probe.listen(port, '127.0.0.1');
  try {
    await once(probe, 'listening');
  } catch {
    return false;
  }
  probe.close();
  await once(probe, 'close');
  return true;
}

/** `true` when somebody accepts connections there, `undefined` when not (yet). */
export async function accepts(port: number): Promise<true | undefined> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return undefined;
  } finally {
    socket.destroy();
  }
}

/** The full path of a program, or `undefined` when it is not installed. Debian keeps servers' tools in sbin. */
export function programPath(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/sbin'];
  for (const folder of folders) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      continue;
    }
  }
  return undefined;
}

export interface ProcessOptions {
  readonly name: string;
  /** Program and arguments, asked once the folder is there. */
  readonly command: (folder: string) => readonly [program: string, ...args: string[]];
  /** The user it runs as when we are root; anybody else runs it as himself. */
  readonly user: string;
  readonly files: (folder: string) => Readonly<Record<string, string>>;
  readonly environment: (folder: string) => Readonly<Record<string, string>>;
}

/**
 * Starts a server by `attempt`, which draws ports by lot: another process may have taken one by the time the server
 * wants it, so a failed start is tried again with others.
 */
export async function startServer<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = startsMax - 1; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0 || !(error instanceof GiveUp)) throw error;
    }
  }
}

export class ServerProcess {
  readonly folder: string;
  readonly #options: ProcessOptions;
  readonly #name: string;
  readonly #user: string;
  #child: ChildProcess;
  #ended: Promise<unknown>;
  #output = '';

  constructor(options: ProcessOptions) {
    this.#options = options;
    this.#name = options.name;
    this.#user = options.user;
    this.folder = mkdtempSync(join(tmpdir(), `meerkat-${options.name}-`));
    for (const [file, text] of Object.entries(options.files(this.folder))) writeFileSync(join(this.folder, file), text);
    chmodSync(this.folder, 0o750);
    if (runsAsRoot()) execFileSync('chown', ['-R', `${options.user}:`, this.folder]);
    this.#child = this.#spawn();
    this.#ended = endOf(this.#child);
  }

  /** With the folder as the server before it left it, which has been killed. */
  restart(): void {
    this.#output = '';
    this.#child = this.#spawn();
    this.#ended = endOf(this.#child);
  }

  /** Resolves when it is dead; its folder stays, for `restart`. */
  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    if (this.#child.pid === undefined) return;
    this.#child.kill(signal);
    await this.#ended;
  }

  /** Stops the server and the processes it has started; resolves when each of them stands still. */
  async freeze(): Promise<void> {
    for (const pid of this.#family()) {
      process.kill(pid, 'SIGSTOP');
      await until(`${this.#name} stands still`, () =>
        / T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')) ? true : undefined,
      );
    }
  }

  thaw(): void {
    for (const pid of this.#family()) process.kill(pid, 'SIGCONT');
  }

  /** Runs a short program of the server's package as the server's user; returns its standard output. */
  run(program: string, args: readonly string[]): string {
    const [first, ...rest] = this.#asUser([program, ...args], []);
    return execFileSync(first, rest, { cwd: this.folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** Resolves when `question` is answered; gives up as soon as the server has ended or could not have a port. */
  async untilUp(question: () => Promise<true | undefined>, deadlineMs?: number): Promise<void> {
    const answered = async (): Promise<true | undefined> => {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) {
        throw new GiveUp(`${this.#name} ended by itself\n${this.tail()}`);
      }
      if (/address already in use/i.test(this.tail()))
        throw new GiveUp(`${this.#name}: a port is taken\n${this.tail()}`);
      return await question();
    };
    await until(`${this.#name} answers`, answered, deadlineMs);
  }

  /** The end of what it wrote, for a failing test's message. */
  tail(logFile = `${this.#name}.log`): string {
    try {
      return `${this.#output}\n${readFileSync(join(this.folder, logFile), 'utf8').slice(-4_000)}`;
    } catch {
      return this.#output;
    }
  }

  /** At once: what it would still write goes with its folder. */
  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #family(): readonly number[] {
    const { pid } = this.#child;
    if (pid === undefined) return [];
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return [pid, ...(children === '' ? [] : children.split(' ').map(Number))];
  }

  #spawn(): ChildProcess {
    const options = this.#options;
    const [program, ...args] = this.#asUser(options.command(this.folder), ['--pdeathsig', 'KILL']);
    const child = spawn(program, args, {
      cwd: this.folder,
      env: { PATH: process.env['PATH'] ?? '', HOME: this.folder, LANG: 'C.UTF-8', ...options.environment(this.folder) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const pipe of [child.stdout, child.stderr]) {
      pipe.setEncoding('utf8').on('data', (text: string) => (this.#output = (this.#output + text).slice(-20_000)));
    }
    return child;
  }

  #asUser(command: readonly [string, ...string[]], flags: readonly string[]): [string, ...string[]] {
    const identity = runsAsRoot() ? ['--reuid', this.#user, '--regid', this.#user, '--init-groups'] : [];
    return identity.length + flags.length === 0 ? [...command] : ['setpriv', ...identity, ...flags, ...command];
  }
}

function endOf(child: ChildProcess): Promise<unknown> {
  const ended = once(child, 'exit');
  ended.catch(() => undefined); // `spawn` itself failed; `untilUp` says so
  return ended;
}

function runsAsRoot(): boolean {
  return process.getuid?.() === 0;
}
