// Thread: main
/**
 * HTTP/2 clients from one thread over one connection, the same requests to the same server, which is another process:
 * what a request costs, how many there are in a second, and what one weighs while it flies.
 */
import { startAnswering, startNghttpd } from './bench-gateway.ts';
import { runH2load } from './h2load.ts';
import { ratioOf } from './harness.ts';
import { bytesInFlight } from './heap-in-flight.ts';
import { cpuOf, measureWindow, medianBy, middleRow, nextTurn, rateOf } from './sustained.ts';
import { inFlightMax, ours, wireClients } from './wire-clients.ts';
import type { AnsweringProcess, BenchGateway } from './bench-gateway.ts';
import type { BenchFile, Mode, Ratio, Result } from './harness.ts';
import type { Sustained, Window } from './sustained.ts';
import type { OpenWireClient } from './wire-clients.ts';

const goals = [
  { of: 'cpu', other: 'wire: node:http2', ratio: 'wire-cpu/node-http2', goal: 15 },
  { of: 'cpu', other: 'wire: http2-wrapper', ratio: 'wire-cpu/http2-wrapper', goal: 25 },
  { of: 'cpu', other: 'wire: undici', ratio: 'wire-cpu/undici', goal: 60 },
  { of: 'rate', other: 'wire: node:http2', ratio: 'wire-rate/node-http2', goal: 5 },
  { of: 'rate', other: 'wire: h2load', ratio: 'wire-rate/h2load', goal: 0.5 },
] as const;

interface Parameters extends Window {
  readonly rounds: number;
  readonly h2loadCount: number;
  readonly heapRequests: number;
}

const parameters: Readonly<Record<Mode, Parameters>> = {
  smoke: { rounds: 1, warmupMs: 0, measureMs: 100, h2loadCount: 2_000, heapRequests: 5_000 },
  real: { rounds: 3, warmupMs: 700, measureMs: 2_000, h2loadCount: 300_000, heapRequests: 20_000 },
};

async function run(mode: Mode): Promise<readonly Result[]> {
  const given = parameters[mode];
  // Our fake counts what it sees: in smoke mode that is what is looked at, on the way that others go without nghttpd.
  const answering = mode === 'smoke' ? await startAnswering() : undefined;
  const fallback = answering === undefined ? undefined : await compare(answering, given);
  await answering?.stop();
  const nghttpd = await startNghttpd();
  const results = nghttpd === undefined ? (fallback ?? (await compareOnFake(given))) : await compare(nghttpd, given);
  await nghttpd?.stop();
  const bytes = await bytesInFlight(given.heapRequests);
  return [...results, ratioOf('heap-in-flight/kib', 1_024 / bytes, 1)];
}

async function compareOnFake(given: Parameters): Promise<readonly Result[]> {
  const answering = await startAnswering();
  const results = await compare(answering, given);
  await answering.stop();
  return results;
}

/** All clients in turn, and that again: what disturbs the machine for a while disturbs all of them. */
async function compare(gateway: BenchGateway | AnsweringProcess, given: Parameters): Promise<readonly Result[]> {
  const runs = new Map<string, Sustained[]>();
  const keep = (name: string, result: Sustained | undefined): void => {
    if (result === undefined) return;
    runs.set(name, [...(runs.get(name) ?? []), result]);
  };
  for (let round = 0; round < given.rounds; round++) {
    for (const [name, open] of Object.entries(wireClients)) keep(name, await sustain(name, { open, gateway, given }));
    keep('wire: h2load', await runH2load(gateway, given.h2loadCount));
  }
  return [...[...runs].map(([name, some]) => middleRow('wire', name, some)), ...ratiosOf(runs)];
}

/** Goals against a client that is not installed are left out. */
function ratiosOf(runs: ReadonlyMap<string, readonly Sustained[]>): readonly Ratio[] {
  const mine = runs.get(ours) ?? [];
  return goals.flatMap(({ of, other, ratio, goal }) => {
    const others = runs.get(other);
    if (others === undefined) return [];
    const value =
      of === 'cpu'
        ? medianBy(others, cpuOf) / medianBy(mine, cpuOf)
        : medianBy(mine, rateOf) / medianBy(others, rateOf);
    return [ratioOf(ratio, value, goal)];
  });
}

interface Sending {
  readonly open: OpenWireClient;
  readonly gateway: BenchGateway | AnsweringProcess;
  readonly given: Parameters;
}

/** Throws unless each request is answered 200, and the server has seen as many, where it counts. */
async function sustain(name: string, { open, gateway, given }: Sending): Promise<Sustained> {
  const seenBefore = 'requests' in gateway ? await gateway.requests() : 0;
  const load = { sent: 0, answered: 0, refused: 0, stopping: false };
  const fill = (): void => {
    while (!load.stopping && load.sent - load.answered < inFlightMax) client.send(load.sent++);
  };
  const client = open(gateway, (status) => {
    load.answered++;
    if (status !== 200) load.refused++;
    fill();
  });
  fill();
  while (load.answered === 0) await nextTurn();
  const result = await measureWindow(() => load.answered, given);
  load.stopping = true;
  while (load.answered < load.sent) await nextTurn();
  await client.close();
  const { sent, refused } = load;
  if (refused > 0) throw new Error(`${name}: ${refused} of ${sent} requests were not answered 200`);
  const seen = 'requests' in gateway ? (await gateway.requests()) - seenBefore : sent;
  if (seen !== sent) throw new Error(`${name}: ${sent} requests were answered, the server has seen ${seen}`);
  return result;
}

export const wireBench: BenchFile = { name: 'wire', run };
