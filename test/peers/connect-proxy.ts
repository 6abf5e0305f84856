/**
 * An HTTP proxy for tests that knows CONNECT alone: it makes the tunnel, or answers with the bytes it was given. It
 * notes what it was asked and how many connections are up.
 */
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

export interface ConnectAsked {
  readonly target: string;
  readonly headers: http.IncomingHttpHeaders;
}

export class ConnectProxy {
  readonly asked: ConnectAsked[] = [];
  /** Sent instead of a tunnel, as it is. `'hold'`: nothing at all. */
  answer: string | undefined;
  open = 0;
  closed = 0;
  readonly #server: http.Server = http.createServer();
  readonly #sockets = new Set<Duplex>();
  readonly #changed: () => void;

  private constructor(changed: () => void) {
    this.#changed = changed;
    this.#server.on('connection', (socket: net.Socket) => this.#keep(socket));
    this.#server.on('connect', (request: http.IncomingMessage, socket: Duplex) => this.#connect(request, socket));
  }

  static async start(changed: () => void): Promise<ConnectProxy> {
    const proxy = new ConnectProxy(changed);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #keep(socket: net.Socket): void {
    this.open += 1;
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.open -= 1;
      this.closed += 1;
      this.#sockets.delete(socket);
      this.#changed();
    });
  }

  #connect(request: http.IncomingMessage, socket: Duplex): void {
    const target = request.url ?? '';
    this.asked.push({ target, headers: request.headers });
    this.#changed();
    if (this.answer !== undefined) {
      socket.resume();
      socket.on('end', () => socket.end());
      if (this.answer !== 'hold') socket.write(this.answer);
      return;
    }
    const colon = target.lastIndexOf(':');
    const gateway = net.connect(Number(target.slice(colon + 1)), target.slice(0, colon).replace(/^\[|\]$/g, ''));
    gateway.on('connect', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      gateway.pipe(socket).pipe(gateway);
    });
    gateway.on('error', () => socket.destroy());
    gateway.on('close', () => socket.destroy());
    socket.on('close', () => gateway.destroy());
  }
}
