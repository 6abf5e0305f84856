// Makes a clone ready to run: installs the packages of package-lock.json, then builds. Does only what is needed, and
// says nothing on standard output, so that the last line of a program's output stays its own.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Meerkat needs Node.js 20.19 or later; this is ${process.versions.node}.`);
  process.exit(2);
}
process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

const lock = readFileSync('package-lock.json', 'utf8');
// A linked folder belongs to another checkout, and `npm ci` begins with emptying it.
const borrowed = lstatSync('node_modules', { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
if (!borrowed && !isStamped('node_modules/.meerkat-installed', lock)) {
  console.error('meerkat: installing packages (once) ...');
  // The compiler is a development package: also wanted where npm is told to leave those out.
  run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync('node_modules/.meerkat-installed', lock);
}

const sources = fingerprint(['src', 'workers', 'config', 'bench', 'test', 'tsconfig.json', 'package-lock.json']);
if (!isStamped('dist/.meerkat-built', sources)) {
  rmSync('dist', { recursive: true, force: true }); // a file that was renamed must not live on in dist
  run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json']);
  mkdirSync('dist', { recursive: true });
  writeFileSync('dist/.meerkat-built', sources);
}

function isStamped(stamp, content) {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === content;
}

/** Changes when a file comes, goes, or is written to. */
function fingerprint(paths) {
  const hash = createHash('sha256').update(process.version);
  for (const path of paths.filter((each) => existsSync(each))) {
    const files = statSync(path).isDirectory()
      ? readdirSync(path, { recursive: true })
          .sort()
          .map((name) => join(path, name))
      : [path];
    for (const file of files) {
      const { mtimeMs, size } = statSync(file);
      hash.update(`${file}\n${mtimeMs}\n${size}\n`);
    }
  }
  return hash.digest('hex');
}

function run(command, args) {
  try {
    execFileSync(command, args, { stdio: ['ignore', 2, 2] });
  } catch (error) {
    console.error(`meerkat: \`${command} ${args.join(' ')}\` failed; see above.`);
    process.exit(error.status || 1);
  }
}
