/** A real MariaDB, which speaks for MySQL too: Debian has no other. Tests kill the server, not the machine. */
import { absence } from './real-server.ts';
import { accepts, freePorts, programPath, ServerProcess, startServer } from './server-process.ts';
import type { SqlServer, SqlServerOptions } from './sql-server.ts';

const mariadbd = programPath('mariadbd');
const install = programPath('mariadb-install-db');
const client = programPath('mariadb');

export const mariadbAbsent: false | string = absence('mariadb-server', [
  mariadbd,
  install,
  client,
  programPath('setpriv'),
]);

const password = 'p%ss/w@rd';

export async function startMariadb(options: SqlServerOptions = {}): Promise<SqlServer> {
  return await startServer(() => attempt(options));
}

async function attempt({ tls }: SqlServerOptions): Promise<SqlServer> {
  const [port = 0] = await freePorts(1);
  const flags = [
    '--no-defaults --datadir=$PWD/data --socket=$PWD/server.sock --pid-file=$PWD/server.pid --tmpdir=$PWD',
    `--bind-address=127.0.0.1,127.0.0.2 --port=${port}`,
    '--innodb-flush-log-at-trx-commit=2 --innodb-buffer-pool-size=128M',
    '--skip-log-bin --skip-name-resolve --performance-schema=off --init-file=$PWD/init.sql',
    tls === undefined ? '--skip-ssl' : '--ssl-cert=$PWD/server.crt --ssl-key=$PWD/server.key',
  ].join(' ');
  const server = new ServerProcess({
    name: 'mariadb',
    user: 'mysql',
    files: () => ({
      'server.crt': tls?.certificatePem ?? '',
      'server.key': tls?.keyPem ?? '',
      // One statement on each line.
      'init.sql': `CREATE USER IF NOT EXISTS meerkat@'%' IDENTIFIED BY '${password}';
        GRANT ALL ON *.* TO meerkat@'%';
`.replaceAll(/^ +/gm, ''),
    }),
    environment: () => ({}),
    command: (folder) => [
      'sh',
      '-c',
      `set -e; cd ${folder}; [ -e data ] || ${install} --no-defaults --datadir=$PWD/data \
        --auth-root-authentication-method=normal --skip-test-db --skip-name-resolve >install.log 2>&1
      exec ${mariadbd} ${flags}`,
    ],
  });
  const query = (sql: string): string =>
    server.run(client ?? 'mariadb', [
      ...['--no-defaults', '-h', '127.0.0.1', '-P', String(port), '-u', 'meerkat', `-p${password}`],
      ...['--skip-ssl', '-N', '-e', sql],
    ]);
  const untilUp = (): Promise<void> =>
    server.untilUp(async () => {
      if ((await accepts(port)) === undefined) return undefined;
      return query('SELECT 1').trim() === '1' || undefined;
    });
  try {
    await untilUp();
  } catch (error) {
    await server.stop();
    throw error;
  }
  let databases = 0;
  return {
    dialect: 'mysql',
    port,
    async createDatabase(collation = 'utf8mb4_general_ci') {
      const name = `test${++databases}`;
      query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4 COLLATE ${collation}`);
      return `mysql://meerkat:${encodeURIComponent(password)}@127.0.0.1:${port}/${name}`;
    },
    kill: () => server.kill(),
    async restart() {
      server.restart();
      await untilUp();
    },
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
    tail: () => server.tail(),
    stop: () => server.stop(),
  };
}
