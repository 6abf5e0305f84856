// Thread: main
/**
 * Where the database is, out of its URL. The URL holds the password: nothing of it is repeated in an error.
 */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { EngineError } from '../../core/errors.ts';
import type { DatabaseConfig } from '../../../config/engine-config.ts';

export interface DatabaseAddress {
  readonly dialect: SqlDialect;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Of the database. */
  readonly name: string;
  /** PEM of the authorities to trust; `''`: no TLS. */
  readonly ca: string;
}

export type SqlDialect = 'postgres' | 'mysql';

const dialects: Readonly<Record<string, { readonly dialect: SqlDialect; readonly port: number }>> = {
  'postgres:': { dialect: 'postgres', port: 5432 },
  'postgresql:': { dialect: 'postgres', port: 5432 },
  'mysql:': { dialect: 'mysql', port: 3306 },
  'mariadb:': { dialect: 'mysql', port: 3306 },
};

const loopback = ['127.0.0.1', '::1'];

/** @throws EngineError E_CONFIG_INVALID: no address, or one with parts that are not read; E_STORE_IO: no ca_file. */
export function databaseAddress(config: DatabaseConfig): DatabaseAddress {
  if (config.url === '') throw invalid('is not set, and a store is kept in the database: write its address');
  const url = URL.canParse(config.url) ? new URL(config.url) : undefined;
  const known = dialects[url?.protocol ?? ''];
  if (url === undefined || known === undefined) throw invalid('must start with postgres:// or mysql://');
  // `?sslmode=require` that is passed over in silence would be worse than an error.
  if (url.search !== '') throw invalid('has options after "?", which are not read; TLS is demanded by ca_file');
  const name = decoded(url.pathname.slice(1));
  if (url.hostname === '' || name === '') throw invalid('must name a host and a database: postgres://user@host/name');
  // In URLs an IPv6 address is in brackets.
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  // The MySQL driver compares the certificate of a server without a name with "localhost".
  if (known.dialect === 'mysql' && config.caFile !== '' && isIP(host) !== 0 && !loopback.includes(host)) {
    throw invalid("must give the host's name, not its address, when ca_file is set: certificates are compared with it");
  }
  return {
    ...known,
    host,
    port: url.port === '' ? known.port : Number(url.port),
    user: decoded(url.username),
    password: decoded(url.password),
    name,
    ca: config.caFile === '' ? '' : authorities(config.caFile),
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalid('has a "%" that is not an escape: write %25 for it');
  }
}

function authorities(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new EngineError('E_STORE_IO', `database.ca_file cannot be read: ${path}`, { cause });
  }
}

function invalid(what: string): EngineError {
  return new EngineError('E_CONFIG_INVALID', `database.url ${what}`, { issues: [`database.url ${what}`] });
}
