/**
 * The whole engine on one thread and a virtual clock: the real actors between a peer that draws stanzas and gateways,
 * disks and streams that draw faults, all from one seed. The same seed is the same run, step by step.
 */
import assert from 'node:assert/strict';
import { parseConfigObject } from '../../config/parse-config.ts';
import { parseNodeId } from '../../src/core/ids.ts';
import { seededRandom } from '../../src/core/random.ts';
import { Engine } from '../../src/engine.ts';
import { NodeSecrets } from '../../src/registration/node-secret.ts';
import { shardOfNode } from '../../src/registration/slots.ts';
import { secretKeyOf } from '../../src/storage/secret-key.ts';
import { FaultyStore, gatewayModes, ScriptedGateway } from './faults.ts';
import { checkFigures, checkRest, Ledger } from './invariants.ts';
import { SimStream } from './sim-stream.ts';
import { component, SimTraffic } from './sim-traffic.ts';
import { VirtualClock } from './virtual-clock.ts';
import type { EngineConfig } from '../../config/engine-config.ts';
import type { Plugin } from '../../src/plugin/plugin.ts';
import type { Random } from '../../src/core/random.ts';
import type { Service } from '../../src/core/registration.ts';
import type { Asked, Truth } from './invariants.ts';
import type { Question } from './sim-traffic.ts';

export interface SimulationReport {
  readonly seed: number;
  readonly asked: number;
  readonly answers: Readonly<Record<string, number>>;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly restarts: number;
  /** The whole run in a few characters: equal for equal runs. */
  readonly trace: string;
}

export interface SimulationOptions {
  readonly seed: number;
  readonly steps: number;
  /** The engine is told to stop in the middle of the traffic. */
  readonly stopsEarly: boolean;
}

const iqReplyMs = 2_000;
const requestMs = 1_500;
const creditMax = 16;
const stanzaBytesMax = 10_000;
const shards = 2;
const services: readonly Service[] = ['apns', 'fcm'];

export class Simulation {
  readonly clock: VirtualClock = new VirtualClock();
  readonly engine: Engine;
  readonly ledger: Ledger;
  readonly gateways: Readonly<Record<Service, ScriptedGateway>>;
  readonly stores: readonly FaultyStore[];
  readonly streams: SimStream[] = [];
  readonly traffic: SimTraffic;
  readonly random: Random;
  /** What happened, newest last. */
  readonly trace: string[] = [];
  readonly #options: SimulationOptions;
  readonly #skipped: Set<string> = new Set();
  readonly #config: EngineConfig;
  #faultsEndAtMs: { readonly atMs: number; readonly end: () => void }[] = [];
  #asked = 0;
  #embedded = 0;
  #traceHash = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.random = seededRandom(options.seed);
    this.#config = configuration();
    const chance = (salt: number): Random => seededRandom(options.seed * 31 + salt);
    this.gateways = { apns: new ScriptedGateway(chance(1), true), fcm: new ScriptedGateway(chance(2), false) };
    this.stores = Array.from({ length: shards }, (_, index) => new FaultyStore(this.clock, chance(10 + index)));
    this.traffic = new SimTraffic(chance(3));
    this.ledger = new Ledger(this.clock, this.#truth(), (target, { id }) => this.traffic.registered(id, target));
    this.engine = new Engine(this.#config, {
      clock: this.clock,
      random: chance(4),
      plugins: [this.#skipper()],
      stores: this.stores,
      streams: (server, owner) => {
        for (let index = 0; index < server.connections; index++) {
          this.streams.push(
            new SimStream({
              ...{ owner, clock: this.clock, stanzaBytesMax },
              decided: (stanza) => this.ledger.decided(stanza),
              received: (stream, stanzas) => this.#received(stream, stanzas),
            }),
          );
        }
        return this.streams;
      },
      providers: {
        create: ({ name }, context) => this.#gatewayOf(name).provider(context),
        credentials: ({ name }, clock) => (name === 'apns' ? this.gateways.apns.credentials.source(clock) : undefined),
      },
    });
  }

  async start(): Promise<void> {
    const started = this.engine.start();
    await this.clock.settle();
    await started;
  }

