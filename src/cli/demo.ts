// Thread: main
/**
 * `meerkat demo`: the engine, fake gateways and a fake XMPP server in one place, with live figures. Needs no network,
 * no account and no configuration; its registrations stay in a folder of its own, to be looked at.
 */
import type { Command } from 'commander';
import { jsonOption, runCommand } from './command-frame.ts';
import { wholeNumber } from './option-values.ts';
import { runDemo } from '../demo/demo.ts';
import { createLogger } from '../observe/logger.ts';
import type { CommonOptions, Ended } from './command-frame.ts';

const dataDir = './data/demo';

const examples = `
Examples:
  $ meerkat demo                                  until Ctrl-C
  $ meerkat demo --rate 0 --users 10000           as fast as it goes
  $ meerkat demo --seconds 5 --json | jq .

Everything it talks to is part of it: nothing leaves this machine. Its store is in ${dataDir}.
Exit code 1 when a publish got no answer.`;

interface DemoCommandOptions extends CommonOptions {
  readonly seconds: number;
  readonly rate: number;
  readonly users: number;
}

// A day; longer than anybody watches.
const secondsMax = 86_400;
const rateMax = 100_000;
const usersMax = 100_000;

export function addDemo(program: Command, ended: Ended): void {
  program
    .command('demo')
    .description('watch pushes arrive at fake gateways, with live figures')
    .option('--seconds <count>', 'how long; 0: until Ctrl-C', wholeNumber(0, secondsMax), 0)
    .option('--rate <count>', 'publishes in a second; 0: as fast as it goes', wholeNumber(0, rateMax), 1_000)
    .option('--users <count>', 'devices that register first', wholeNumber(1, usersMax), 1_000)
    .option(...jsonOption)
    .addHelpText('after', examples)
    .action((options: DemoCommandOptions) => runCommand(options, ended, () => demo(options)));
}

function demo({ seconds, rate, users, json = false }: DemoCommandOptions): Promise<number> {
  return runDemo({ seconds, rate, users, json, dataDir, logger: createLogger('warn') });
}
