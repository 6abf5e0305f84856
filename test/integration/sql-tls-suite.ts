/** TLS to the database: only to a server whose certificate the configured authority has signed. */
import { after, before, it } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeAuthority } from '../../src/fake/certificates.ts';
import { systemClock } from '../../src/core/clock.ts';
import { EngineError } from '../../src/core/errors.ts';
import { openSqlDatabase } from '../../src/storage/sql/open-sql-stores.ts';
import type { SqlServer, SqlServerOptions } from '../peers/sql-server.ts';
import type { DatabaseConfig } from '../../config/engine-config.ts';

export function tlsSuite(start: (options: SqlServerOptions) => Promise<SqlServer>): void {
  const folder = mkdtempSync(join(tmpdir(), 'meerkat-sql-tls-'));
  const [ours, others] = [join(folder, 'ours.pem'), join(folder, 'others.pem')];
  let server: SqlServer;
  before(async () => {
    const authority = await makeAuthority(systemClock);
    const issued = await authority.server();
    writeFileSync(ours, authority.caPem);
    writeFileSync(others, (await makeAuthority(systemClock)).caPem);
    server = await start({ tls: { certificatePem: issued.certPem, keyPem: issued.keyPem } });
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    await server.stop();
  });
  const config = async (caFile: string): Promise<DatabaseConfig> => ({
    url: await server.createDatabase(),
    caFile,
    connections: 1,
    queryMs: 3_000,
  });

  it('with ca_file the connection is encrypted', async () => {
    const database = await openSqlDatabase(await config(ours), systemClock);
    const isPostgres = database.dialect === 'postgres';
    const text = isPostgres
      ? 'SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl'
      : "SELECT variable_value FROM information_schema.session_status WHERE variable_name = 'Ssl_version'";
    const { rows } = await database.query(database.quick('look'), { text, values: [] });
    assert.match(String(rows[0]?.[0]), /^TLSv1\.[23]$/);
    await database.close();
  });

  it('a server that another authority has signed is not trusted', async () => {
    const problem = await problemOf(await config(others));
    assert.equal(problem.code, 'E_STORE_IO');
    assert.match(problem.message, /certificate/);
  });

  it('a host that the certificate does not name is not trusted', async () => {
    const right = await config(ours);
    // Another address of the same machine.
    const problem = await problemOf({ ...right, url: right.url.replace('127.0.0.1', '127.0.0.2') });
    assert.equal(problem.code, server.dialect === 'postgres' ? 'E_STORE_IO' : 'E_CONFIG_INVALID');
    assert.match(problem.message, /certificate/);
  });

  it('a server without TLS is refused when ca_file demands it', async () => {
    const plain = await start({});
    try {
      const problem = await problemOf({ ...(await config(ours)), url: await plain.createDatabase() });
      assert.equal(problem.code, 'E_STORE_IO');
      assert.match(problem.message, /TLS|without a code/);
    } finally {
      await plain.stop();
    }
  });
}

async function problemOf(config: DatabaseConfig): Promise<EngineError> {
  try {
    await (await openSqlDatabase(config, systemClock)).close();
  } catch (error) {
    assert.ok(error instanceof EngineError);
    return error;
  }
  throw new Error('the database was opened');
}
