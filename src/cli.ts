#!/usr/bin/env node
// Thread: main
/**
 * The `meerkat` command: hands the arguments to the program of src/cli/program.ts and leaves with its exit code:
 * 0 done, 1 failed, 2 wrong usage or configuration.
 */
import { keepElementsYoung } from './core/v8-flags.ts';
import { runProgram } from './cli/program.ts';

keepElementsYoung();

// `meerkat registrations list | head` closes our output early: nobody reads on, so there is nothing to complain about.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

process.exitCode = await runProgram(process.argv.slice(2));
