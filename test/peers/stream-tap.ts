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

  /** Lines that are up. */
  get lines(): number {
    return this.#open.size;
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
    await this.#until(`the component says ${text} ${times} times`, () => this.said(text) >= times);
  }

  /** How many streams have got through the handshake so far. */
  handshakes(): number {
    return count(this.#fromServer, '<handshake');
  }

  /** Resolves when that many streams have got through the handshake. */
  async untilOnline(streams: number): Promise<void> {
    await this.#until(`${streams} streams are online`, () => this.handshakes() >= streams);
  }

  /** Cuts every line, or the oldest `lines`; with `refuse`, new ones are closed at once until `restore`. */
  cut(refuse: boolean, lines: number = Infinity): void {
    this.#refusing = refuse;
    for (const socket of [...this.#open].slice(0, lines)) socket.destroy();
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

  async #until(what: string, isSo: () => boolean): Promise<void> {
    try {
      await until(what, () => isSo() || undefined);
    } catch (error) {
      throw new Error(`${what}: it did not come true\n${this.tail()}`, { cause: error });
    }
  }

  #join(component: Socket): void {
    if (this.#refusing) {
      component.destroy();
      return;
    }
    const server = connect(this.#target, '127.0.0.1');
    this.#open.add(component);
    // The close event that follows an error ends both sides.
    for (const socket of [component, server]) socket.on('error', () => undefined);
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
    component.on('close', () => {
      this.#open.delete(component);
      server.destroySoon();
    });
    server.on('close', () => component.destroySoon());
  }
}

function count(text: string, part: string): number {
  return text.split(part).length - 1;
}
