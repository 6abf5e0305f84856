import { test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineError } from '../../../../src/core/errors.ts';
import { databaseAddress } from '../../../../src/storage/sql/database-address.ts';
import type { DatabaseConfig } from '../../../../config/engine-config.ts';

function config(url: string, caFile = ''): DatabaseConfig {
  return { url, caFile, connections: 1, queryMs: 1_000 };
}

test('an address is taken apart, and what is escaped in it is not', () => {
  const table = [
    ['postgres://anna:p%25s%2Fw%40rd@db.example/push', 'postgres', 'db.example', 5432, 'anna', 'p%s/w@rd', 'push'],
    ['postgresql://anna@[::1]:6000/a%20b', 'postgres', '::1', 6000, 'anna', '', 'a b'],
    ['mysql://127.0.0.1/push', 'mysql', '127.0.0.1', 3306, '', '', 'push'],
    ['mariadb://u:p@db.example:3307/push', 'mysql', 'db.example', 3307, 'u', 'p', 'push'],
  ] as const;
  for (const [url, dialect, host, port, user, password, name] of table) {
    assert.deepEqual(databaseAddress(config(url)), { dialect, host, port, user, password, name, ca: '' }, url);
  }
});

test('an address that cannot be used is refused without repeating it', () => {
  const table = [
    ['', /is not set/],
    ['secret', /must start with/],
    ['https://u:secret@h/d', /must start with/],
    ['postgres://u:secret@h/d?sslmode=require', /options after "\?"/],
    ['postgres://u:secret@h', /must name a host and a database/],
    ['postgres:///secret', /must name a host and a database/],
    ['postgres://u:secret%@h/d', /escape/],
  ] as const;
  for (const [url, message] of table) {
    assert.throws(
      () => databaseAddress(config(url)),
      (error) => {
        assert.ok(error instanceof EngineError && error.code === 'E_CONFIG_INVALID', url);
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      },
    );
  }
});

test('a file of authorities that is not there is named', () => {
  assert.throws(
    () => databaseAddress(config('mysql://h/d', '/no/such.pem')),
    /ca_file cannot be read: \/no\/such\.pem/,
  );
});

test('with TLS, MySQL must be named: its driver takes the certificate of an address for one of localhost', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'meerkat-address-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, 'PEM');
  for (const host of ['10.0.0.1', '[2001:db8::1]']) {
    assert.throws(() => databaseAddress(config(`mysql://${host}/d`, caFile)), /must give the host's name/);
    assert.equal(databaseAddress(config(`postgres://${host}/d`, caFile)).ca, 'PEM');
  }
  for (const host of ['db.example', '127.0.0.1', '[::1]']) {
    assert.equal(databaseAddress(config(`mysql://${host}/d`, caFile)).ca, 'PEM');
  }
});
