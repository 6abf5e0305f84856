/** The clock of most tests: between turns promises resolve, as far as they can without I/O. Nothing here sleeps. */
import { MovedClock } from './moved-clock.ts';

/** Every promise that can go on without a timer has gone on; what a test runs under this clock does no I/O. */
function microtasksDone(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

// Far more turns than any test needs: a loop that feeds itself fails instead of hanging.
const turnsMax = 100_000;

export class VirtualClock extends MovedClock {
  /** Runs turns, and lets promises resolve between them, until nothing is left to do at this moment. */
  async settle(): Promise<void> {
    for (let turns = 0; turns < turnsMax; turns++) {
      await microtasksDone();
      if (!this.turn()) return;
    }
    throw new Error(`the turn did not settle within ${turnsMax} rounds`);
  }

  /** Moves time forward, firing what falls due on the way, each at its own moment. */
  async advance(durationMs: number): Promise<void> {
    const endMs = super.monotonicMs() + durationMs;
    await this.settle();
    for (let fired = 0; this.fireNext(endMs); fired++) {
      if (fired > turnsMax) throw new Error(`${turnsMax} timers in ${durationMs} ms: one sets itself again and again`);
      await this.settle();
    }
    this.arriveAt(endMs);
  }
}
