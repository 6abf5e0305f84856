// Thread: main
/**
 * What to do with an IQ: the table of (type, element, namespace), after the checks of addresses, id and children (xmpp
 * 2.1 to 2.13, 8.16, 8.18). A publish is tested first, for it is all but a few of the IQs that arrive. Everything comes
 * out flat: the element is dropped when this returns.
 */
import { unreachable } from '../core/assert.ts';
import type { BareJID, FullJID } from '../core/ids.ts';
import { domainOf, fullJID } from '../core/jid.ts';
import { limits } from '../core/limits.ts';
import { readCommand } from '../xmpp/command-codec.ts';
import { fitsField } from '../xmpp/data-form.ts';
import { delegationOf } from '../xmpp/delegation-codec.ts';
import { ns } from '../xmpp/namespaces.ts';
import { defaultConfigurationXml } from '../xmpp/pubsub-answers.ts';
import { defaultPublishModel, readPublish, readPubsub } from '../xmpp/pubsub-codec.ts';
import type { PublishRequest, PubsubRequest } from '../xmpp/pubsub-codec.ts';
import { stanzaErrors, unsupportedFeature } from '../xmpp/stanza-errors.ts';
import { attribute, isElement, localName, namespaceOf } from '../xmpp/xml.ts';
import type { XmlElement } from '../xmpp/xml.ts';
import type { Answering } from './command-answers.ts';
import { routeForwarded } from './delegated-iqs.ts';
import { commandOf, drop, ownerOf, refuse, reply } from './routed.ts';
import type { Asked, Routed, RouteSettings, UnaskedCommand } from './routed.ts';
import { routeSelf } from './self-routes.ts';

/** @param iq an element `iq` of the stream. */
export function routeIq(iq: XmlElement, settings: RouteSettings): Routed {
  const id = attribute(iq, 'id') ?? '';
  if (id === '') return drop('no-id');
  if (!fitsField(id, limits.iqIdBytesMax)) return drop('long-id');
  const sender = senderOf(attribute(iq, 'from') ?? '');
  if (sender === undefined) return drop('bad-from');
  const to = attribute(iq, 'to') ?? '';
  let isAlias = false;
  if (to !== settings.domain) {
    const jid = fullJID(to);
    if (!jid.ok) return drop('bad-to');
    if (domainOf(jid.value) !== settings.domain) return drop('other-domain');
    isAlias = jid.value.length !== settings.domain.length;
  }
  const type = attribute(iq, 'type') ?? '';
  if (type === 'result' || type === 'error') {
    return { kind: 'response', id, from: sender.jid, isResult: type === 'result' };
  }
  if (sender.domain === settings.domain) return drop('own-domain');
  return routeRequest({ request: { id, to, from: sender.text }, from: sender.jid, settings }, { type, isAlias }, iq);
}

interface Sender {
  /** As it arrived. */
  readonly text: string;
  readonly jid: FullJID;
  readonly domain: string;
}

// A server publishes in its own name all day, and preparing that costs 0.2 µs.
let lastSender: Sender | undefined;

function senderOf(text: string): Sender | undefined {
  if (lastSender?.text === text) return lastSender;
  const jid = fullJID(text);
  if (!jid.ok) return undefined;
  lastSender = { text, jid: jid.value, domain: domainOf(jid.value) };
  return lastSender;
}

interface Shape {
  readonly type: string;
  /** Addressed to a localpart or resource of our domain. */
  readonly isAlias: boolean;
}

function routeRequest(asked: Asked, { type, isAlias }: Shape, iq: XmlElement): Routed {
  if (type !== 'set' && type !== 'get') return refuse(asked, stanzaErrors.badRequest);
  const child = onlyChild(iq);
  if (child === undefined) return refuse(asked, stanzaErrors.badRequest);
  if (type === 'set' && isElement(child, 'pubsub', ns.pubsub)) {
    const publish = readPublish(child);
    if (publish !== undefined) {
      return publish.kind === 'refused' ? refuse(asked, publish.error) : publishRoute(asked, publish);
    }
  }
  return isAlias ? routeAlias(asked, type, child) : routeOther(asked, type, child);
}

/** `undefined`: none, or more than one (2.8). */
function onlyChild(iq: XmlElement): XmlElement | undefined {
  let only: XmlElement | undefined;
  for (const child of iq.children) {
    if (typeof child === 'string') continue;
    if (only !== undefined) return undefined;
    only = child;
  }
  return only;
}

