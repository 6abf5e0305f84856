/**
 * A connection for tests of the pool that does what the test says: nothing is opened, answered or closed by itself,
 * but for what an asked end brings.
 */
import type { Clock } from '../../../src/core/clock.ts';
import type { ConnectionEvents, Dial, GatewayConnection } from '../../../src/transport/gateway-connection.ts';
import type { GatewayRequest } from '../../../src/transport/gateway-session.ts';

const noFields: Readonly<Record<string, string>> = {};

export class ScriptedConnection implements GatewayConnection {
  streamsMax: number = Infinity;
  writable = true;
  pings = 0;
  closeAsked = false;
  destroyedFor = '';
  ended = false;
  readonly dialledAtMs: number;
  readonly slots: number[] = [];
  readonly paths: string[] = [];
  readonly events: ConnectionEvents;
  readonly #clock: Clock;

  constructor(events: ConnectionEvents, clock: Clock) {
    this.events = events;
    this.#clock = clock;
    this.dialledAtMs = clock.monotonicMs();
  }

  send(slot: number, request: GatewayRequest): 'sent' | 'closed' | 'invalid' {
    if (this.closeAsked || this.destroyedFor !== '' || this.ended) return 'closed';
    this.slots.push(slot);
    this.paths.push(request.path);
    return 'sent';
  }

  cancel(slot: number): void {
    this.slots.splice(this.slots.indexOf(slot), 1);
    this.#closeWhenIdle();
  }

  ping(): void {
    this.pings += 1;
  }

  close(): void {
    this.closeAsked = true;
    this.#closeWhenIdle();
  }

  destroy(reason: string): void {
    this.destroyedFor = reason;
    this.#clock.soon(() => this.end(reason));
  }

  /** The first of the open streams, or as many as given, answered in one read. */
  answer(count = 1): void {
    for (const slot of this.slots.splice(0, count)) this.events.responded(slot, 200, noFields, '');
    this.events.turnEnded();
    this.#closeWhenIdle();
  }

  answerLast(): void {
    const slot = this.slots.pop();
    if (slot !== undefined) this.events.responded(slot, 200, noFields, '');
    this.events.turnEnded();
  }

  refuse(count = 1): void {
    for (const slot of this.slots.splice(0, count)) this.events.lost(slot, true, 'REFUSED_STREAM');
    this.events.turnEnded();
  }

  end(reason: string): void {
    if (this.ended) return;
    this.ended = true;
    for (const slot of this.slots.splice(0)) this.events.lost(slot, false, reason);
    this.events.closed(reason);
  }

  #closeWhenIdle(): void {
    if (this.closeAsked && this.slots.length === 0) this.#clock.soon(() => this.end('closed in order'));
  }
}

/** Connections in the order they were dialled. `refused`: from now on each fails in its next turn. */
export class ScriptedGateway {
  readonly connections: ScriptedConnection[] = [];
  refused = false;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  readonly dial: Dial = (events) => {
    const connection = new ScriptedConnection(events, this.#clock);
    this.connections.push(connection);
    if (this.refused) this.#clock.soon(() => connection.end('ECONNREFUSED'));
    return connection;
  };

  /** The connection with this number, the first is 0. */
  at(index: number): ScriptedConnection {
    const connection = this.connections[index];
    if (connection === undefined) throw new Error(`only ${this.connections.length} connections were dialled`);
    return connection;
  }

  get total(): number {
    return this.connections.length;
  }
}
