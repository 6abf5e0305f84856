// Thread: main
/**
 * A gateway in a process of its own, TLS and HTTP/2, that says 200 to every request: `nghttpd`, which is written in C
 * and by others, or our answering fake, which costs a third of its CPU and counts what it sees.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/core/clock.ts';
import { seededRandom } from '../src/core/random.ts';
import { makeAuthority } from '../src/fake/certificates.ts';
import { startGateways } from '../src/fake/gateways-process.ts';
import { programPath } from './programs.ts';

export interface BenchGateway {
  readonly name: 'nghttpd' | 'answering';
  /** On `localhost`. */
  readonly port: number;
  readonly caPem: string;
  /** Device tokens that are answered 200. */
  readonly tokens: readonly string[];
  stop(): Promise<void>;
}

export interface AnsweringProcess extends BenchGateway {
  /** `caPem` as a file. */
  readonly caFile: string;
  /** What a provider signs its tokens with; nobody looks at them here. */
  readonly key: { readonly keyPem: string; readonly keyId: string; readonly teamId: string; readonly topic: string };
  /** Requests it has read. */
  requests(): Promise<number>;
  /** From now on this share of the requests is answered so much later; 0 ms = never. */
  stall(share: number, answerAfterMs: number): Promise<void>;
}

/** Requests that may be open on one connection, as many as Apple allows. */
const appleStreamsMax = 1_000;
const tokenCount = 64;
const startMs = 10_000;

function benchTokens(): string[] {
  const random = seededRandom(64);
  return Array.from({ length: tokenCount }, () => random.bytes(32).toString('hex'));
}

export async function startAnswering(answeringStreamsMax: number = appleStreamsMax): Promise<AnsweringProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'meerkat-bench-'));
  const gateways = await startGateways({ gateways: ['answering'], answeringStreamsMax });
  const caFile = join(folder, 'authority.pem');
  writeFileSync(caFile, gateways.caPem);
  return {
    name: 'answering',
    port: gateways.ports.answering,
    caPem: gateways.caPem,
    caFile,
    key: gateways.credentials.apns,
    tokens: benchTokens(),
    requests: async () => (await gateways.counts()).answering.received,
    stall: (share, answerAfterMs) =>
      gateways.script('answering', { kind: 'share', share, behaviour: { kind: 'stall', answerAfterMs } }),
    async stop() {
      await gateways.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** `undefined`: not installed. */
export async function startNghttpd(): Promise<BenchGateway | undefined> {
  const program = programPath('nghttpd');
  if (program === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'meerkat-bench-'));
  const authority = await makeAuthority(systemClock);
  const { certPem, keyPem } = await authority.server();
  const certFile = join(folder, 'certificate.pem');
  const keyFile = join(folder, 'key.pem');
  writeFileSync(certFile, certPem);
  writeFileSync(keyFile, keyPem);
  // It serves files: an empty one for each device is an answer of 200 without a body.
  const tokens = benchTokens();
  mkdirSync(join(folder, 'htdocs', '3', 'device'), { recursive: true });
  for (const token of tokens) writeFileSync(join(folder, 'htdocs', '3', 'device', token), '');
  const port = await freePort();
  // Windows that no client of a benchmark fills, as Apple's are wide.
  const options = ['--address=127.0.0.1', `--htdocs=${join(folder, 'htdocs')}`, `-m${appleStreamsMax}`, '-w20', '-W24'];
  const child = spawn(program, [...options, String(port), keyFile, certFile], { stdio: 'ignore' });
  const kill = (): boolean => child.kill('SIGKILL');
  process.once('exit', kill);
  const ended = once(child, 'exit');
  await Promise.race([listening(port), ended.then(() => Promise.reject(new Error('nghttpd ended at once')))]);
  return {
    name: 'nghttpd',
    port,
    caPem: authority.caPem,
    tokens,
    async stop() {
      kill();
      await ended;
      process.off('exit', kill);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP server has an address');
  return address.port;
}

async function listening(port: number): Promise<void> {
  const endMs = systemClock.monotonicMs() + startMs;
  while (systemClock.monotonicMs() < endMs) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch {
      await new Promise<void>((resolve) => systemClock.after(20, resolve));
    } finally {
      socket.destroy();
    }
  }
  throw new Error('nghttpd does not listen');
}
