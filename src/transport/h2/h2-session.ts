// Thread: worker
/** The gateway port over our own HTTP/2 client: the pool's rules, each connection an `H2Connection` on a TLS socket. */
import { bracketed } from '../gateway-address.ts';
import { SessionPool } from '../session-pool.ts';
import { H2Connection } from './h2-connection.ts';
import { TlsTarget, TlsWire } from './tls-wire.ts';
import type { ConnectionEvents, GatewayConnection } from '../gateway-connection.ts';
import type { GatewaySession, GatewaySessionOptions } from '../gateway-session.ts';

export function openH2Session(options: GatewaySessionOptions): GatewaySession {
  const target = new TlsTarget(options);
  return new SessionPool(options, (events) => dial(target, events));
}

function dial(target: TlsTarget, events: ConnectionEvents): GatewayConnection {
  const { clock, fields, replyFields, port } = target.options;
  const wire = new TlsWire(target);
  const authority = authorityOf(target.name, port);
  const connection = new H2Connection({ clock, events, wire, authority, fields, replyFields });
  wire.open({
    opened: () => connection.start(),
    received: (bytes) => connection.received(bytes),
    closed: (reason) => connection.wireClosed(reason),
  });
  return connection;
}

const httpsPort = 443;

function authorityOf(name: string, port: number): string {
  const host = bracketed(name);
  return port === httpsPort ? host : `${host}:${port}`;
}
