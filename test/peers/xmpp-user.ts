/**
 * A real user with a real client (@xmpp/client): registers a device with the app server, enables push at his server
 * (XEP-0357 §5), writes, leaves in order or vanishes. Plain text and SASL PLAIN: loopback only.
 */
import { randomUUID } from 'node:crypto';
import { client, xml } from '@xmpp/client';
import { until, within } from './deadline.ts';
import type { Client, ClientElement } from '@xmpp/client';
import type { RealServer } from './real-server.ts';

const ns = {
  commands: 'http://jabber.org/protocol/commands',
  discoInfo: 'http://jabber.org/protocol/disco#info',
  form: 'jabber:x:data',
  ping: 'urn:xmpp:ping',
  publishOptions: 'http://jabber.org/protocol/pubsub#publish-options',
  pubsub: 'http://jabber.org/protocol/pubsub',
  pubsubOwner: 'http://jabber.org/protocol/pubsub#owner',
  push: 'urn:xmpp:push:0',
} as const;

/** Where a client tells its server to publish to. `options` become the publish-options form; none when empty. */
export interface PushTarget {
  readonly jid: string;
  readonly node: string;
  readonly options: Readonly<Record<string, string>>;
}

/** How an IQ was refused. */
export interface Refused {
  readonly type: string;
  readonly condition: string;
}

// The library's own 2 s are too short for a busy machine.
const answerMs = 30_000;

export const password = 'correct horse';

export class XmppUser {
  readonly username: string;
  readonly #client: Client;
  readonly #server: RealServer;

  private constructor(server: RealServer, username: string, connection: Client) {
    this.#server = server;
    this.username = username;
    this.#client = connection;
  }

  /** Makes the account. */
  static async register(server: RealServer, username: string): Promise<void> {
    await server.register(username, password);
  }

  /** Signs in and becomes available. */
  static async connect(server: RealServer, username: string, resource = 'phone'): Promise<XmppUser> {
    const connection = client({
      service: `xmpp://127.0.0.1:${server.clientPort}`,
      domain: server.domain,
      resource,
      timeout: answerMs,
      // Without TLS the library picks anything but PLAIN; here PLAIN is asked for, and nothing is worth stealing.
      credentials: (authenticate) => authenticate({ username, password }, 'PLAIN'),
    });
    connection.reconnect.stop();
    connection.on('error', () => undefined); // also rejects what was waiting, which is where the test looks
    await within(`${username} signs in`, connection.start());
    // The library counts a stanza that comes in one segment with <enabled/> wrongly (XEP-0198), and Prosody then hangs
    // up: nothing is asked of the server before acknowledgements are on.
    await until('acknowledgements are on', () => connection.streamManagement.enabled || undefined);
    await connection.send(xml('presence', {}));
    return new XmppUser(server, username, connection);
  }

  get bareJid(): string {
    return `${this.username}@${this.#server.domain}`;
  }

  /**
   * Asks and returns the result; rejects with an error that has the `type` and `condition` of the answer.
   * @param to `undefined`: the request says nothing, and is for the user's own account.
   */
  async request(type: 'get' | 'set', to: string | undefined, payload: ClientElement): Promise<ClientElement> {
    return await this.#client.iqCaller.request(xml('iq', { type, to }, payload), answerMs);
  }

  /** How the request was refused; throws when it was not. */
  async refusal(type: 'get' | 'set', to: string | undefined, payload: ClientElement): Promise<Refused> {
    try {
      await this.request(type, to, payload);
    } catch (error) {
      if (isRefused(error)) return { type: error.type, condition: error.condition };
      throw error;
    }
    throw new Error('the request was granted');
  }

  /** As Conversations registers: one `execute` with `token` and `android-id`, no FORM_TYPE (xmpp 5.36). */
  async registerFcm(component: string, token: string, androidId: string): Promise<PushTarget> {
    return await this.#register(component, 'register-push-fcm', { token, 'android-id': androidId });
  }

  /** The same for an iPhone. */
  async registerApns(component: string, token: string, deviceId: string): Promise<PushTarget> {
    return await this.#register(component, 'register-push-apns', { token, 'device-id': deviceId });
  }

