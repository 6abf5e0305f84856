// Thread: worker
/** A gateway's name and address as TLS and HTTP want them written, for every client of the port. */
import { isIP } from 'node:net';
import type { GatewaySessionOptions } from './gateway-session.ts';

/** The name that the certificate must carry; also `:authority`. */
export function gatewayName({ servername, host }: Pick<GatewaySessionOptions, 'servername' | 'host'>): string {
  return servername === '' ? host : servername;
}

/** SNI: an address is no server name (RFC 6066 §3); the certificate is then checked for the address. */
export function serverNameOf(name: string): string {
  return isIP(name) === 0 ? name : '';
}

/** As it stands in a URL (RFC 3986 §3.2.2). */
export function bracketed(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}