  /** One whole run, every invariant looked at after every step. */
  async run(): Promise<SimulationReport> {
    await this.start();
    for (let step = 0; step < this.#options.steps; step++) {
      if (this.random.unit() < 0.15) this.#fault();
      const count = 1 + Math.floor(this.random.unit() * 12);
      const questions = Array.from({ length: count }, () => this.traffic.draw());
      this.ask(questions);
      if (this.random.unit() < 0.1) this.#embed();
      await this.advance(Math.floor(this.random.unit() ** 3 * 1_500));
    }
    if (!this.#options.stopsEarly) await this.rest();
    await this.stop();
    return this.#report();
  }

  /** All faults end; then nothing may wait, and a publish must get through. */
  async rest(): Promise<void> {
    this.#endFaults();
    await this.advance(90_000);
    const defects = this.stores.reduce((sum, store) => sum + store.defects, 0);
    checkRest(this.engine.figures(), defects);
    assert.equal(this.ledger.open, 0, 'questions without an answer at rest');
    for (const service of services) {
      const registered = this.traffic.register(service, 'probe');
      this.ask([registered]);
      await this.advance(iqReplyMs);
      const probe = this.traffic.publishTo(registered.id);
      this.ask([probe]);
      await this.advance(iqReplyMs);
      assert.ok(this.gateways[service].hasEnded(probe.id, 'accepted'), `${service} does not get through at rest`);
    }
  }

  async stop(): Promise<void> {
    const stopping = this.engine.stop();
    await this.advance(60_000);
    await stopping;
    const { embedded, routers, dispatchers } = this.engine.figures();
    assert.equal(embedded, 0, 'an embedded publish has no outcome after the stop');
    for (const { waiting } of routers) assert.equal(waiting, 0, 'IQs without an answer after the stop');
    for (const { inFlight, waiting } of dispatchers)
      assert.deepEqual({ inFlight, waiting }, { inFlight: 0, waiting: 0 });
  }

  ask(questions: readonly Question[]): void {
    const live = this.streams.filter((stream) => stream.state === 'online');
    const stream = live[Math.floor(this.random.unit() * live.length)];
    if (stream === undefined) return;
    for (const { id, kind, node, secret } of questions) {
      if (id === '') continue;
      const dueMs = this.clock.monotonicMs() + iqReplyMs;
      this.ledger.asked({ id, kind, node, secret, connection: stream.connection, dueMs });
      this.#asked++;
    }
    this.#note(`ask ${questions.map(({ id }) => id).join(' ')}`);
    stream.write(this.#cutAnywhere(questions.map(({ xml }) => xml).join('')));
  }

  /** Time passes, fault by fault, looked at on the way. */
  async advance(durationMs: number): Promise<void> {
    const endMs = this.clock.monotonicMs() + durationMs;
    for (;;) {
      const nowMs = this.clock.monotonicMs();
      const next = this.#faultsEndAtMs.toSorted((left, right) => left.atMs - right.atMs)[0];
      const untilMs = Math.min(endMs, next?.atMs ?? endMs);
      await this.clock.advance(Math.max(0, untilMs - nowMs));
      this.ledger.check();
      checkFigures(this.engine.figures());
      for (const gateway of Object.values(this.gateways)) {
        assert.deepEqual(gateway.sentAgain, [], 'sent again after it may have been delivered');
      }
      if (next === undefined || next.atMs > endMs) return;
      this.#faultsEndAtMs = this.#faultsEndAtMs.filter((fault) => fault !== next);
      next.end();
    }
  }

  #received(stream: SimStream, stanzas: readonly string[]): void {
    for (const stanza of stanzas) {
      if (stanza.includes('urn:xmpp:ping') && stanza.startsWith("<iq type='get'")) {
        // A ping of the engine to its own domain comes back, as every server sends it.
        this.clock.soon(() => stream.write([Buffer.from(stanza)]));
        continue;
      }
      this.#note(`answer ${stanza.slice(0, 60)}`);
      this.ledger.received(stanza);
    }
  }

  #embed(): void {
    const key = `embedded-${this.#embedded++}`;
    const service = this.random.unit() < 0.5 ? 'apns' : 'fcm';
    void this.engine.publish({ service, token: 'a1'.repeat(32), body: key, waitMs: 1_000 }).then((outcome) => {
      this.#note(`${key} ${outcome.kind}`);
      const isTrue = outcome.kind !== 'accepted' || this.gateways[service].hasEnded(key, 'accepted');
      assert.ok(isTrue, `${key}: accepted, and the gateway knows nothing of it`);
    });
  }

