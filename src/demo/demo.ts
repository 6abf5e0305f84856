// Thread: main
/**
 * `meerkat demo`, which is also `npm start`: the whole main job on the embedded default. A fake XMPP server in one
 * process publishes, fake gateways in another answer over TLS HTTP/2, and the engine runs here, as it would for real.
 * Ends after the given time or at Ctrl-C, with a summary; with `json` its last line is one JSON object.
 */
import { systemClock } from '../core/clock.ts';
import { outcomeKinds } from '../core/outcome.ts';
import { startGateways } from '../fake/gateways-process.ts';
import { XmppServerProcess } from '../fake/xmpp-server-process.ts';
import { createEngine } from '../index.ts';
import { addOutcomes, noOutcomes } from '../publish/dispatch-figures.ts';
import { demoConfig } from './demo-config.ts';
import { renderView } from './live-view.ts';
import { Screen } from './screen.ts';
import type { Engine } from '../engine.ts';
import type { Logger } from '../core/log.ts';
import type { GatewaysProcess } from '../fake/gateways-process.ts';
import type { FireOptions, FireReport } from '../fake/load-run.ts';
import type { DemoView } from './live-view.ts';

export interface DemoOptions {
  /** 0: until Ctrl-C. */
  readonly seconds: number;
  /** Publishes a second; 0: as fast as it goes. */
  readonly rate: number;
  readonly json: boolean;
  /** Devices that register before the traffic starts. */
  readonly users: number;
  readonly dataDir: string;
  readonly logger: Logger;
}

export interface DemoSummary {
  readonly sent: number;
  readonly delivered: number;
  readonly rejected: number;
  /** Publishes that got neither a result nor an error. */
  readonly lost: number;
  readonly ratePerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly seconds: number;
  readonly outcomes: Readonly<Record<string, number>>;
  /** What the fake gateways say they have accepted. */
  readonly acceptedByGateways: number;
}

const component = 'push.example.net';
const secret = 'demo';
const fakeServer = { profile: 'ejabberd', domain: 'example.com', port: 0, seed: 1 } as const;
// With rate 0 this many publishes wait for their answers at a time: the credit of one provider.
const inFlightMax = 1_024;
const viewMs = 500;
// Not counted in the figures.
const warmupCount = 64;
// After the last publish its answer may take as long as the engine waits for an outcome.
const settleMs = 10_000;

/** @returns 0, or 1 when a publish got no answer. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const screen = new Screen(process.stderr, options.json);
  screen.note('starting fake gateways and a fake XMPP server ...');
  const gateways = await startGateways({ gateways: ['apns', 'fcm'] });
  const server = await XmppServerProcess.start({ ...fakeServer, component, secret });
  const addresses = { dataDir: options.dataDir, xmppPort: server.port, component, secret, gateways };
  const engine = await createEngine(demoConfig(addresses), { logger: options.logger });
  try {
    await engine.start();
    await server.whenOnline();
    screen.note(`registering ${options.users} devices by ad-hoc command ...`);
    const registered = await server.register(0, options.users);
    if (registered.failed > 0) screen.note(`${registered.failed} registrations failed`);
    const report = await publishAll(options, { engine, server, screen });
    const summary = await summaryOf(report, engine, gateways);
    for (const line of options.json ? [JSON.stringify(summary)] : summaryLines(summary)) console.log(line);
    return summary.lost === 0 ? 0 : 1;
  } finally {
    await engine.stop();
    await Promise.all([server.stop(), gateways.stop()]);
  }
}

async function publishAll(options: DemoOptions, parts: Omit<ViewParts, 'startedMs'>): Promise<FireReport> {
  const { server, screen } = parts;
  const traffic: FireOptions = {
    count: Number.MAX_SAFE_INTEGER,
    durationMs: options.seconds * 1_000,
    ratePerSecond: options.rate,
    inFlightMax: options.rate === 0 ? inFlightMax : Math.max(inFlightMax, options.rate * 5),
    batchMax: 64,
    settleMs,
  };
  // Connections to the gateways open with the first pushes: what that takes is not the latency of the ones after.
  await server.fire({ ...traffic, count: warmupCount, durationMs: 0 });
  const stop = (): void => {
    screen.note('ending: waiting for the last answers ...');
    void server.finish();
  };
  process.once('SIGINT', stop);
  const view = new LiveView({ ...parts, startedMs: systemClock.monotonicMs() });
  const report = await server.fire(traffic);
  process.off('SIGINT', stop);
  await view.end();
  return report;
}

interface ViewParts {
  readonly engine: Engine;
  readonly server: XmppServerProcess;
  readonly screen: Screen;
  readonly startedMs: number;
}

/** Redraws the figures twice a second until it is ended. */
class LiveView {
  readonly #parts: ViewParts;
  readonly #rates: number[] = [];
  #lastAnswered = 0;
  #cancel: () => void = () => undefined;
  #drawing: Promise<void> = Promise.resolve();
  #ended = false;

