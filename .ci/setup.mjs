// Makes a fresh clone ready: installs the packages of package-lock.json when they are not there, then builds.
// Speaks on standard error, so that the last line of a program's standard output stays its own.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Meerkat needs Node.js 20.19 or later; this is ${process.versions.node}.`);
  process.exit(2);
}

const stamp = 'node_modules/.meerkat-installed';
const lock = readFileSync('package-lock.json', 'utf8');
const { writeFileSync } = await import('node:fs');
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
  console.error('meerkat: installing packages (once) ...');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync(stamp, lock);
}
const { rmSync } = await import('node:fs');
rmSync('dist', { recursive: true, force: true }); // a file that was renamed must not live on in dist
run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json']);

function run(command, args) {
  try {
    execFileSync(command, args, { stdio: ['ignore', 2, 2] });
  } catch (error) {
    console.error(`meerkat: \`${command} ${args.join(' ')}\` failed; see above.`);
    process.exit(error.status ?? 1);
  }
}