  /** As MongooseIM's clients do: a node made by pubsub, with the server's domain as its publisher (xmpp 4.1, 4.31). */
  async createPushNode(component: string, node: string): Promise<string> {
    const create = xml('pubsub', { xmlns: ns.pubsub }, xml('create', { node, type: 'push' }));
    const created = await this.request('set', component, create);
    const name = created.getChild('pubsub', ns.pubsub)?.getChild('create')?.attrs['node'] ?? node;
    const grant = xml('affiliation', { jid: this.#server.domain, affiliation: 'publish-only' });
    await this.request(
      'set',
      component,
      xml('pubsub', { xmlns: ns.pubsubOwner }, xml('affiliations', { node: name }, grant)),
    );
    return name;
  }

  async enablePush(target: PushTarget): Promise<void> {
    const options = Object.entries(target.options);
    const fields = [
      formField('FORM_TYPE', ns.publishOptions),
      ...options.map(([name, value]) => formField(name, value)),
    ];
    const form = options.length === 0 ? [] : [xml('x', { xmlns: ns.form, type: 'submit' }, fields)];
    await this.request(
      'set',
      this.bareJid,
      xml('enable', { xmlns: ns.push, jid: target.jid, node: target.node }, ...form),
    );
  }

  async disablePush(jid: string, node?: string): Promise<void> {
    await this.request('set', this.bareJid, xml('disable', { xmlns: ns.push, jid, node }));
  }

  /** Available, but away, ... (RFC 6121 §4.7.2.1), or of some priority. */
  async becomes(show: string, priority = 0): Promise<void> {
    const shown = show === '' ? [] : [xml('show', {}, show)];
    await this.#client.send(xml('presence', {}, ...shown, xml('priority', {}, String(priority))));
  }

  /** Stays signed in, but says that he is not there. */
  async becomesUnavailable(): Promise<void> {
    await this.#client.send(xml('presence', { type: 'unavailable' }));
  }

  /** Features that an address reports (XEP-0030). */
  async features(jid: string): Promise<readonly string[]> {
    const answer = await this.request('get', jid, xml('query', { xmlns: ns.discoInfo }));
    const features = answer.getChild('query', ns.discoInfo)?.getChildren('feature') ?? [];
    return features.map(({ attrs }) => attrs['var'] ?? '');
  }

  /** Resolves when the server has taken all that was sent, and knows that what it had sent before has arrived. */
  async settle(): Promise<void> {
    // The first brings what the server had sent, with its question for an acknowledgement; the second follows that one.
    for (let asked = 0; asked < 2; asked++) {
      await this.request('get', this.#server.domain, xml('ping', { xmlns: ns.ping }));
    }
  }

  /** Writes to somebody, and resolves when the server has dealt with it: it answered a ping sent behind. */
  async write(to: string, body: string): Promise<void> {
    await this.#client.send(xml('message', { to, type: 'chat', id: randomUUID() }, xml('body', {}, body)));
    await this.request('get', this.#server.domain, xml('ping', { xmlns: ns.ping }));
  }

  /** Leaves in order, and resolves when the server has noticed. */
  async disconnect(): Promise<void> {
    if (this.#client.status === 'online') await within(`${this.username} leaves`, this.#client.stop());
    await this.#server.untilOffline(this.username);
  }

  /** The phone is out of reach: nothing arrives any more, and nothing is acknowledged, but its connection stands. */
  deafen(): void {
    this.#client.socket?.pause();
  }

  /** The phone is gone without a word; the server keeps the session for a while (XEP-0198). */
  async vanish(): Promise<void> {
    const gone = new Promise<void>((resolve) => this.#client.once('disconnect', resolve));
    this.#client.socket?.destroy();
    await within(`${this.username} vanishes`, gone);
  }

  async #register(component: string, command: string, fields: Readonly<Record<string, string>>): Promise<PushTarget> {
    const form = Object.entries(fields).map(([name, value]) => formField(name, value));
    const submit = xml('x', { xmlns: ns.form, type: 'submit' }, form);
    const execute = xml('command', { xmlns: ns.commands, node: command, action: 'execute' }, submit);
    const answer = (await this.request('set', component, execute)).getChild('command', ns.commands);
    if (answer?.attrs['status'] !== 'completed') throw new Error(`${command} did not complete: ${String(answer)}`);
    const values = new Map<string, string>();
    for (const field of answer.getChild('x', ns.form)?.getChildren('field') ?? []) {
      values.set(field.attrs['var'] ?? '', field.getChildText('value') ?? '');
    }
    const node = values.get('node');
    if (node === undefined || node === '') throw new Error(`${command} gave no node: ${String(answer)}`);
    const secret = values.get('secret');
    return { jid: values.get('jid') ?? component, node, options: secret === undefined ? {} : { secret } };
  }
}

function formField(name: string, value: string): ClientElement {
  return xml('field', { var: name }, xml('value', {}, value));
}

function isRefused(error: unknown): error is Error & Refused {
  return error instanceof Error && error.name === 'StanzaError' && 'type' in error && 'condition' in error;
}
