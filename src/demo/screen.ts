// Thread: main
/** A block of text that is redrawn in place on a terminal; elsewhere only notes are written, each on a line. */
export interface ScreenOutput {
  readonly isTTY?: boolean;
  write(text: string): boolean;
}

const up = (lines: number): string => `\r\u001b[${lines}A`; // Ctrl-C leaves its echo in the first columns
const eraseBelow = '\u001b[J';

export class Screen {
  readonly #output: ScreenOutput;
  readonly #draws: boolean;
  #shown = 0;

  /** @param quiet nothing is drawn, notes still are. */
  constructor(output: ScreenOutput, quiet: boolean) {
    this.#output = output;
    this.#draws = output.isTTY === true && !quiet;
  }

  note(text: string): void {
    this.clear();
    this.#output.write(`${text}\n`);
  }

  show(lines: readonly string[]): void {
    if (!this.#draws) return;
    this.#output.write(`${this.#back()}${lines.join('\n')}\n`);
    this.#shown = lines.length;
  }

  clear(): void {
    if (this.#shown === 0) return;
    this.#output.write(this.#back());
    this.#shown = 0;
  }

  #back(): string {
    return this.#shown === 0 ? '' : `${up(this.#shown)}${eraseBelow}`;
  }
}
