/** A process that reads events and never ends one: to be killed. Prints each. Argument: the configuration as JSON. */
import { systemClock } from '../../src/core/clock.ts';
import { silentLogger } from '../../src/core/log.ts';
import { systemRandom } from '../../src/core/random.ts';
import { openRabbit } from '../../src/rabbit/rabbit-intake.ts';

await openRabbit({
  config: JSON.parse(process.argv[2] ?? ''),
  clock: systemClock,
  random: systemRandom,
  logger: silentLogger,
  presenceReset: () => true,
  door: {
    giveEvents(inputs) {
      for (const input of inputs) process.stdout.write(`${JSON.stringify(input)}\n`);
    },
  },
});
