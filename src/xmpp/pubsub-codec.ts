// Thread: any
/**
 * What a `<pubsub/>` asks of a push service (XEP-0060 in the part that XEP-0357 needs; xmpp 4.1 to 4.59). One element
 * in, one flat request out. A publish is read liberally, because an error for a publish costs users their registration:
 * only a missing node (4.51) and a foreign payload (4.54) are refused. Everything else gets the error XEP-0060 names.
 */
import { bareJID } from '../core/jid.ts';
import { parseNodeId } from '../core/ids.ts';
import type { BareJID, NodeId } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import type { Summary } from '../core/notification.ts';
import { readForm } from './data-form.ts';
import type { DataForm } from './data-form.ts';
import { ns } from './namespaces.ts';
import { readPublishOptions } from './publish-options.ts';
import type { PublishOptions } from './publish-options.ts';
import { readSummary } from './push-codec.ts';
import { stanzaErrors, unsupportedFeature } from './stanza-errors.ts';
import type { StanzaError } from './stanza-errors.ts';
import { attribute, bequeaths, childOf, childrenOf, isElement, isHeir, localName, namespaceOf } from './xml.ts';
import type { XmlElement } from './xml.ts';

export type PublishModel = 'open' | 'publishers';

export interface PublishRequest {
  readonly kind: 'publish';
  readonly node: NodeId;
  readonly summary: Summary;
  readonly options: PublishOptions;
}

export type PubsubRequest =
  | PublishRequest
  /** `node` is `''` for an instant node. */
  | { readonly kind: 'create'; readonly node: NodeId | ''; readonly publishModel: PublishModel }
  | { readonly kind: 'read-configuration'; readonly node: NodeId }
  | { readonly kind: 'configure'; readonly node: NodeId; readonly publishModel: PublishModel | '' }
  | { readonly kind: 'default-configuration' }
  | { readonly kind: 'delete'; readonly node: NodeId }
  | { readonly kind: 'read-affiliations'; readonly node: NodeId }
  | {
      readonly kind: 'affiliate';
      readonly node: NodeId;
      readonly grant: readonly BareJID[];
      readonly revoke: readonly BareJID[];
    }
  /** Of the asker, at all nodes (`''`) or at one. */
  | { readonly kind: 'own-affiliations'; readonly node: NodeId | '' }
  /** Answer an empty result, nothing else: a cancelled form (4.11). */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'refused'; readonly error: StanzaError };

/** For a creator who does not say: the own domain, the owner, and whom the owner grants (4.31, 4.48). */
export const defaultPublishModel: PublishModel = 'publishers';

export function refused(error: StanzaError): { readonly kind: 'refused'; readonly error: StanzaError } {
  return { kind: 'refused', error };
}

/** @param pubsub an element `pubsub` in one of its two namespaces, child of an IQ `get` or `set`. */
export function readPubsub(iqType: 'get' | 'set', pubsub: XmlElement): PubsubRequest {
  if (iqType === 'set') {
    const publish = readPublish(pubsub);
    if (publish !== undefined) return publish;
  }
  return namespaceOf(pubsub) === ns.pubsubOwner ? readOwnerVerb(iqType, pubsub) : readVerb(iqType, pubsub);
}

type Refused = ReturnType<typeof refused>;

/** The hot path. `undefined`: there is no `<publish/>` in it. The order of the children means nothing (4.41). */
export function readPublish(pubsub: XmlElement): PublishRequest | Refused | undefined {
  let publish: XmlElement | undefined;
  let options: XmlElement | undefined;
  const inherits = bequeaths(pubsub, ns.pubsub);
  for (const child of pubsub.children) {
    if (typeof child === 'string') continue;
    if (publish === undefined && isHeir(child, 'publish', ns.pubsub, inherits)) publish = child;
    else if (options === undefined && isHeir(child, 'publish-options', ns.pubsub, inherits)) options = child;
  }
  if (publish === undefined) return undefined;
  const name = attribute(publish, 'node') ?? '';
  if (name === '') return refused(stanzaErrors.nodeIdRequired);
  const node = parseNodeId(name);
  // No node of ours has such a name, so this one is truly dead (8.20).
  if (!node.ok) return refused(stanzaErrors.itemNotFound);
  const summary = readItem(publish);
  if (summary === undefined) return refused(stanzaErrors.invalidPayload);
  return { kind: 'publish', node: node.value, summary, options: readPublishOptions(options) };
}

