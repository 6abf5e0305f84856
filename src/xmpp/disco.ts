// Thread: any
/**
 * What the component says about itself (XEP-0030, XEP-0050 §2.2, XEP-0060 §5.3, XEP-0092, XEP-0202; xmpp 3.1 to 3.9),
 * as the XML inside the result. Features are computed from what is switched on, and a test holds them against the
 * routes. Push nodes are capabilities: no list ever shows one.
 */
import type { Service } from '../core/registration.ts';
import { field, formTypeField, formXml } from './data-form.ts';
import { xmppTime } from './command-xml.ts';
import { ns } from './namespaces.ts';
import { clientFamilies, offeredCommands, pushCommand } from './push-commands.ts';
import type { PushCommand } from './push-commands.ts';
import { escapeXml } from './stanza.ts';

export interface DiscoSettings {
  /** For people, in the identity. */
  readonly name: string;
  readonly version: string;
  /** Our component domain. */
  readonly jid: string;
  /** May clients create nodes by pubsub? */
  readonly create: boolean;
  /** Are ad-hoc commands answered? */
  readonly commands: boolean;
  readonly services: ReadonlySet<Service>;
  /** Apps that providers serve; those that are client families become features (3.2). */
  readonly apps: readonly string[];
  /** May servers delegate their users' push registrations to us? */
  readonly delegation: boolean;
}

const nodeFeatures = [
  'access-whitelist',
  'config-node',
  'delete-nodes',
  'item-ids',
  'meta-data',
  'modify-affiliations',
  'publish',
  'publish-only-affiliation',
  'publish-options',
  'retrieve-affiliations',
  'retrieve-default',
];
const createFeatures = ['create-and-configure', 'create-nodes', 'instant-nodes'];

/** Sorted, without duplicates. */
export function componentFeatures(settings: DiscoSettings): readonly string[] {
  const pubsub = settings.create ? [...nodeFeatures, ...createFeatures] : nodeFeatures;
  const features = [
    ns.discoInfo,
    ns.discoItems,
    ns.pubsub,
    ...pubsub.map((feature) => `${ns.pubsub}#${feature}`),
    ns.version,
    ns.ping,
    ns.push,
    ns.time,
  ];
  if (settings.commands) {
    features.push(ns.commands, ...clientFamilies.filter((family) => settings.apps.includes(family)));
  }
  if (settings.delegation) features.push(ns.delegation1, ns.delegation2); // XEP-0355 §7.1
  return features.toSorted();
}

function infoXml(node: string, content: string): string {
  const at = node === '' ? '' : ` node='${escapeXml(node)}'`;
  return `<query xmlns='${ns.discoInfo}'${at}>${content}</query>`;
}

function featureXml(features: readonly string[]): string {
  return features.map((feature) => `<feature var='${escapeXml(feature)}'/>`).join('');
}

export function componentInfoXml(settings: DiscoSettings): string {
  const identities =
    `<identity category='pubsub' type='push' name='${escapeXml(settings.name)}'/>` +
    `<identity category='pubsub' type='service'/>`;
  return infoXml('', identities + featureXml(componentFeatures(settings)));
}

/** disco#info of the command list or of one command; `undefined`: not a node of that kind. */
export function commandInfoXml(node: string, settings: DiscoSettings): string | undefined {
  if (!settings.commands) return undefined;
  if (node === ns.commands) {
    return infoXml(node, `<identity category='automation' type='command-list'/>${featureXml([ns.discoItems])}`);
  }
  const command = pushCommand(node, settings.services);
  return command === undefined
    ? undefined
    : infoXml(node, commandIdentity(command) + featureXml([ns.commands, ns.data]));
}

function commandIdentity({ label }: PushCommand): string {
  return `<identity category='automation' type='command-node' name='${escapeXml(label)}'/>`;
}

/** disco#items; `undefined`: no such node. */
export function itemsXml(node: string, settings: DiscoSettings): string | undefined {
  if (node === '') return `<query xmlns='${ns.discoItems}'/>`;
  if (!settings.commands) return undefined;
  const at = `<query xmlns='${ns.discoItems}' node='${escapeXml(node)}'`;
  if (node !== ns.commands) return pushCommand(node, settings.services) === undefined ? undefined : `${at}/>`;
  const jid = escapeXml(settings.jid);
  const items = offeredCommands(settings.services).map(
    ({ name, label }) => `<item jid='${jid}' node='${escapeXml(name)}' name='${escapeXml(label)}'/>`,
  );
  return `${at}>${items.join('')}</query>`;
}

/** Of a push node, for its owner (3.7). */
export function nodeInfoXml(node: string, title: string): string {
  const form = formXml('result', [
    formTypeField(`${ns.pubsub}#meta-data`),
    field('pubsub#type', 'text-single', ns.push),
    ...(title === '' ? [] : [field('pubsub#title', 'text-single', title)]),
  ]);
  return infoXml(node, `<identity category='pubsub' type='leaf'/>${featureXml([ns.pubsub])}${form}`);
}

/** Without the operating system (XEP-0092 §5). */
export function versionXml(settings: DiscoSettings): string {
  const { name, version } = settings;
  return `<query xmlns='${ns.version}'><name>${escapeXml(name)}</name><version>${escapeXml(version)}</version></query>`;
}

export function timeXml(nowMs: number): string {
  return `<time xmlns='${ns.time}'><tzo>+00:00</tzo><utc>${xmppTime(nowMs)}</utc></time>`;
}
