/**
 * A whole engine on a virtual clock, for the XMPP server's half of push: memory stores, a stream without a socket whose
 * other end the test is, and a gateway that notes what it is given.
 */
import assert from 'node:assert/strict';
import { bare } from '../registration-rows.ts';
import { parseXml } from '../parse-xml.ts';
import { VirtualClock } from '../simulation/virtual-clock.ts';
import { accepted } from '../../src/core/outcome.ts';
import { seededRandom } from '../../src/core/random.ts';
import { createEngine } from '../../src/index.ts';
import { MemoryEnabledStore } from '../../src/storage/memory-enabled-store.ts';
import { MemoryStore } from '../../src/storage/memory-store.ts';
import type { TestContext } from 'node:test';
import type { EnabledRegistration, Engine, EngineConfigInput, EventResult, Notification } from '../../src/index.ts';
import type { MessageInput } from '../../src/index.ts';
import type { Outcome } from '../../src/index.ts';
import type { BareJID } from '../../src/core/ids.ts';
import type { Router } from '../../src/router/router.ts';
import type { RouterStream } from '../../src/router/router-stream.ts';
import type { EnabledStore } from '../../src/storage/enabled-store.ts';

export const anna: BareJID = bare('anna@example.com');
/** Ours, for users of example.com. */
export const ours = 'push.example.com';
export const theirs = 'push.elsewhere.example';
export const phone = 'a-token-of-a-phone-0123456789';

export class NotedStream implements RouterStream {
  readonly state: RouterStream['state'] = 'online';
  lastInboundMs: number = Number.MAX_SAFE_INTEGER;
  readonly sent: string[] = [];
  readonly recycled: string[] = [];
  readonly #owner: Router;

  constructor(owner: Router) {
    this.#owner = owner;
  }

  open(): void {
    this.#owner.online();
  }

  send(stanza: string): boolean {
    this.sent.push(stanza);
    return true;
  }

  recycle(reason: string): void {
    this.recycled.push(reason);
  }

  /** From the other end. */
  arrives(stanza: string): void {
    this.#owner.stanza(this, parseXml(stanza));
  }

  parse(): void {
    throw new Error('no bytes come this way');
  }

  resume(): void {
    // Nothing is ever kept back.
  }

  flush(): void {
    // Nothing is ever kept back.
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

export interface PushWorld {
  readonly engine: Engine;
  readonly clock: VirtualClock;
  readonly stream: NotedStream;
  readonly notifications: Notification[];
  /** How the gateway ends what comes; begins with `accepted`. */
  readonly gateway: { outcome: Outcome };
  /** Runs the engine until nothing is left to do at this moment, and gives what was asked. */
  readonly done: <T>(asking: Promise<T>) => Promise<T>;
  /** The answer to `<enable/>` or `<disable/>` of anna's phone. */
  readonly iq: (
    child: string,
    over?: { readonly type?: string; readonly to?: string; readonly from?: string },
  ) => Promise<string>;
  /** What becomes of a message to anna, whose publishes by IQ are answered with `answer`. */
  readonly push: (over?: Partial<MessageInput>, answer?: string) => Promise<EventResult>;
  readonly rows: () => Promise<readonly EnabledRegistration[]>;
}

export async function pushWorld(
  t: TestContext,
  over: EngineConfigInput = {},
  enabledStore: EnabledStore = new MemoryEnabledStore(10_000),
): Promise<PushWorld> {
  const clock = new VirtualClock();
  const notifications: Notification[] = [];
  const gateway = { outcome: accepted('') };
  let made: NotedStream | undefined;
  const { push = {}, ...others } = over;
  const engine = await createEngine(
    {
      engine: { secret_key: 'sixteen bytes or more' },
      servers: [{ name: 's', host: '127.0.0.1', port: 5347, domain: 'push.example.net', secret: 'x' }],
      registrations: { store: 'memory', shards: 1 },
      providers: [{ name: 'noting', kind: 'blackhole', apps: ['com.example.work'] }],
      push: { store: 'memory', virtual_hosts: ['push.@HOST@'], ...push },
      ...others,
    },
    {
      clock,
      enabledStore,
      stores: [new MemoryStore(10_000)],
      random: seededRandom(1),
      streams: (_server, owner) => [(made = new NotedStream(owner))],
      providers: {
        create: (_config, { settle }) => ({
          publish(notification, _authorization, _deadlineMs, tag) {
            notifications.push(notification);
            settle(tag, gateway.outcome);
          },
          drain: async () => undefined,
        }),
        credentials: () => undefined,
      },
    },
  );
  const done: PushWorld['done'] = async (asking) => {
    await clock.settle();
    return await asking;
  };
  await done(engine.start());
  t.after(async () => {
    const stopped = engine.stop(0);
    await clock.advance(10_000);
    await stopped;
  });
  assert.ok(made !== undefined);
  const stream = made;
  let messages = 0;
  return {
    engine,
    clock,
    stream,
    notifications,
    gateway,
    done,
    iq: async (child, { type = 'set', to = anna, from = `${anna}/phone` } = {}) =>
      (await done(engine.push.pushIQ(`<iq type='${type}' id='e1' from='${from}' to='${to}'>${child}</iq>`))) ?? '',
    push: async (message = {}, answer = resultIq) => {
      const asked = stream.sent.length;
      const telling = engine.onEvent(
        {
          ...{ from: 'boris@example.org/desk', to: anna, id: `m${messages++}`, type: 'chat' },
          ...{ body: 'Wherefore?', userStatus: 'offline', ...message },
        },
        1_000,
      );
      await clock.settle();
      for (const stanza of stream.sent.slice(asked)) {
        const [, id = '', , to = ''] = /id='([^']*)' from='([^']*)' to='([^']*)'/.exec(stanza) ?? [];
        stream.arrives(answer.replaceAll('ID', id).replaceAll('FROM', to));
      }
      let isOver = false;
      void telling.then(() => (isOver = true));
      await clock.settle();
      // To the look at what is over its time.
      if (!isOver) await clock.advance(2_000);
      return await telling;
    },
    rows: async () => (await done(engine.push.enabledOf(anna))) ?? [],
  };
}

const resultIq = `<iq type='result' id='ID' from='FROM' to='push.example.net'/>`;

/** An answer to a publish. */
export function errorIq(type: string, condition: string): string {
  const stanzas = `xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'`;
  const error = `<error type='${type}'><${condition} ${stanzas}/></error>`;
  return `<iq type='error' id='ID' from='FROM' to='push.example.net'>${error}</iq>`;
}

/** `<enable/>` with a form of these options, none for no form, and what else is inside. */
export function enable(jid: string, node: string, options?: Readonly<Record<string, string>>, inside = ''): string {
  const fields = Object.entries(options ?? {})
    .map(([name, value]) => `<field var='${name}'><value>${value}</value></field>`)
    .join('');
  const formType = `<field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field>`;
  const form = options === undefined ? '' : `<x xmlns='jabber:x:data' type='submit'>${formType}${fields}</x>`;
  return `<enable xmlns='urn:xmpp:push:0' jid='${jid}' node='${node}'>${form}${inside}</enable>`;
}
