// Thread: any
/**
 * A way through an HTTP proxy (CONNECT, RFC 9110 §9.3.6) to a gateway. Written here, because the proxy agents of
 * http2-wrapper keep the socket of a refused CONNECT, cannot be given up, and send the password as it is escaped in the
 * URL, in `authorization` besides.
 */
import { request as httpRequest } from 'node:http';
import { limits } from '../core/limits.ts';
import type { Socket } from 'node:net';

export interface TunnelOptions {
  /** `http://user:password@host:port`; what is special in a URL is escaped. Secret. */
  readonly proxyUrl: string;
  /** `host:port`, an IPv6 address in brackets. */
  readonly target: string;
  /** Gives it up. */
  readonly signal: AbortSignal;
}

/**
 * Resolves with a socket that nothing has been written to. Rejects with an error whose message begins with `proxy` and
 * holds no secret.
 */
export function openTunnel({ proxyUrl, target, signal }: TunnelOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const proxy = new URL(proxyUrl);
    const connect = httpRequest({
      host: proxy.hostname.replace(/^\[|\]$/g, ''),
      port: proxy.port === '' ? 80 : proxy.port,
      method: 'CONNECT',
      path: target,
      headers: { host: target, ...authorizationOf(proxy) },
      agent: false,
      maxHeaderSize: limits.proxyResponseBytesMax,
      signal,
    });
    connect.on('error', (error) => reject(new Error(`proxy: ${'code' in error ? String(error.code) : 'failed'}`)));
    // An answer without a tunnel, whatever its status, ends here too: Node takes every answer to CONNECT as one.
    connect.on('connect', (response, socket, head) => {
      socket.on('error', ignoreError); // TLS above it tells
      const status = response.statusCode ?? 0;
      if (status >= 200 && status < 300) {
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
        return;
      }
      socket.destroy();
      reject(new Error(status === 407 ? 'proxy: 407, user and password are refused' : `proxy: status ${status}`));
    });
    connect.end();
  });
}

const ignoreError = (): void => undefined;

/** RFC 7617. */
function authorizationOf(proxy: URL): Readonly<Record<string, string>> {
  if (proxy.username === '' && proxy.password === '') return {};
  const user = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(user).toString('base64')}` };
}
