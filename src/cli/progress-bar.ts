// Thread: main
/**
 * Progress of long work on standard error: a bar that is redrawn in place on a terminal, a line for each tenth
 * elsewhere, so that a log of it stays readable.
 */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const columnsDefault = 80;
const barColumnsMax = 40;

export class ProgressBar {
  readonly #label: string;
  readonly #output: ProgressOutput;
  #tenth = -1;
  #isDrawn = false;

  constructor(label: string, output: ProgressOutput = process.stderr) {
    this.#label = label;
    this.#output = output;
  }

  /** `total` may be 0: there is nothing to do, and that is done. */
  update(done: number, total: number): void {
    const share = total === 0 ? 1 : Math.min(1, done / total);
    const figures = `${Math.floor(share * 100)} %  ${done} of ${total}`;
    if (this.#output.isTTY === true) {
      this.#output.write(`\r${this.#bar(share, figures)}\u001b[K`);
      this.#isDrawn = true;
      return;
    }
    const tenth = Math.floor(share * 10);
    if (tenth === this.#tenth) return;
    this.#tenth = tenth;
    this.#output.write(`${this.#label} ${figures}\n`);
  }

  /** Leaves the bar on its line. */
  end(): void {
    if (this.#isDrawn) this.#output.write('\n');
    this.#isDrawn = false;
  }

  #bar(share: number, figures: string): string {
    const room = (this.#output.columns ?? columnsDefault) - this.#label.length - figures.length - 5;
    const width = Math.max(0, Math.min(barColumnsMax, room));
    const filled = Math.round(share * width);
    return `${this.#label} [${'#'.repeat(filled)}${'-'.repeat(width - filled)}] ${figures}`;
  }
}
