// Thread: main
/** How a broker is reached, out of the configuration; and what may be said of it in a log: never its password. */
import type { ConnectionOptions } from 'rabbitmq-client';
import { limits } from '../core/limits.ts';

const errorTextMax = 300;

export interface BrokerAddress {
  readonly options: ConnectionOptions;
  /** Host, port and virtual host: for people. */
  readonly place: string;
  /** Of an error: in one line, shortened, without the password. */
  textOf(error: unknown): string;
}

/**
 * The parts are given one by one: from an address the library would take `[::1]` with its brackets for a name, and an
 * absent user for an empty one; RabbitMQ's convention is `guest`.
 *
 * @param url checked by the configuration; `/%2f` is the virtual host `/`, which is also the default.
 * @param authorities PEM, `undefined`: those of the system.
 */
export function brokerAddress(url: string, authorities: string | undefined, name: string): BrokerAddress {
  const parsed = new URL(url);
  const isSecure = parsed.protocol === 'amqps:';
  const password = decodeURIComponent(parsed.password);
  const isNamed = parsed.username !== '';
  const vhost = decodeURIComponent(parsed.pathname.slice(1)) || '/';
  const port = parsed.port === '' ? (isSecure ? 5671 : 5672) : Number(parsed.port);
  return {
    options: {
      hostname: parsed.hostname.replace(/^\[(.*)\]$/, '$1'),
      port,
      vhost,
      username: isNamed ? decodeURIComponent(parsed.username) : 'guest',
      password: isNamed ? password : 'guest',
      connectionName: `meerkat ${name}`,
      connectionTimeout: limits.connectMs,
      acquireTimeout: limits.connectMs,
      heartbeat: heartbeatSeconds,
      noDelay: true,
      ...(isSecure
        ? { tls: { rejectUnauthorized: true, ...(authorities === undefined ? {} : { ca: authorities }) } }
        : {}),
    },
    place: `${parsed.protocol}//${parsed.hostname}:${port}/${encodeURIComponent(vhost)}`,
    textOf(error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      const message = error instanceof Error ? error.message : String(error);
      const text = (message.includes(code) ? message : `${code}: ${message}`).replaceAll(/\s+/g, ' ');
      return (password === '' ? text : text.replaceAll(password, '[secret]')).slice(0, errorTextMax);
    },
  };
}

const heartbeatSeconds = limits.keepaliveMs / 1_000;

/** For an error while a connection is made: the key of the configuration to look at. */
export function connectRemedy(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : '';
  switch (code) {
    case 'ACCESS_REFUSED':
      return 'url: user or password is wrong';
    case 'NOT_ALLOWED':
      return 'url: the virtual host does not exist, or is not for this user';
    case 'ENOTFOUND':
      return 'url: the host has no address';
    default:
      return '';
  }
}
