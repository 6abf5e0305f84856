// Thread: main
/** `h2load`, the load generator of nghttp2: what one connection can carry when the client is written in C. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { programPath } from './programs.ts';
import { contentFields, inFlightMax, wireRequests } from './wire-clients.ts';
import type { BenchGateway } from './bench-gateway.ts';
import type { Sustained } from './sustained.ts';

/** The first of the requests that the other clients send, again and again. `undefined`: not installed. */
export async function runH2load(gateway: BenchGateway, count: number): Promise<Sustained | undefined> {
  const program = programPath('h2load');
  const [request] = wireRequests(gateway.tokens);
  if (program === undefined || request === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'meerkat-bench-'));
  try {
    const bodyFile = join(folder, 'body');
    writeFileSync(bodyFile, request.body);
    const fields = Object.entries({ ...contentFields, ...request.shared, ...request.fields });
    const { stdout } = await promisify(execFile)('sh', [
      ...['-c', '"$@" && times', 'sh', program],
      ...[`-n${count}`, '-c1', `-m${inFlightMax}`, `-d${bodyFile}`],
      ...fields.map(([name, value]) => `-H${name}: ${value}`),
      `https://127.0.0.1:${gateway.port}${request.path}`,
    ]);
    return sustainedIn(stdout, count);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Its own report, and after it the shell's: user and system time of itself, then of its children. */
function sustainedIn(report: string, count: number): Sustained {
  const [, took = '', unit = ''] = /^finished in ([\d.]+)(us|ms|s),/m.exec(report) ?? [];
  const [, answers = '0'] = /^status codes: (\d+) 2xx/m.exec(report) ?? [];
  const times = [...report.matchAll(/(\d+)m([\d.]+)s/g)].slice(-2);
  const cpuSeconds = times.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
  if (Number(answers) !== count) throw new Error(`h2load was answered ${answers} of ${count} requests`);
  const unitMs = unit === 's' ? 1_000 : unit === 'ms' ? 1 : 0.001;
  return { answers: count, elapsedMs: Number(took) * unitMs, cpuMicros: cpuSeconds * 1e6 };
}
