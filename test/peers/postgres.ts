/** A real PostgreSQL. Without fsync: what a test kills is the server, not the machine. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { absence } from './real-server.ts';
import { accepts, freePorts, programPath, ServerProcess, startServer } from './server-process.ts';
import type { SqlServer, SqlServerOptions } from './sql-server.ts';

// Debian keeps the programs of each version in a folder of its own, off the PATH.
const versions = '/usr/lib/postgresql';
const newest = existsSync(versions)
  ? readdirSync(versions)
      .toSorted((one, other) => Number(other) - Number(one))
      .find((version) => existsSync(join(versions, version, 'bin', 'initdb')))
  : undefined;
const bin = newest === undefined ? undefined : join(versions, newest, 'bin');

export const postgresAbsent: false | string = absence('postgresql', [bin, programPath('setpriv')]);

const password = 'p%ss/w@rd';

export async function startPostgres(options: SqlServerOptions = {}): Promise<SqlServer> {
  return await startServer(() => attempt(options));
}

async function attempt({ tls }: SqlServerOptions): Promise<SqlServer> {
  const [port = 0] = await freePorts(1);
  const settings = [
    'fsync=off',
    'full_page_writes=off',
    'listen_addresses=127.0.0.1,127.0.0.2',
    'unix_socket_directories=',
  ];
  if (tls !== undefined) settings.push('ssl=on', 'ssl_cert_file=../server.crt', 'ssl_key_file=../server.key');
  const flags = settings.map((setting) => `-c ${setting}`).join(' ');
  const server = new ServerProcess({
    name: 'postgres',
    user: 'postgres',
    files: () => ({
      password,
      'server.crt': tls?.certificatePem ?? '',
      'server.key': tls?.keyPem ?? '',
    }),
    environment: () => ({}),
    command: (folder) => [
      'sh',
      '-c',
      `set -e; cd ${folder}; chmod 600 server.key; [ -e data ] ||
        ${bin}/initdb -D data --no-sync --username=meerkat --pwfile=password --auth=scram-sha-256 --locale=C.UTF-8
      exec ${bin}/postgres -D data -p ${port} ${flags}`,
    ],
  });
  const query = (database: string, sql: string): string =>
    server.run('env', [
      `PGPASSWORD=${password}`,
      `${bin}/psql`,
      ...['-h', '127.0.0.1', '-p', String(port), '-U', 'meerkat', '-d', database, '-qAtc', sql],
    ]);
  const untilUp = (): Promise<void> =>
    server.untilUp(async () => {
      if ((await accepts(port)) === undefined) return undefined;
      return query('postgres', 'SELECT 1').trim() === '1' || undefined;
    });
  try {
    await untilUp();
  } catch (error) {
    await server.stop();
    throw error;
  }
  let databases = 0;
  return {
    dialect: 'postgres',
    port,
    async createDatabase(collation = 'C.UTF-8') {
      const name = `test${++databases}`;
      query('postgres', `CREATE DATABASE ${name} TEMPLATE template0 LC_COLLATE '${collation}'`);
      return `postgres://meerkat:${encodeURIComponent(password)}@127.0.0.1:${port}/${name}`;
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
