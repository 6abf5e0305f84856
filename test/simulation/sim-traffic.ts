/**
 * What users and their server send to the component under the simulator: registrations, publishes with right and wrong
 * secrets, nodes made and removed, and stanzas nobody should send. A publish's body is its id, so that what reaches a
 * gateway can be traced back.
 */
import { publishText } from '../../src/fake/traffic.ts';
import { ns } from '../../src/xmpp/namespaces.ts';
import type { Random } from '../../src/core/random.ts';
import type { Service } from '../../src/core/registration.ts';
import type { PushTarget } from '../../src/fake/traffic.ts';

export const component = 'push.example.net';
export const userDomain = 'example.com';

export interface Question {
  /** `''`: nobody owes an answer. */
  readonly id: string;
  readonly kind: 'publish' | 'register' | 'other';
  readonly xml: string;
  /** Of a publish. */
  readonly node: string;
  readonly secret: string;
}

interface Device {
  readonly user: string;
  readonly device: string;
  readonly service: Service;
  readonly token: string;
}

interface KnownTarget extends PushTarget {
  /** Sent as publish-options; `''` where a secret names the device. */
  readonly service: Service | '';
  readonly token: string;
}

const users = 12;
const targetsMax = 400;

export class SimTraffic {
  readonly #random: Random;
  readonly #registering = new Map<string, Device>();
  readonly #byRegistration = new Map<string, KnownTarget>();
  #targets: KnownTarget[] = [];
  #devices: Device[] = [];
  #count = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** The answer to a registration has come. */
  registered(id: string, { node, secret }: PushTarget): void {
    const device = this.#registering.get(id);
    this.#registering.delete(id);
    if (device === undefined) return;
    const target = { node, secret, service: '', token: device.token } as const;
    this.#byRegistration.set(id, target);
    this.#add(target);
    this.#devices.push(device);
  }

  anyDevice(): { readonly token: string } {
    return this.#pick(this.#devices) ?? { token: 'none' };
  }

  draw(): Question {
    const drawn = this.#random.unit();
    if (drawn < 0.5) return this.publish();
    if (drawn < 0.65) return this.register(this.#random.unit() < 0.5 ? 'apns' : 'fcm');
    if (drawn < 0.71)
      return this.#publish({ ...this.#anyTarget(), secret: this.#random.bytes(32).toString('base64url') });
    if (drawn < 0.73) return this.#publish({ node: `unknown-${this.#count}`, secret: '', service: '', token: '' });
    if (drawn < 0.76) return this.#command('list-push-registrations', this.#anyUser(), '');
    if (drawn < 0.81) return this.#unregister();
    if (drawn < 0.86) return this.#create();
    if (drawn < 0.89) return this.#onNode('delete');
    if (drawn < 0.92) return this.#onNode('configure');
    return this.#odd();
  }

  /** To a target that was known once, with its secret. */
  publish(): Question {
    return this.#publish(this.#anyTarget());
  }

  /** To what the registration with this id has given. */
  publishTo(registrationId: string): Question {
    const target = this.#byRegistration.get(registrationId);
    if (target === undefined) throw new Error(`registration ${registrationId} was not answered with a node`);
    return this.#publish(target, false);
  }

  register(service: Service, device = `device-${Math.floor(this.#random.unit() * 2)}`): Question {
    const user = this.#anyUser();
    const token = service === 'apns' ? this.#random.bytes(32).toString('hex') : `fcm:${this.#random.uuid()}`;
    const fields = field('token', token) + field('device-id', device) + field('device-name', 'A phone');
    const question = this.#command(`register-push-${service}`, user, fields, 'register');
    this.#registering.set(question.id, { user, device, service, token });
    return question;
  }

  #publish({ node, secret, service, token }: KnownTarget, mayBeSkipped = true): Question {
    let id = this.#newId();
    // Bodies that end in 7 are left out by the plugin; a probe must get through.
    if (id.endsWith('7') && !mayBeSkipped) id = this.#newId();
    const profile = this.#random.unit() < 0.5 ? 'ejabberd' : 'prosody';
    const parts = {
      id,
      from: userDomain,
      to: component,
      node,
      body: id,
      sender: `anna@${userDomain}`,
      messageCount: 1,
    };
    if (service === '') {
      return { id, kind: 'publish', node, secret, xml: publishText(profile, { ...parts, secret }) };
    }
    const options =
      `<publish-options><x type='submit' xmlns='${ns.data}'>` +
      field('FORM_TYPE', ns.pubsubPublishOptions) +
      `${field('service', service)}${field('device_id', token)}</x></publish-options></pubsub></iq>`;
    const xml = publishText(profile, { ...parts, secret: '' }).replace('</pubsub></iq>', options);
    return { id, kind: 'publish', node, secret: '', xml };
  }

