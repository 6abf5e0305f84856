/**
 * Cleaning up after a test in reverse order: what was started last is stopped first, as `t.after` (first come, first
 * run) does not. Every step runs, also after one has failed; the first failure is told.
 */
import type { TestContext } from 'node:test';

export type Cleanup = () => unknown;

/** Returns the function that adds a step. */
export function lastFirst(t: TestContext): (step: Cleanup) => void {
  const steps: Cleanup[] = [];
  t.after(async () => {
    const failures: unknown[] = [];
    for (const step of steps.reverse()) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  });
  return (step) => steps.push(step);
}
