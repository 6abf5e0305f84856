/**
 * A child process that reshards: `node reshard-runner.js <dataDir> <to> <killAt>`. At the progress call with that
 * number (1 is the first) it kills itself as hard as possible; 0 = never. Prints how many there were.
 */
import { shardOfNode } from '../../../src/registration/slots.ts';
import { reshard } from '../../../src/storage/reshard.ts';

const [dataDir = '', to = '', killAt = ''] = process.argv.slice(2);
let calls = 0;
await reshard({
  dataDir,
  to: Number(to),
  mapBytes: 64 * 1024 * 1024,
  shardOfNode,
  onProgress() {
    if (++calls === Number(killAt)) process.kill(process.pid, 'SIGKILL');
  },
});
process.stdout.write(`${calls}\n`);
