/**
 * A real server that has delegated its users' push registrations, our router behind a wire-tap, and an event actor that
 * keeps rows in memory.
 */
import { ActorSystem } from '../../src/actor/actor-system.ts';
import { limits } from '../../src/core/limits.ts';
import { systemClock } from '../../src/core/clock.ts';
import { silentLogger } from '../../src/core/log.ts';
import { systemRandom } from '../../src/core/random.ts';
import { routerActor } from '../../src/router/router-actor.ts';
import { CommandSessions } from '../../src/xmpp/command-sessions.ts';
import { ComponentStream } from '../../src/xmpp/component-stream.ts';
import { within } from './deadline.ts';
import { lastFirst } from './last-first.ts';
import { PushService } from './push-service.ts';
import { StreamTap } from './stream-tap.ts';
import { XmppUser } from './xmpp-user.ts';
import type { TestContext } from 'node:test';
import type { ServerConfig } from '../../config/engine-config.ts';
import type { ActorSpec } from '../../src/actor/actor.ts';
import type { DisableServiceCommand, EnableCommand, EventActorMessage } from '../../src/event/commands.ts';
import type { Router } from '../../src/router/router.ts';
import type { RealServer, RealServerOptions } from './real-server.ts';

/** An event actor that writes down what it is told, and answers what it is asked at once. */
export class EventNotes {
  /** In the order of enabling. */
  readonly rows: EnableCommand[] = [];
  /** `bob/phone online away`, for each status event. */
  readonly presence: string[] = [];
  readonly resets: string[] = [];
  readonly revoked: string[] = [];
  /** Commands are not answered. */
  isSilent = false;

  take(message: EventActorMessage): void {
    switch (message.kind) {
      case 'enable':
        this.#remove(message);
        this.rows.push(message);
        this.#answer(message, 1);
        return;
      case 'disable-service':
        this.#answer(message, this.#remove(message));
        return;
      case 'revoke':
        this.revoked.push(`${message.owner} ${message.service} ${message.node}`);
        return;
      case 'presence-reset':
        this.resets.push(...message.domains);
        return;
      case 'event':
        if (message.event.kind === 'status') {
          const { jid, status, show } = message.event;
          this.presence.push(`${jid.replace(/@[^/]*/, '')} ${status} ${show}`.trimEnd());
        }
        return;
      case 'list-enabled':
      case 'remove-account':
      case 'remove-domain':
      case 'sweep':
        throw new Error(`${message.kind} is not told by a router`);
    }
  }

  /** `bob/phone -> push-5.example node` */
  get lines(): readonly string[] {
    return this.rows.map(({ owner, session, service, node }) => {
      return `${owner.replace(/@.*/, '')}/${session} -> ${service} ${node}`;
    });
  }

  #remove({ owner, service, node }: EnableCommand | DisableServiceCommand): number {
    const kept = this.rows.filter(
      (row) => row.owner !== owner || row.service !== service || (node !== '' && row.node !== node),
    );
    return this.rows.length - this.rows.splice(0, Infinity, ...kept).length;
  }

  #answer({ reply, tag }: EnableCommand | DisableServiceCommand, count: number): void {
    if (!this.isSilent) reply.answeredEnabled(tag, { kind: 'done', count });
  }
}

export interface DelegationWorld {
  readonly server: RealServer;
  readonly tap: StreamTap;
  readonly router: Router;
  readonly notes: EventNotes;
  /** A push service at the same server that is not ours. */
  readonly service: PushService;
  /** Makes the account, signs in. */
  readonly user: (name: string) => Promise<XmppUser>;
}

// Short enough for the test in which nobody answers.
const iqReplyMs = 2_000;

export async function delegationWorld(
  t: TestContext,
  start: (options: RealServerOptions) => Promise<RealServer>,
): Promise<DelegationWorld> {
  const after = lastFirst(t);
  const server = await start({ delegation: true, moreComponents: ['push-5.client.lab'] });
  after(() => server.stop());
  const tap = await StreamTap.open(server.componentPort);
  after(() => tap.close());
  const config = serverConfig(server, tap.port);
  const notes = new EventNotes();
  const system = new ActorSystem({ clock: systemClock, logger: silentLogger, failed: () => undefined });
  after(() => system.stop(limits.closeMs));
  const router = await startRouter(system, config, notes);
  router.open();
  await within('the component is online', router.isOnline());
  const service = await PushService.connect({ ...config, port: server.componentPort, domain: 'push-5.client.lab' });
  after(() => service.close());
  return {
    ...{ server, tap, router, notes, service },
    async user(name) {
      await XmppUser.register(server, name);
      const user = await XmppUser.connect(server, name);
      after(() => user.disconnect());
      return user;
    },
  };
}

async function startRouter(system: ActorSystem, server: ServerConfig, notes: EventNotes): Promise<Router> {
  const events = system.spawn(notesActor(notes));
  const common = { server, clock: systemClock, random: systemRandom, logger: silentLogger };
  const sessions = new CommandSessions({ key: Buffer.alloc(32, 7), clock: systemClock, random: systemRandom });
  const { domain } = server;
  const services = new Set([]);
  let made: Router | undefined;
  system.spawn(
    routerActor(
      {
        ...{ server, random: systemRandom, logger: silentLogger, iqReplyMs },
        settings: {
          ...{ domain, clock: systemClock, iqReplyMs, strictErrors: false },
          allowedDomains: new Set(),
          delegatedDomains: new Set(server.delegatedDomains),
          disco: {
            name: 'Meerkat',
            version: '1',
            jid: domain,
            create: false,
            commands: false,
            services,
            apps: [],
            delegation: true,
          },
          commands: { enabled: false, services, jid: domain, secrets: false, sessions },
        },
        routes: { shards: [], shardOf: () => -1, events: () => events },
        makeStreams: (owner) => [new ComponentStream({ ...common, owner, index: 0, ca: '' })],
      },
      (router) => (made = router),
    ),
  );
  await system.started();
  if (made === undefined) throw new Error('there is no router');
  return made;
}

function notesActor(notes: EventNotes): ActorSpec<EventActorMessage, EventNotes> {
  return {
    name: 'events',
    mailbox: { capacity: 1_024, batchMax: 64 },
    supervision: { kind: 'escalate' },
    init: () => notes,
    receive: (_, batch) => batch.forEach((message) => notes.take(message)),
    lost: () => undefined,
  };
}

function serverConfig(server: RealServer, port: number): ServerConfig {
  return {
    name: server.kind,
    host: '127.0.0.1',
    port,
    domain: server.componentDomain,
    secret: server.componentSecret,
    connections: 1,
    allowMultiple: false,
    tls: { mode: 'off', caFile: '', servername: '' },
    allowPlaintext: false,
    stanzaBytesMax: limits.stanzaBytesDefault,
    errorProfile: server.kind,
    delegatedDomains: [server.domain],
  };
}