/** `undefined`: there is a payload, and it is none of ours (4.54). No item or no payload at all is a wake-up (4.40). */
function readItem(publish: XmlElement): Summary | undefined {
  let item: XmlElement | undefined;
  for (const child of publish.children) {
    if (typeof child !== 'string' && isElement(child, 'item', ns.pubsub)) item = child; // the last one counts
  }
  let notification: XmlElement | undefined;
  let form: XmlElement | undefined;
  let foreign = false;
  if (item !== undefined) {
    for (const child of item.children) {
      if (typeof child === 'string') continue;
      if (isElement(child, 'notification', ns.push)) notification = child;
      else if (isElement(child, 'x', ns.data)) form = child;
      else foreign = true;
    }
  }
  return foreign && notification === undefined && form === undefined ? undefined : readSummary(notification, form);
}

function firstKnown(pubsub: XmlElement, namespace: string, known: readonly string[]): XmlElement | undefined {
  for (const child of pubsub.children) {
    if (typeof child !== 'string' && namespaceOf(child) === namespace && known.includes(localName(child))) return child;
  }
  return undefined;
}

/** Features for the verbs we do not do (4.44, 4.59). */
const missingFeature: ReadonlyMap<string, string> = new Map([
  ['items', 'retrieve-items'],
  ['retract', 'delete-items'],
  ['subscribe', 'subscribe'],
  ['unsubscribe', 'subscribe'],
  ['options', 'subscription-options'],
  ['subscriptions', 'retrieve-subscriptions'],
  ['default', 'retrieve-default-sub'],
]);
const missingOwnerFeature: ReadonlyMap<string, string> = new Map([
  ['purge', 'purge-nodes'],
  ['subscriptions', 'manage-subscriptions'],
]);

/** All pubsub features that are answered `unsupported`; disco must not name any of them. */
export const unsupportedFeatures: readonly string[] = [...missingFeature.values(), ...missingOwnerFeature.values()];

const verbs = ['create', 'affiliations', 'publish', ...missingFeature.keys()];
const ownerVerbs = ['configure', 'default', 'delete', 'affiliations', ...missingOwnerFeature.keys()];

function readVerb(iqType: 'get' | 'set', pubsub: XmlElement): PubsubRequest {
  const verb = firstKnown(pubsub, ns.pubsub, verbs);
  if (verb === undefined) return unknownVerb(pubsub);
  const name = localName(verb);
  const missing = missingFeature.get(name);
  if (missing !== undefined) return refused(unsupportedFeature(missing));
  if (name === 'create') return iqType === 'set' ? readCreate(pubsub, verb) : refused(stanzaErrors.badRequest);
  // 2.7: `publish` in a get
  if (name === 'publish' || iqType === 'set') return refused(stanzaErrors.badRequest);
  const node = attribute(verb, 'node') ?? '';
  if (node === '') return { kind: 'own-affiliations', node: '' };
  const parsed = parseNodeId(node);
  return parsed.ok ? { kind: 'own-affiliations', node: parsed.value } : refused(stanzaErrors.itemNotFound);
}

/** Nothing inside, or leftovers of a known verb: malformed. Something else: not implemented (2.6). */
function unknownVerb(pubsub: XmlElement): Refused {
  for (const child of pubsub.children) {
    if (typeof child === 'string') continue;
    const name = localName(child);
    if (name !== 'configure' && name !== 'publish-options') return refused(stanzaErrors.featureNotImplemented);
  }
  return refused(stanzaErrors.badRequest);
}

function readCreate(pubsub: XmlElement, create: XmlElement): PubsubRequest {
  if (attribute(create, 'type') === 'collection') return refused(unsupportedFeature('collections'));
  const configure = childOf(pubsub, 'configure', ns.pubsub);
  if (configure !== undefined) {
    const early = pubsub.children.indexOf(configure) < pubsub.children.indexOf(create);
    if (early || attribute(configure, 'node') !== undefined) return refused(stanzaErrors.badRequest); // 4.3
  }
  const settings = configure === undefined ? nothingSaid : readConfiguration(configure);
  if (settings.kind === 'refused') return settings;
  const publishModel = settings.publishModel === '' ? defaultPublishModel : settings.publishModel;
  const name = attribute(create, 'node') ?? '';
  if (name === '') return { kind: 'create', node: '', publishModel };
  const node = parseNodeId(name);
  return node.ok ? { kind: 'create', node: node.value, publishModel } : refused(stanzaErrors.notAcceptable);
}

