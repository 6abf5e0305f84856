/**
 * Runs many seeds, or one: `npm run test:simulation`, `SEEDS=1000 npm run test:simulation`, and what a failure prints:
 * `SEED=1234 STEPS=150 npm run test:simulation`.
 */
import { simulateEvents } from './event-simulator.ts';
import { simulate } from './simulator.ts';

const seedsDefault = 200;
const stepsDefault = 150;

const steps = Number(process.env['STEPS'] ?? stepsDefault);
const one = process.env['SEED'];
const first = one === undefined ? 1 : Number(one);
const last = one === undefined ? Number(process.env['SEEDS'] ?? seedsDefault) : first;
let failures = 0;
for (let seed = first; seed <= last; seed++) {
  try {
    const report = await simulate(seed, steps);
    const events = await simulateEvents(seed, steps);
    if (one !== undefined) console.log(JSON.stringify({ report, events }, undefined, 2));
  } catch (error) {
    failures++;
    console.error(error instanceof Error ? error.message : String(error));
    if (failures >= 5) break;
  }
}
console.log(`${last - first + 1} seeds, ${failures} failures`);
process.exitCode = failures === 0 ? 0 : 1;
