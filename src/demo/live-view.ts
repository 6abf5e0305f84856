// Thread: main
/**
 * The demo's figures as text: a block that is redrawn in place on a terminal. Pure, so that a test can read it.
 */
export interface DemoView {
  readonly elapsedSeconds: number;
  readonly ratePerSecond: number;
  /** Rates of the last seconds, oldest first. */
  readonly recentRates: readonly number[];
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly sent: number;
  readonly delivered: number;
  readonly rejected: number;
  readonly waiting: number;
  /** Outcomes by kind, in the order they are shown. */
  readonly outcomes: readonly (readonly [kind: string, count: number])[];
  /** Queues with their depth and capacity. */
  readonly queues: readonly { readonly name: string; readonly depth: number; readonly capacity: number }[];
  readonly residentMb: number;
}

const sparks = '▁▂▃▄▅▆▇█';
const barWidth = 24;
const recentShown = 40;

/** Lines of at most 80 columns. */
export function renderView(view: DemoView): string[] {
  const lines = [
    `Meerkat demo   ${clockText(view.elapsedSeconds)}   resident ${view.residentMb.toFixed(0)} MB`,
    '',
    `  ${count(view.ratePerSecond)} notifications/s   ${sparkline(view.recentRates)}`,
    `  latency   p50 ${milliseconds(view.p50Ms)}   p99 ${milliseconds(view.p99Ms)}`,
    `  published ${count(view.sent)}   result ${count(view.delivered)}   error ${count(view.rejected)}` +
      `   waiting ${count(view.waiting)}`,
    '',
    '  outcomes',
  ];
  const most = Math.max(1, ...view.outcomes.map(([, value]) => value));
  for (const [kind, value] of view.outcomes) {
    if (value > 0) lines.push(`    ${kind.padEnd(14)}${count(value).padStart(12)}  ${bar(value / most)}`);
  }
  lines.push('', '  queues');
  for (const queue of view.queues) {
    const depth = `${count(queue.depth)} / ${count(queue.capacity)}`;
    lines.push(`    ${queue.name.padEnd(24)}${depth.padStart(18)}  ${bar(queue.depth / queue.capacity)}`);
  }
  return lines;
}

function bar(share: number): string {
  return '█'.repeat(Math.round(Math.min(1, share) * barWidth)).padEnd(barWidth, '·');
}

function sparkline(rates: readonly number[]): string {
  const shown = rates.slice(-recentShown);
  const most = Math.max(1, ...shown);
  return shown.map((rate) => sparks[Math.round((rate / most) * (sparks.length - 1))] ?? '').join('');
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`;
}

function clockText(seconds: number): string {
  const whole = Math.floor(seconds);
  return `${String(Math.floor(whole / 60)).padStart(2, '0')}:${String(whole % 60).padStart(2, '0')}`;
}
