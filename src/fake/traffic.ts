// Thread: any
/**
 * Stanzas as real servers and clients send them: publishes in the two captured shapes (xmpp 9.6-A and 9.6-B), and the
 * register-push command of a mobile client (5.36). Reproducible from a seed; a publish is about 900 bytes.
 */
import type { Random } from '../core/random.ts';
import { ns } from '../xmpp/namespaces.ts';
import { escapeXml } from '../xmpp/stanza.ts';
import { unescapeXml } from './stanza-scanner.ts';
import type { ServerProfile } from './xmpp-stream.ts';

export interface PublishParts {
  readonly id: string;
  /** The server's domain. */
  readonly from: string;
  /** The push service: our component. */
  readonly to: string;
  readonly node: string;
  /** `''`: no publish-options. */
  readonly secret: string;
  /** `''`: absent, as for a call. */
  readonly body: string;
  readonly sender: string;
  readonly messageCount: number;
}

export function publishText(profile: ServerProfile, parts: PublishParts): string {
  const id = escapeXml(parts.id);
  const opening =
    profile === 'ejabberd'
      ? `<iq to='${parts.to}' from='${parts.from}' type='set' id='${id}'>`
      : `<iq id='${id}' from='${parts.from}' to='${parts.to}' type='set'>`;
  const options =
    parts.secret === ''
      ? ''
      : `<publish-options><x type='submit' xmlns='${ns.data}'><field var='FORM_TYPE'>` +
        `<value>${ns.pubsubPublishOptions}</value></field><field var='secret'>` +
        `<value>${escapeXml(parts.secret)}</value></field></x></publish-options>`;
  return (
    `${opening}<pubsub xmlns='${ns.pubsub}'><publish node='${escapeXml(parts.node)}'><item>` +
    (profile === 'ejabberd' ? ejabberdNotification(parts) : prosodyNotification(parts)) +
    `</item></publish>${options}</pubsub></iq>`
  );
}

const formType = `<field var='FORM_TYPE' type='hidden'><value>${ns.pushSummary}</value></field>`;

/** Without a body and a sender ejabberd sends no form at all. */
function ejabberdNotification(parts: PublishParts): string {
  if (parts.body === '' && parts.sender === '') return `<notification xmlns='${ns.push}'/>`;
  const sender =
    parts.sender === ''
      ? ''
      : `<field var='last-message-sender' type='jid-single' label='The sender of the last received message'><value>` +
        `${escapeXml(parts.sender)}</value></field>`;
  const body =
    parts.body === ''
      ? ''
      : `<field var='last-message-body' type='text-single' label='The body text of the last received message'><value>` +
        `${escapeXml(parts.body)}</value></field>`;
  const form = `<x type='submit' xmlns='${ns.data}'>${formType}${sender}${body}</x>`;
  return `<notification xmlns='${ns.push}'>${form}</notification>`;
}

/** Prosody always sends all fields, empty ones without a value. */
function prosodyNotification(parts: PublishParts): string {
  return (
    `<notification xmlns='${ns.push}'><x type='form' xmlns='${ns.data}'>${formType}` +
    `<field var='message-count' type='text-single'><value>${parts.messageCount}</value></field>` +
    `<field var='pending-subscription-count' type='text-single'/>` +
    optionalField('last-message-sender', 'jid-single', parts.sender) +
    `${optionalField('last-message-body', 'text-single', parts.body)}</x></notification>`
  );
}

function optionalField(name: string, type: string, value: string): string {
  const opening = `<field var='${name}' type='${type}'`;
  return value === '' ? `${opening}/>` : `${opening}><value>${escapeXml(value)}</value></field>`;
}

/** What register-push gave to one user. */
export interface PushTarget {
  readonly node: string;
  readonly secret: string;
}

export interface TrafficOptions {
  readonly profile: ServerProfile;
  /** The server's domain; users are `user0@domain/phone` and so on. */
  readonly domain: string;
  readonly component: string;
  readonly random: Random;
}

const words = 'see you at eight bring the blue folder and call me before lunch no rush it can wait until monday'.split(
  ' ',
);

export class Traffic {
  readonly #options: TrafficOptions;
  #targets: readonly PushTarget[] = [];

  constructor(options: TrafficOptions) {
    this.#options = options;
  }

  /** Whom `publish` is for. */
  use(targets: readonly PushTarget[]): void {
    this.#targets = targets;
  }

  /** Made-up nodes and secrets of the lengths the engine gives out. */
  makeTargets(count: number): PushTarget[] {
    return Array.from({ length: count }, () => ({
      node: this.#options.random.bytes(12).toString('base64url'),
      secret: this.#options.random.bytes(32).toString('base64url'),
    }));
  }

  /** A publish for a target chosen at random. */
  publish(id: string): string {
    const { random, profile, domain, component } = this.#options;
    const target = this.#targets[Math.floor(random.unit() * this.#targets.length)];
    return publishText(profile, {
      id,
      from: domain,
      to: component,
      node: target?.node ?? '',
      secret: target?.secret ?? '',
      body: this.#sentence(),
      sender: `user${Math.floor(random.unit() * 1000)}@${domain}/phone`,
      messageCount: 1 + Math.floor(random.unit() * 3),
    });
  }

  /** The register-push command of user `index`: Apple and Google devices in turn. */
  register(id: string, index: number): string {
    const { random, domain, component } = this.#options;
    const apple = index % 2 === 0;
    const token = apple
      ? random.bytes(32).toString('hex')
      : `fcm${index}:APA91b${random.bytes(99).toString('base64url')}`;
    return (
      `<iq type='set' id='${escapeXml(id)}' from='user${index}@${domain}/phone' to='${component}'>` +
      `<command xmlns='${ns.commands}' node='register-push-${apple ? 'apns' : 'fcm'}' action='execute'>` +
      `<x xmlns='${ns.data}' type='submit'><field var='token'><value>${token}</value></field>` +
      `<field var='device-id'><value>device-${index}</value></field>` +
      `<field var='device-name'><value>Phone of user ${index}</value></field></x></command></iq>`
    );
  }

  #sentence(): string {
    const { random } = this.#options;
    const length = 4 + Math.floor(random.unit() * 12);
    let text = words[Math.floor(random.unit() * words.length)] ?? '';
    for (let count = 1; count < length; count++) text += ` ${words[Math.floor(random.unit() * words.length)]}`;
    return text;
  }
}

/** What the answer to a register-push command says; null if it is not a completed one. */
export function registeredTarget(answer: string): PushTarget | null {
  const node = fieldValue(answer, 'node');
  if (node === null || !answer.includes(`status='completed'`)) return null;
  return { node, secret: fieldValue(answer, 'secret') ?? '' };
}

function fieldValue(answer: string, name: string): string | null {
  const found = new RegExp(`<field[^>]* var='${name}'[^>]*><value>([^<]*)</value>`).exec(answer);
  return found === null ? null : unescapeXml(found[1] ?? '');
}