  #fault(): void {
    const unit = (): number => this.random.unit();
    const lastsMs = 200 + Math.floor(unit() * 8_000);
    const gateway = this.gateways[unit() < 0.5 ? 'apns' : 'fcm'];
    const store = this.stores[Math.floor(unit() * shards)];
    const stream = this.streams[Math.floor(unit() * this.streams.length)];
    const drawn = Math.floor(unit() * 9);
    this.#note(`fault ${drawn} for ${lastsMs}`);
    switch (drawn) {
      case 0:
      case 1:
        gateway.mode = gatewayModes[Math.floor(unit() * gatewayModes.length)] ?? 'stalled';
        this.#ends(lastsMs, () => (gateway.mode = 'well'));
        return;
      case 2: {
        const { token } = this.traffic.anyDevice();
        for (const each of Object.values(this.gateways)) each.dead.add(token);
        return;
      }
      case 3:
        if (unit() < 0.7) this.gateways.apns.credentials.revoke();
        this.gateways.apns.credentials.minting =
          (['failing', 'refused', 'slow', 'well'] as const)[Math.floor(unit() * 4)] ?? 'well';
        this.#ends(lastsMs, () => (this.gateways.apns.credentials.minting = 'well'));
        return;
      case 4:
        if (store === undefined) return;
        store.mode = (['writes-fail', 'reads-fail', 'slow'] as const)[Math.floor(unit() * 3)] ?? 'slow';
        this.#ends(lastsMs, () => (store.mode = 'well'));
        return;
      case 5:
        stream?.cut();
        this.#ends(lastsMs, () => stream?.comeBack());
        return;
      case 6:
        if (store !== undefined) store.breaksOnce = true;
        return;
      case 7:
        this.clock.jump(Math.floor((unit() - 0.5) * 7_200_000));
        return;
      default:
        this.ask(Array.from({ length: 200 + Math.floor(unit() * 800) }, () => this.traffic.publish()));
    }
  }

  #ends(lastsMs: number, end: () => void): void {
    this.#faultsEndAtMs.push({ atMs: this.clock.monotonicMs() + lastsMs, end });
  }

  #endFaults(): void {
    this.#faultsEndAtMs = [];
    for (const gateway of Object.values(this.gateways)) gateway.mode = 'well';
    this.gateways.apns.credentials.minting = 'well';
    for (const store of this.stores) {
      store.mode = 'well';
      store.breaksOnce = false;
    }
    for (const stream of this.streams) stream.comeBack();
  }

  #cutAnywhere(text: string): Uint8Array[] {
    const bytes = Buffer.from(text);
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + 1 + Math.floor(this.random.unit() * 65_536));
      chunks.push(bytes.subarray(at, end));
      at = end;
    }
    return chunks;
  }

  #gatewayOf(name: string): ScriptedGateway {
    return name === 'apns' ? this.gateways.apns : this.gateways.fcm;
  }

  #truth(): Truth {
    const secrets = new NodeSecrets(secretKeyOf(this.#config.engine.secretKey, '', this.random));
    const ends = (id: string, kind: 'accepted' | 'unregistered'): boolean =>
      this.gateways.apns.hasEnded(id, kind) || this.gateways.fcm.hasEnded(id, kind);
    const rowOf = (text: string) => {
      const node = parseNodeId(text);
      return node.ok ? this.stores[shardOfNode(node.value, shards)]?.row(node.value) : undefined;
    };
    return {
      wasAccepted: (id) => ends(id, 'accepted'),
      isSaidDead: ({ id, node }) => rowOf(node)?.target.kind !== 'device' && ends(id, 'unregistered'),
      wasSkipped: (id) => this.#skipped.has(id),
      mayPublish: ({ node, secret }: Asked) => {
        const row = rowOf(node);
        if (row === undefined || row.state === 'dead') return false;
        return row.secretVersion === 0 || secrets.matches(row.node, row.secretVersion, secret);
      },
      isRegistered: (node) => rowOf(node) !== undefined,
    };
  }

  #skipper(): Plugin {
    return {
      name: 'skipper',
      rewriteNotification: (_event, notification) => {
        if (!notification.body.endsWith('7')) return notification;
        this.#skipped.add(notification.body);
        return 'skip';
      },
    };
  }

  #note(line: string): void {
    this.trace.push(`${this.clock.monotonicMs()} ${line}`);
    if (this.trace.length > 60) this.trace.shift();
    for (let index = 0; index < line.length; index++) {
      this.#traceHash = Math.imul(this.#traceHash ^ line.charCodeAt(index), 0x01000193) >>> 0;
    }
  }

  #report(): SimulationReport {
    const outcomes: Record<string, number> = {};
    for (const { outcomes: counts } of this.engine.figures().dispatchers) {
      for (const [kind, count] of Object.entries(counts)) outcomes[kind] = (outcomes[kind] ?? 0) + count;
    }
    const { seed } = this.#options;
    const { restarts } = this.engine.figures().actors;
    return {
      seed,
      asked: this.#asked,
      answers: this.ledger.answers,
      outcomes,
      restarts,
      trace: this.#traceHash.toString(16),
    };
  }
}

function configuration(): EngineConfig {
  const provider = { kind: 'blackhole', credit_max: creditMax, request_ms: requestMs };
  const parsed = parseConfigObject({
    engine: { iq_reply_ms: iqReplyMs, secret_key: 'sixteen bytes or more' },
    servers: [
      {
        ...{ name: 'sim', host: '127.0.0.1', port: 5347, domain: component, secret: 'sim' },
        ...{ connections: 2, stanza_bytes_max: stanzaBytesMax },
      },
    ],
    registrations: { store: 'memory', shards },
    notifications: { content: 'full' },
    providers: [
      { name: 'apns', services: ['apns'], ...provider },
      { name: 'fcm', services: ['fcm'], ...provider },
    ],
  });
  assert.ok(parsed.ok, parsed.ok ? '' : JSON.stringify(parsed.error));
  return parsed.value;
}

/** A run of one seed; a violation names the seed and the line that runs it again. */
export async function simulate(seed: number, steps: number): Promise<SimulationReport> {
  const simulation = new Simulation({ seed, steps, stopsEarly: seed % 4 === 0 });
  try {
    return await simulation.run();
  } catch (error) {
    const last = simulation.trace.slice(-25).join('\n  ');
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw new Error(`seed ${seed}: ${reason}\n  ${last}\nSEED=${seed} STEPS=${steps} npm run test:simulation`, {
      cause: error,
    });
  }
}
