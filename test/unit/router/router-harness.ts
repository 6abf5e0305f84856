/** A router between streams without a socket and actors that only remember. */
import assert from 'node:assert/strict';
import { parseXml } from '../../parse-xml.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';
import { ActorSystem } from '../../../src/actor/actor-system.ts';
import { limits } from '../../../src/core/limits.ts';
import { silentLogger } from '../../../src/core/log.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { routerActor } from '../../../src/router/router-actor.ts';
import { CommandSessions } from '../../../src/xmpp/command-sessions.ts';
import type { ActorRef, Admission } from '../../../src/actor/actor.ts';
import type { EventActorMessage } from '../../../src/event/commands.ts';
import type { CommandAnswer, RegistrationCommand } from '../../../src/registration/commands.ts';
import type { Router } from '../../../src/router/router.ts';
import type { RouterStream } from '../../../src/router/router-stream.ts';
import type { ServerConfig } from '../../../config/engine-config.ts';

export const domain = 'push.example.net';
export const iqReplyMs = 4_500;

/** A stream that is online until the test says otherwise, and keeps what it was given. */
export class FakeStream implements RouterStream {
  state: RouterStream['state'] = 'online';
  lastInboundMs: number;
  readonly sent: string[] = [];
  readonly recycled: string[] = [];
  writes = 0;
  isFull = false;

  constructor(nowMs: number) {
    this.lastInboundMs = nowMs;
  }

  open(): void {}
  parse(): void {}
  resume(): void {}

  send(stanza: string): boolean {
    if (!this.isFull) this.sent.push(stanza);
    return !this.isFull;
  }

  flush(): void {
    this.writes++;
  }

  recycle(reason: string): void {
    this.recycled.push(reason);
  }

  close(): Promise<void> {
    this.state = 'closed';
    return Promise.resolve();
  }
}

/** An actor that keeps what it was told. */
class FakeActor<M> implements ActorRef<M> {
  readonly path = '/fake';
  readonly depth = 0;
  readonly capacity = 1;
  readonly commands: M[] = [];
  admission: Admission = 'accepted';

  tell(command: M): Admission {
    if (this.admission === 'accepted') this.commands.push(command);
    return this.admission;
  }
}

export class FakeShard extends FakeActor<RegistrationCommand> {
  answer(at: number, answer: CommandAnswer): void {
    const command = this.commands[at];
    assert.ok(command);
    command.reply.answered(command.tag, answer);
  }
}

const server: ServerConfig = {
  name: 'test',
  host: '127.0.0.1',
  port: 5347,
  domain,
  secret: 'secret',
  connections: 2,
  allowMultiple: false,
  tls: { mode: 'off', caFile: '', servername: '' },
  allowPlaintext: false,
  stanzaBytesMax: limits.stanzaBytesDefault,
  errorProfile: 'common',
  delegatedDomains: [],
};

export interface RouterSetup {
  /** Of the component. */
  readonly domain?: string;
  readonly streams?: number;
  readonly shards?: number;
  readonly delegatedDomains?: readonly string[];
  /** There is no event actor. */
  readonly withoutEvents?: boolean;
}

export interface RouterWorld {
  readonly clock: VirtualClock;
  readonly system: ActorSystem;
  readonly router: Router;
  readonly events: FakeActor<EventActorMessage>;
  readonly first: FakeStream;
  /** The first, where there is one only. */
  readonly second: FakeStream;
  readonly shard: FakeShard;
  readonly shards: readonly FakeShard[];
  readonly arrives: (stanza: string, on?: FakeStream) => void;
  /** Of all streams, stream by stream. */
  readonly sent: () => string[];
  /** What the logger was told as an error. */
  readonly lines: readonly string[];
}

export async function routerSetup(options: RouterSetup = {}): Promise<RouterWorld> {
  const { streams: streamCount = 2, shards: shardCount = 1, delegatedDomains = [], withoutEvents = false } = options;
  const { domain: ownDomain = domain } = options;
  const clock = new VirtualClock();
  const random = seededRandom(1);
  const lines: string[] = [];
  const system = new ActorSystem({ clock, logger: silentLogger, failed: (path) => assert.fail(path) });
  const streams = Array.from({ length: streamCount }, () => new FakeStream(clock.monotonicMs()));
  const shards = Array.from({ length: shardCount }, () => new FakeShard());
  const events = new FakeActor<EventActorMessage>();
  const services = new Set(['apns', 'fcm'] as const);
  const sessions = new CommandSessions({ key: Buffer.alloc(32, 7), clock, random });
  let made: Router | undefined;
  system.spawn(
    routerActor(
      {
        server: { ...server, domain: ownDomain },
        settings: {
          domain: ownDomain,
          clock,
          iqReplyMs,
          allowedDomains: new Set(),
          strictErrors: false,
          delegatedDomains: new Set(delegatedDomains),
          disco: {
            name: 'Meerkat',
            version: '1',
            jid: ownDomain,
            create: true,
            commands: true,
            services,
            apps: [],
            delegation: false,
          },
          commands: { enabled: true, services, jid: ownDomain, secrets: true, sessions },
        },
        routes: {
          shards,
          shardOf: (command) => (command.kind === 'list' ? -1 : 0),
          events: () => (withoutEvents ? undefined : events),
        },
        iqReplyMs,
        random,
        logger: { ...silentLogger, error: (_fields, message) => lines.push(message) },
        makeStreams: () => streams,
      },
      (router) => (made = router),
    ),
  );
  await clock.settle();
  assert.ok(made);
  const router = made;
  const [first, second] = streams;
  const [shard] = shards;
  assert.ok(first && shard);
  const arrives = (stanza: string, on: FakeStream = first): void => router.stanza(on, parseXml(stanza));
  const sent = (): string[] => streams.flatMap((stream) => stream.sent);
  return { clock, system, router, events, first, second: second ?? first, shard, shards, arrives, sent, lines };
}

/** The error of a stanza as `type/condition`, else its type. */
export function word(stanza: string | undefined): string {
  const error = /<error type='(\w+)'><([\w-]+)/.exec(stanza ?? '');
  return error === null ? (/^<\w+ type='(\w+)'/.exec(stanza ?? '')?.[1] ?? 'nothing') : `${error[1]}/${error[2]}`;
}
