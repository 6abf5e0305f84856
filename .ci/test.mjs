// What `npm test` runs after set-up: the linter and formatter, then every test of dist/test. Ends at the first stage
// that fails and says how to run it again. `npm test -- ejabberd` runs the test files whose path contains "ejabberd".
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// Of one test file; the slowest start real servers several times.
const fileTimeoutMs = 600_000;

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));
const wanted = process.argv.slice(2);
const files = readdirSync(join('dist', 'test'), { recursive: true })
  .filter((name) => name.endsWith('.test.js'))
  .map((name) => join('dist', 'test', name))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort();
if (files.length === 0) fail(`no test file's path contains ${wanted.join(' or ')}`, 'npm test');

// Each module says aloud that its server is missing, or throws if MEERKAT_REQUIRE_SERVERS=1 demands it.
let untested = [];
try {
  const { ejabberdAbsent } = await import('../dist/test/peers/ejabberd.js');
  const { prosodyAbsent } = await import('../dist/test/peers/prosody.js');
  const { postgresAbsent } = await import('../dist/test/peers/postgres.js');
  const { mariadbAbsent } = await import('../dist/test/peers/mariadb.js');
  const { rabbitmqAbsent } = await import('../dist/test/peers/rabbitmq.js');
  const { nghttpdAbsent, nginxAbsent, goAbsent } = await import('../dist/test/peers/h2-servers.js');
  const databases = [postgresAbsent, mariadbAbsent, rabbitmqAbsent];
  const absences = [ejabberdAbsent, prosodyAbsent, ...databases, nghttpdAbsent, nginxAbsent, goAbsent];
  untested = absences.filter((reason) => reason !== false);
} catch (error) {
  fail(error.message, '.ci/run, which installs them');
}

if (wanted.length === 0) {
  console.log('meerkat: linting ...');
  stage('lint', 'npm', ['run', '--silent', 'lint']);
}
// Suites that start real servers run one after the other, last: two brokers and databases that start beside a test with
// deadlines would be a test of the machine.
const startsServers = /peers\/(ejabberd|prosody|postgres|mariadb|rabbitmq|h2-servers)/;
const alone = files.filter((file) => startsServers.test(readFileSync(file, 'utf8')));
console.log(`meerkat: ${files.length} test files ...`);
run(
  files.filter((file) => !alone.includes(file)),
  2,
);
run(alone, 1);
for (const reason of untested) console.error(`\n*** NOT TESTED: ${reason}`);

function run(some, atOnce) {
  if (some.length === 0) return;
  stage('tests', process.execPath, [
    '--enable-source-maps',
    '--test',
    '--test-reporter=spec',
    `--test-concurrency=${atOnce}`,
    `--test-timeout=${fileTimeoutMs}`,
    ...some,
  ]);
}

function stage(name, command, args) {
  const { status, signal, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status === 0) return;
  if (error !== undefined) console.error(error.message);
  const again =
    name === 'lint'
      ? 'npm run lint (npm run format repairs the formatting)'
      : 'npm test -- part-of-the-file-name, or node --test dist/test/<file>.test.js';
  fail(`${name} failed${signal === null ? '' : ` (${signal})`}, see above`, again);
}

function fail(what, again) {
  console.error(`\nmeerkat: ${what}\nmeerkat: again: ${again}`);
  process.exit(1);
}
