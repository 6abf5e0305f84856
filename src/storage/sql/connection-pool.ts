// Thread: main
/**
 * The connections to one database. A task waits for one, and works with it, for as long as it was given; whoever comes
 * when the queue is full is refused at once. While the database cannot be reached, tasks are refused at once too, and
 * the next attempt to connect waits a moment: an outage must not become a storm of connections.
 */
import { Socket } from 'node:net';
import { limits } from '../../core/limits.ts';
import { PooledConnection, sqlTrouble, SqlTrouble } from './sql-connection.ts';
import type { Cancel, Clock } from '../../core/clock.ts';
import type { SqlConnection, SqlDriver } from './sql-connection.ts';

export interface ConnectionPoolOptions {
  readonly driver: SqlDriver;
  readonly clock: Clock;
  /** Connections at most. */
  readonly connections: number;
  /** How long connecting may take, ms, the log-in included. */
  readonly connectMs: number;
}

interface Waiter {
  readonly give: (connection: PooledConnection) => void;
  readonly fail: (error: SqlTrouble) => void;
  readonly cancel: Cancel;
}

export class ConnectionPool {
  readonly #options: ConnectionPoolOptions;
  readonly #open = new Set<PooledConnection>();
  readonly #idle: PooledConnection[] = [];
  readonly #waiters = new Set<Waiter>();
  readonly #connecting = new Set<Socket>();
  #failure: SqlTrouble | undefined;
  #retryAtMs = 0;
  #closed: (() => void) | undefined;

  constructor(options: ConnectionPoolOptions) {
    this.#options = options;
  }

  /** Connections that are open, and tasks that wait for one. */
  get figures(): { readonly open: number; readonly waiting: number } {
    return { open: this.#open.size, waiting: this.#waiters.size };
  }

  /**
   * Lends a connection to `work`. Rejects with SqlTrouble: `overloaded` when the queue is full, `timeout` when `waitMs`
   * are over, `closed`, the code of the last failure while nobody can connect; and with what `work` throws.
   */
  async run<T>(work: (connection: SqlConnection) => Promise<T>, waitMs: number): Promise<T> {
    const { clock } = this.#options;
    const endsAtMs = clock.monotonicMs() + waitMs;
    const connection = this.#takeIdle() ?? (await this.#wait(waitMs));
    const leftMs = Math.max(0, endsAtMs - clock.monotonicMs());
    const cancel = clock.after(leftMs, () => this.#late(connection), false);
    try {
      return await work(connection);
    } finally {
      cancel();
      this.#release(connection);
    }
  }

  /** Resolves when the last task has ended; those that wait are rejected. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#closed = resolve;
      this.#failWaiters(new SqlTrouble('closed'));
      for (const socket of this.#connecting) socket.destroy();
      for (const connection of this.#idle.splice(0)) this.#leave(connection);
      this.#endIfEmpty();
    });
  }

  /** The server may be silent, not slow: calls that come next must not find it out one after the other. */
  #late(connection: PooledConnection): void {
    connection.destroy('timeout');
    for (const idle of this.#idle.splice(0)) this.#forget(idle);
  }

  #takeIdle(): PooledConnection | undefined {
    return this.#closed === undefined ? this.#idle.pop() : undefined;
  }

  #wait(waitMs: number): Promise<PooledConnection> {
    const { clock } = this.#options;
    if (this.#closed !== undefined) return Promise.reject(new SqlTrouble('closed'));
    if (this.#waiters.size >= limits.databaseWaitersMax) return Promise.reject(new SqlTrouble('overloaded'));
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        give: (connection) => this.#dismiss(waiter, () => resolve(connection)),
        fail: (error) => this.#dismiss(waiter, () => reject(error)),
        cancel: clock.after(waitMs, () => waiter.fail(new SqlTrouble('timeout')), false),
      };
      this.#waiters.add(waiter);
      this.#grow();
    });
  }

  #dismiss(waiter: Waiter, settle: () => void): void {
    this.#waiters.delete(waiter);
    waiter.cancel();
    settle();
  }

  /** As many connections as there are tasks for; when there can be none, the tasks are told why. */
  #grow(): void {
    const room = this.#options.connections - this.#open.size - this.#connecting.size;
    const isHeld = this.#options.clock.monotonicMs() < this.#retryAtMs;
    const more = isHeld ? 0 : Math.min(room, this.#waiters.size - this.#connecting.size);
    for (let index = 0; index < more; index++) void this.#connect();
    if (this.#open.size + this.#connecting.size === 0 && this.#failure !== undefined) this.#failWaiters(this.#failure);
  }

  async #connect(): Promise<void> {
    const { clock, driver, connectMs } = this.#options;
    const socket = new Socket();
    this.#connecting.add(socket);
    const cancel = clock.after(connectMs, () => socket.destroy(new SqlTrouble('timeout')), false);
    const ended = new Promise<never>((_, reject) => {
      socket.on('error', reject); // stays: an error that nobody listens to would end the process
      socket.once('close', () => reject(new SqlTrouble('connection_lost')));
    });
    let connection: PooledConnection | undefined;
    const lost = (): void => {
      if (connection !== undefined) this.#forget(connection);
    };
    try {
      const opened = await Promise.race([driver.connect(socket, lost), ended]);
      connection = new PooledConnection(socket, opened);
      socket.once('close', lost);
      this.#connected(connection, socket);
    } catch (error) {
      socket.destroy();
      this.#connecting.delete(socket);
      this.#failure = sqlTrouble(error);
      this.#retryAtMs = clock.monotonicMs() + limits.databaseRetryMs;
      this.#grow();
      this.#endIfEmpty();
    } finally {
      cancel();
    }
  }

  #connected(connection: PooledConnection, socket: Socket): void {
    this.#connecting.delete(socket);
    this.#failure = undefined;
    this.#retryAtMs = 0;
    this.#open.add(connection);
    if (socket.destroyed) this.#forget(connection);
    else this.#release(connection);
  }

  #release(connection: PooledConnection): void {
    if (connection.isLost) return this.#forget(connection);
    if (this.#closed !== undefined) return this.#leave(connection);
    const [waiter] = this.#waiters;
    if (waiter === undefined) this.#idle.push(connection);
    else waiter.give(connection);
  }

  #leave(connection: PooledConnection): void {
    connection.leave();
    this.#open.delete(connection);
    this.#endIfEmpty();
  }

  #forget(connection: PooledConnection): void {
    if (!this.#open.delete(connection)) return;
    connection.destroy('connection_lost');
    const index = this.#idle.indexOf(connection);
    if (index !== -1) this.#idle.splice(index, 1);
    this.#grow();
    this.#endIfEmpty();
  }

  #failWaiters(error: SqlTrouble): void {
    for (const waiter of this.#waiters) waiter.fail(error);
  }

  #endIfEmpty(): void {
    if (this.#open.size + this.#connecting.size === 0) this.#closed?.();
  }
}