type Configuration =
  { readonly kind: 'configuration'; readonly publishModel: PublishModel | ''; readonly cancelled: boolean } | Refused;

const nothingSaid = { kind: 'configuration', publishModel: '', cancelled: false } as const;

/** Unknown fields are ignored, missing ones stay as they are (4.11); a foreign FORM_TYPE makes it no form of ours. */
function readConfiguration(configure: XmlElement): Configuration {
  const x = childOf(configure, 'x', ns.data);
  if (x === undefined) return nothingSaid;
  const form = readForm(x);
  if (form.type === 'cancel') return { ...nothingSaid, cancelled: true };
  if (form.type !== 'submit') return refused(stanzaErrors.badRequest);
  if (form.formType !== '' && form.formType !== ns.pubsubNodeConfig) return nothingSaid;
  return checkConfiguration(form);
}

function checkConfiguration(form: DataForm): Configuration {
  const access = form.get('pubsub#access_model') ?? 'whitelist';
  if (access !== 'whitelist') return refused(stanzaErrors.unsupportedAccessModel); // 4.6
  const model = form.get('pubsub#publish_model') ?? '';
  if (model !== '' && model !== 'open' && model !== 'publishers') return refused(stanzaErrors.notAcceptable);
  return { kind: 'configuration', publishModel: model, cancelled: false };
}

function readOwnerVerb(iqType: 'get' | 'set', pubsub: XmlElement): PubsubRequest {
  const verb = firstKnown(pubsub, ns.pubsubOwner, ownerVerbs);
  if (verb === undefined) return unknownVerb(pubsub);
  const name = localName(verb);
  const missing = missingOwnerFeature.get(name);
  if (missing !== undefined) return refused(unsupportedFeature(missing));
  if (name === 'default') {
    return iqType === 'get' ? { kind: 'default-configuration' } : refused(stanzaErrors.badRequest);
  }
  const text = attribute(verb, 'node') ?? '';
  if (text === '') return refused(stanzaErrors.nodeIdRequired); // 4.12
  const node = parseNodeId(text);
  if (!node.ok) return refused(stanzaErrors.itemNotFound);
  if (name === 'delete') {
    return iqType === 'set' ? { kind: 'delete', node: node.value } : refused(stanzaErrors.badRequest);
  }
  if (name === 'affiliations') {
    return iqType === 'get' ? { kind: 'read-affiliations', node: node.value } : readAffiliate(verb, node.value);
  }
  return iqType === 'get' ? { kind: 'read-configuration', node: node.value } : readConfigure(verb, node.value);
}

function readConfigure(configure: XmlElement, node: NodeId): PubsubRequest {
  if (childOf(configure, 'x', ns.data) === undefined) return refused(stanzaErrors.badRequest);
  const settings = readConfiguration(configure);
  if (settings.kind === 'refused') return settings;
  return settings.cancelled ? { kind: 'nothing' } : { kind: 'configure', node, publishModel: settings.publishModel };
}

function readAffiliate(affiliations: XmlElement, node: NodeId): PubsubRequest {
  const grant: BareJID[] = [];
  const revoke: BareJID[] = [];
  const named = new Set<string>();
  for (const entry of childrenOf(affiliations, 'affiliation', ns.pubsubOwner)) {
    const jid = bareJID(attribute(entry, 'jid') ?? '');
    if (!jid.ok || named.has(jid.value)) return refused(stanzaErrors.badRequest);
    named.add(jid.value);
    if (named.size > limits.publishersMax) return refused(stanzaErrors.quota);
    const affiliation = attribute(entry, 'affiliation') ?? '';
    if (affiliation === 'publish-only' || affiliation === 'publisher') grant.push(jid.value);
    else if (affiliation === 'none') revoke.push(jid.value);
    else return refused(refusedAffiliation(affiliation));
  }
  return { kind: 'affiliate', node, grant, revoke };
}

/** 4.31. XEP-0060 has no feature for a change of owner; `modify-affiliations` is the nearest. */
function refusedAffiliation(affiliation: string): StanzaError {
  if (affiliation === 'member' || affiliation === 'outcast') return unsupportedFeature(`${affiliation}-affiliation`);
  return affiliation === 'owner' ? unsupportedFeature('modify-affiliations') : stanzaErrors.badRequest;
}
