/**
 * A clock for code that makes no promises: turns and timers run inside the call that moves it, in microseconds. The
 * virtual clock of the simulation lets promises resolve as well, which costs it an event loop's turn each time.
 */
import { MovedClock } from '../simulation/moved-clock.ts';

// Far more than any test needs: what feeds itself fails instead of hanging.
const turnsMax = 10_000;

export class TurnClock extends MovedClock {
  /** Turns until nothing is left to do at this moment. */
  settle(): void {
    for (let turns = 0; this.turn(); turns++) {
      if (turns > turnsMax) throw new Error(`the turn did not settle within ${turnsMax} rounds`);
    }
  }

  /** Moves time forward, firing what falls due on the way, each at its own moment. */
  advance(durationMs: number): void {
    const endMs = this.monotonicMs() + durationMs;
    this.settle();
    for (let fired = 0; this.fireNext(endMs); fired++) {
      if (fired > turnsMax) throw new Error(`${turnsMax} timers in ${durationMs} ms: one sets itself again and again`);
      this.settle();
    }
    this.arriveAt(endMs);
  }
}
