// Thread: any
/**
 * The fake XMPP server as a program of its own, a child process or a worker thread, so that a bench measures the engine
 * and not the load. Each request is answered once (server-messages.ts).
 */
import { parentPort } from 'node:worker_threads';
import { systemClock } from '../core/clock.ts';
import { unreachable } from '../core/assert.ts';
import { seededRandom } from '../core/random.ts';
import type { FromServer, Numbered, ServerStart, ToServer } from './server-messages.ts';
import { registeredTarget, Traffic } from './traffic.ts';
import type { PushTarget } from './traffic.ts';
import { FakeXmppServer } from './xmpp-server.ts';

// Registrations in flight: the engine writes each to disk.
const registrationsAtOnce = 256;
const registrationMs = 30_000;

interface Running {
  readonly server: FakeXmppServer;
  readonly traffic: Traffic;
  readonly targets: PushTarget[];
}

let running: Running | null = null;

async function start(options: ServerStart): Promise<FromServer> {
  const random = seededRandom(options.seed);
  const { profile, domain, component } = options;
  const components = { [component]: options.secret };
  const server = new FakeXmppServer({ profile, domain, components, random, clock: systemClock });
  running = { server, traffic: new Traffic({ profile, domain, component, random }), targets: [] };
  return { kind: 'started', port: await server.start(options.port) };
}

async function register({ server, traffic, targets }: Running, first: number, count: number): Promise<FromServer> {
  let next = first;
  let failed = 0;
  const registerSome = async (): Promise<void> => {
    while (next < first + count) {
      const id = server.newId();
      const registered = await server.request(id, traffic.register(id, next++), registrationMs);
      const target = registered.kind === 'result' ? registeredTarget(registered.xml) : null;
      if (target === null) failed++;
      else targets.push(target);
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, registrationsAtOnce) }, registerSome));
  traffic.use(targets);
  return { kind: 'registered', count: targets.length, failed };
}

async function answer(message: ToServer): Promise<FromServer> {
  if (message.kind === 'start') return start(message.options);
  if (running === null) return { kind: 'failed', reason: 'not started' };
  const { server, traffic } = running;
  switch (message.kind) {
    case 'await-online':
      await server.whenOnline(message.count);
      return { kind: 'online' };
    case 'register':
      return register(running, message.first, message.count);
    case 'make-targets': {
      const targets = traffic.makeTargets(message.count);
      traffic.use(targets);
      return { kind: 'targets', targets };
    }
    case 'fire':
      return { kind: 'fired', report: await server.fire(message.options, (id) => traffic.publish(id)) };
    case 'progress':
      return { kind: 'progress', report: server.progress };
    case 'finish':
      server.finish();
      return { kind: 'finishing' };
    case 'report':
      return { kind: 'reported', counters: server.counters };
    case 'stop':
      await server.stop();
      running = null;
      return { kind: 'stopped' };
    default:
      return unreachable(message);
  }
}

function say(said: Numbered<FromServer>): void {
  if (parentPort !== null) parentPort.postMessage(said);
  else process.send?.(said);
}

function listen({ number, message }: Numbered<ToServer>): void {
  void answer(message)
    .catch((error: unknown): FromServer => ({ kind: 'failed', reason: String(error) }))
    .then((said) => {
      say({ number, message: said });
      if (said.kind !== 'stopped') return;
      parentPort?.close();
      if (parentPort === null) process.disconnect();
    });
}

if (parentPort !== null) parentPort.on('message', listen);
else {
  process.on('message', listen);
  // Ctrl-C at a terminal goes to every process of the group: ours ends when its parent says so, or is gone.
  process.on('SIGINT', () => undefined);
  process.on('disconnect', () => process.exit(0));
}