  #unregister(): Question {
    const device = this.#pick(this.#devices);
    const fields = device === undefined ? '' : field('device-id', device.device);
    return this.#command(`unregister-push`, device?.user ?? this.#anyUser(), fields);
  }

  #create(): Question {
    const node = `node-${Math.floor(this.#random.unit() * 40)}`;
    const service = this.#random.unit() < 0.5 ? 'apns' : 'fcm';
    this.#add({ node, secret: '', service, token: service === 'apns' ? 'b2'.repeat(32) : 'fcm:created' });
    return this.#pubsub('pubsub', `<create node='${node}'/>`);
  }

  #onNode(verb: 'delete' | 'configure'): Question {
    const node = `node-${Math.floor(this.#random.unit() * 40)}`;
    const form = `<x xmlns='${ns.data}' type='submit'>${field('FORM_TYPE', `${ns.pubsub}#node_config`)}</x>`;
    const payload = verb === 'delete' ? `<delete node='${node}'/>` : `<configure node='${node}'>${form}</configure>`;
    return this.#pubsub('pubsub#owner', payload);
  }

  #pubsub(name: 'pubsub' | 'pubsub#owner', payload: string): Question {
    const id = this.#newId();
    const opening = `<iq type='set' id='${id}' from='${this.#anyUser()}/phone' to='${component}'>`;
    const xml = `${opening}<pubsub xmlns='http://jabber.org/protocol/${name}'>${payload}</pubsub></iq>`;
    return { id, kind: 'other', xml, node: '', secret: '' };
  }

  #command(name: string, user: string, fields: string, kind: 'register' | 'other' = 'other'): Question {
    const id = this.#newId();
    const form = fields === '' ? '' : `<x xmlns='${ns.data}' type='submit'>${fields}</x>`;
    const command = `<command xmlns='${ns.commands}' node='${name}' action='execute'>${form}</command>`;
    const xml = `<iq type='set' id='${id}' from='${user}/phone' to='${component}'>${command}</iq>`;
    return { id, kind, xml, node: '', secret: '' };
  }

  #odd(): Question {
    const make = this.#pick(oddStanzas);
    const id = this.#newId();
    const xml = make?.(id) ?? '';
    return {
      id: xml.startsWith('<iq') && xml.includes(`id='${id}'`) ? id : '',
      kind: 'other',
      xml,
      node: '',
      secret: '',
    };
  }

  #anyTarget(): KnownTarget {
    return this.#pick(this.#targets) ?? { node: 'nobody', secret: '', service: '', token: '' };
  }

  #anyUser(): string {
    return `user${Math.floor(this.#random.unit() * users)}@${userDomain}`;
  }

  #add(target: KnownTarget): void {
    this.#targets.push(target);
    if (this.#targets.length > targetsMax) this.#targets = this.#targets.slice(targetsMax / 2);
  }

  #pick<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.#random.unit() * items.length)];
  }

  #newId(): string {
    return `q-${this.#count++}`;
  }
}

function field(name: string, value: string): string {
  return `<field var='${name}'><value>${value}</value></field>`;
}

const from = `from='anna@${userDomain}/phone' to='${component}'`;

/** What a component meets besides its own business. */
export const oddStanzas: readonly ((id: string) => string)[] = [
  (id) => `<iq type='get' id='${id}' ${from}><ping xmlns='urn:xmpp:ping'/></iq>`,
  (id) => `<iq type='get' id='${id}' ${from}><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`,
  (id) => `<iq type='get' id='${id}' ${from}><query xmlns='urn:example:unknown'/></iq>`,
  (id) => `<iq type='set' id='${id}' ${from}/>`,
  (id) => `<iq type='set' id='${id}' ${from}><a xmlns='urn:a'/><b xmlns='urn:b'/></iq>`,
  (id) => `<iq type='subscribe' id='${id}' ${from}><a xmlns='urn:a'/></iq>`,
  (id) => `<iq type='set' id='${id}' ${from}><pubsub xmlns='${ns.pubsub}'><publish><item/></publish></pubsub></iq>`,
  (id) => `<iq type='set' id='${id}' ${from}><pubsub xmlns='${ns.pubsub}'><publish node='x'/></pubsub></iq>`,
  (id) => `<iq type='set' id='${id}' ${from}><a xmlns='urn:a'>${'x'.repeat(12_000)}</a></iq>`,
  () => `<iq type='result' id='nobody-asked' ${from}/>`,
  () => `<iq type='set' ${from}><ping xmlns='urn:xmpp:ping'/></iq>`,
  () => `<message ${from}><body>hello</body></message>`,
  () => `<presence ${from}/>`,
  () => '\n \n',
];