  constructor(parts: ViewParts) {
    this.#parts = parts;
    this.#later();
  }

  async end(): Promise<void> {
    this.#ended = true;
    this.#cancel();
    await this.#drawing;
  }

  #later(): void {
    this.#cancel = systemClock.after(viewMs, () => {
      this.#drawing = this.#draw().then(() => (this.#ended ? undefined : this.#later()));
    });
  }

  async #draw(): Promise<void> {
    const { engine, server, screen, startedMs } = this.#parts;
    const report = await server.progress();
    if (report === null || this.#ended) return;
    const answered = report.sent - report.lost;
    this.#rates.push(((answered - this.#lastAnswered) * 1_000) / viewMs);
    if (this.#rates.length > 60) this.#rates.shift();
    this.#lastAnswered = answered;
    screen.show(renderView(viewOf(report, engine, this.#rates, (systemClock.monotonicMs() - startedMs) / 1_000)));
  }
}

function viewOf(report: FireReport, engine: Engine, rates: readonly number[], elapsedSeconds: number): DemoView {
  const figures = engine.figures();
  const outcomes = outcomesOf(engine);
  const deepest = figures.shards.toSorted((left, right) => right.depth - left.depth)[0];
  return {
    elapsedSeconds,
    ratePerSecond: rates.at(-1) ?? 0,
    recentRates: rates,
    p50Ms: report.latencyMs.p50,
    p99Ms: report.latencyMs.p99,
    sent: report.sent,
    delivered: report.results,
    rejected: errorsOf(report),
    waiting: report.lost,
    outcomes: outcomeKinds.map((kind) => [kind, outcomes[kind] ?? 0]),
    queues: [
      ...figures.routers.map((router) => ({ name: `router ${router.server} (chunks)`, ...router.mailbox })),
      ...(deepest === undefined ? [] : [{ name: 'fullest shard', ...deepest }].map(withoutPath)),
      ...figures.dispatchers.flatMap((dispatcher) => [
        { name: `${dispatcher.provider} in flight`, depth: dispatcher.inFlight, capacity: dispatcher.creditMax },
      ]),
    ],
    residentMb: process.memoryUsage.rss() / 1_048_576,
  };
}

function withoutPath({ name, depth, capacity }: { name: string; depth: number; capacity: number }): {
  name: string;
  depth: number;
  capacity: number;
} {
  return { name, depth, capacity };
}

function outcomesOf(engine: Engine): Record<string, number> {
  const sum = noOutcomes();
  for (const dispatcher of engine.figures().dispatchers) addOutcomes(sum, dispatcher.outcomes);
  return sum;
}

function errorsOf(report: FireReport): number {
  return Object.values(report.errors).reduce((sum, count) => sum + count, 0);
}

async function summaryOf(report: FireReport, engine: Engine, gateways: GatewaysProcess): Promise<DemoSummary> {
  const counts = await gateways.counts();
  return {
    sent: report.sent,
    delivered: report.results,
    rejected: errorsOf(report),
    lost: report.lost,
    ratePerSecond: Math.round(report.perSecond),
    p50Ms: Number(report.latencyMs.p50.toFixed(2)),
    p99Ms: Number(report.latencyMs.p99.toFixed(2)),
    seconds: Number((report.elapsedMs / 1_000).toFixed(2)),
    outcomes: outcomesOf(engine),
    acceptedByGateways: counts.apns.accepted + counts.fcm.accepted,
  };
}

function summaryLines(summary: DemoSummary): string[] {
  const outcomes = Object.entries(summary.outcomes).filter(([, count]) => count > 0);
  return [
    '',
    `published ${summary.sent.toLocaleString('en')} in ${summary.seconds} s: ` +
      `${summary.ratePerSecond.toLocaleString('en')} a second, p50 ${summary.p50Ms} ms, p99 ${summary.p99Ms} ms`,
    `answered result ${summary.delivered.toLocaleString('en')}, error ${summary.rejected.toLocaleString('en')}, ` +
      `without an answer ${summary.lost}`,
    `outcomes: ${outcomes.map(([kind, count]) => `${kind} ${count.toLocaleString('en')}`).join(', ')}`,
    `the gateways accepted ${summary.acceptedByGateways.toLocaleString('en')}`,
    '',
    'Next: `npx meerkat check-config config/meerkat.toml`, then config/ejabberd.toml or config/prosody.toml.',
  ];
}