const answeringPublish: Answering = { kind: 'publish' };

function publishRoute(asked: Asked, { node, summary, options }: PublishRequest): Routed {
  const { clock, iqReplyMs } = asked.settings;
  const deadlineMs = clock.monotonicMs() + iqReplyMs;
  const command: UnaskedCommand = { kind: 'publish', node, from: asked.from, summary, options, deadlineMs };
  return commandOf(asked, command, answeringPublish);
}

/** At an address of our domain that is none of ours only questions about us are answered (2.12). */
function routeAlias(asked: Asked, type: 'get' | 'set', child: XmlElement): Routed {
  const namespace = namespaceOf(child);
  const isAboutUs = namespace === ns.discoInfo || namespace === ns.discoItems || namespace === ns.ping;
  return (isAboutUs ? routeSelf(asked, type, child) : undefined) ?? refuse(asked, stanzaErrors.serviceUnavailable);
}

function routeOther(asked: Asked, type: 'get' | 'set', child: XmlElement): Routed {
  const namespace = namespaceOf(child);
  const name = localName(child);
  if (namespace === ns.pubsub || namespace === ns.pubsubOwner) {
    if (name !== 'pubsub') return refuse(asked, stanzaErrors.featureNotImplemented);
    return routePubsub(asked, readPubsub(type, child));
  }
  if (namespace === ns.commands) {
    if (name !== 'command') return refuse(asked, stanzaErrors.featureNotImplemented);
    return type === 'set' ? routeCommand(asked, child) : refuse(asked, stanzaErrors.badRequest);
  }
  const delegation = delegationOf(child);
  if (delegation !== undefined) return routeForwarded(asked, child, delegation);
  return routeSelf(asked, type, child) ?? refuse(asked, stanzaErrors.serviceUnavailable);
}

function isAllowed(owner: BareJID, { allowedDomains }: RouteSettings): boolean {
  return allowedDomains.size === 0 || allowedDomains.has(domainOf(owner));
}

function routePubsub(asked: Asked, read: PubsubRequest): Routed {
  const owner = ownerOf(asked);
  const { strictErrors } = asked.settings;
  switch (read.kind) {
    case 'publish':
      return publishRoute(asked, read);
    case 'refused':
      return refuse(asked, read.error);
    case 'nothing':
      return reply(asked, '');
    case 'default-configuration':
      return reply(asked, defaultConfiguration);
    case 'create':
      if (!asked.settings.disco.create) return refuse(asked, unsupportedFeature('create-nodes'));
      if (!isAllowed(owner, asked.settings)) return refuse(asked, stanzaErrors.forbidden);
      return commandOf(asked, { ...read, owner }, { kind: 'create' });
    case 'configure':
    case 'affiliate':
      return commandOf(asked, { ...read, owner }, { kind: 'empty', strictErrors });
    case 'delete':
      return commandOf(asked, { kind: 'delete-node', node: read.node, owner }, { kind: 'empty', strictErrors });
    case 'read-configuration':
      return commandOf(asked, { kind: 'read-node', node: read.node, owner }, { kind: 'configuration', strictErrors });
    case 'read-affiliations':
      return commandOf(asked, { kind: 'read-node', node: read.node, owner }, { kind: 'affiliations', strictErrors });
    case 'own-affiliations':
      return commandOf(asked, { kind: 'list', owner }, { kind: 'own-affiliations', node: read.node });
    default:
      return unreachable(read);
  }
}

const defaultConfiguration = defaultConfigurationXml({
  publishModel: defaultPublishModel,
  title: '',
  secretRequired: false,
});

function routeCommand(asked: Asked, element: XmlElement): Routed {
  const owner = ownerOf(asked);
  if (!isAllowed(owner, asked.settings)) return refuse(asked, stanzaErrors.forbidden);
  const read = readCommand(element, asked.from, asked.settings.commands);
  switch (read.kind) {
    case 'refused':
      return refuse(asked, read.error);
    case 'payload':
      return reply(asked, read.xml);
    case 'list':
      return commandOf(asked, { kind: 'list', owner }, { kind: 'command', context: read.context });
    case 'register':
    case 'unregister': {
      const { context, ...command } = read;
      return commandOf(asked, { ...command, owner }, { kind: 'command', context });
    }
    default:
      return unreachable(read);
  }
}
