/**
 * A wire-tap between a component and a real server: forwards bytes both ways, remembers them, and can cut the line or
 * refuse new ones, which is how a test takes our component away from the server without touching the engine.
 */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { until } from './deadline.ts';
import type { AddressInfo, Server, Socket } from 'node:net';

export class StreamTap {
  readonly #server: Server;
  readonly #target: number;
  readonly #open = new Set<Socket>();
  #connected = 0;
  #refusing = false;
  /** Everything the server has said to the component, and the reverse, over all connections. */
  #fromServer = '';
  #fromComponent = '';

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.#target = target;
    server.on('connection', (socket) => this.#join(socket));
  }

  static async open(targetPort: number): Promise<StreamTap> {
    const server = createServer({ noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new StreamTap(server, targetPort);
  }

  /** Where the component is to connect to. */
  get port(): number {
    // A listening TCP server has an address of this kind.
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections accepted so far. */
  get connections(): number {
    return this.#connected;
  }

  /** How many publishes for this node the server has sent. */
  publishes(node: string): number {
    return count(this.#fromServer, `<publish node='${node}'`);
  }

  /** How often the component has said `text`. */
  said(text: string): number {
    return count(this.#fromComponent, text);
  }

  /** Resolves when the component has said `text` at least `times` times. */
  async untilSaid(text: string, times = 1): Promise<void> {
    await until(`the component says ${text} ${times} times`, () => (this.said(text) >= times ? true : undefined));
  }

  /** Resolves when that many components are through the handshake. */
  async untilOnline(streams: number): Promise<void> {
    await until(`${streams} streams are online`, () =>
      count(this.#fromServer, '<handshake') >= streams ? true : undefined,
    );
  }

  /** Cuts every line; with `refuse`, new ones are closed at once until `restore`. */
  cut(refuse: boolean): void {
    this.#refusing = refuse;
    for (const socket of this.#open) socket.destroy();
  }

  restore(): void {
    this.#refusing = false;
  }

  /** What was said last, for a failing test's message. */
  tail(): string {
    return `server: ${this.#fromServer.slice(-2_000)}\ncomponent: ${this.#fromComponent.slice(-2_000)}`;
  }

  async close(): Promise<void> {
    this.cut(true);
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(component: Socket): void {
    if (this.#refusing) {
      component.destroy();
      return;
    }
    this.#connected++;
    const server = connect(this.#target, '127.0.0.1');
    for (const socket of [component, server]) {
      this.#open.add(socket);
      socket.on('error', () => undefined); // the close event that follows ends both sides
    }
    component.on('data', (bytes: Buffer) => {
      this.#fromComponent += bytes.toString('utf8');
      server.write(bytes);
    });
    server.on('data', (bytes: Buffer) => {
      this.#fromServer += bytes.toString('utf8');
      component.write(bytes);
    });
    component.on('end', () => server.end());
    server.on('end', () => component.end());
    component.on('close', () => this.#part(component, server));
    server.on('close', () => this.#part(server, component));
  }

  #part(gone: Socket, other: Socket): void {
    this.#open.delete(gone);
    other.destroySoon();
  }
}

function count(text: string, part: string): number {
  return text.split(part).length - 1;
}
