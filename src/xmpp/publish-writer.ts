// Thread: any
/**
 * The `<pubsub/>` of a publish to a push service, as MongooseIM writes it (XEP-0357 §7; mongooseim 2.8, 2.10; xmpp
 * 5.49): its fields in its order, no item id, no field without a value. On the hot path: one string, laid by hand.
 */
import { ns } from './namespaces.ts';
import { escapeXml } from './stanza.ts';
import type { PublishOption } from '../core/enabled.ts';
import type { Summary } from '../core/notification.ts';

export interface PublishParts {
  readonly node: string;
  /** With an encrypted payload nothing else of it is written (xmpp 5.50). */
  readonly summary: Summary;
  /** As enabled, FORM_TYPE left out; none: no `<publish-options/>`. */
  readonly options: readonly PublishOption[];
  /** The client has asked for Tigase's `<priority/>`. */
  readonly priorityWanted: boolean;
}

const opening = `<pubsub xmlns='${ns.pubsub}'><publish node='`;
const item = `'><item><notification xmlns='${ns.push}'`;
const form = `<x xmlns='${ns.data}' type='submit'><field type='hidden' var='FORM_TYPE'><value>`;
const summaryForm = `${form}${ns.pushSummary}</value></field>`;
const optionsForm = `<publish-options>${form}${ns.pubsubPublishOptions}</value></field>`;

export function publishXml({ node, summary, options, priorityWanted }: PublishParts): string {
  const content = contentXml(summary) + (priorityWanted ? priorityXml(summary) : '');
  const notification = content === '' ? '/>' : `>${content}</notification>`;
  return `${opening}${escapeXml(node)}${item}${notification}</item></publish>${optionsXml(options)}</pubsub>`;
}

function contentXml(summary: Summary): string {
  if (summary.encrypted !== '') return encryptedXml(summary);
  const { messageCount, pendingSubscriptionCount, lastMessageSender, lastMessageBody } = summary;
  let fields = '';
  if (messageCount >= 0) fields += fieldXml('message-count', String(messageCount));
  if (lastMessageSender !== '') fields += fieldXml('last-message-sender', lastMessageSender);
  if (lastMessageBody !== '') fields += fieldXml('last-message-body', lastMessageBody);
  if (pendingSubscriptionCount >= 0) fields += fieldXml('pending-subscription-count', String(pendingSubscriptionCount));
  // The names of MongooseIM's hints plugin (mongooseim 2.13).
  if (summary.jingleMessage !== '') fields += fieldXml('jingle-message', summary.jingleMessage);
  if (summary.jingleSessionId !== '') fields += fieldXml('jingle-session-id', summary.jingleSessionId);
  return fields === '' ? '' : `${summaryForm}${fields}</x>`;
}

/** `name`: one that needs no escaping. */
function fieldXml(name: string, value: string): string {
  return `<field var='${name}'><value>${escapeXml(value)}</value></field>`;
}

function encryptedXml({ encrypted, encryptedIv, encryptedType }: Summary): string {
  const type = encryptedType === '' ? '' : ` type='${escapeXml(encryptedType)}'`;
  const iv = escapeXml(encryptedIv);
  return `<encrypted xmlns='${ns.tigaseEncrypt}' iv='${iv}'${type}>${escapeXml(encrypted)}</encrypted>`;
}

function priorityXml({ priority }: Summary): string {
  return priority === '' ? '' : `<priority xmlns='${ns.tigasePriority}'>${priority}</priority>`;
}

/** An empty value is a value: the client gave it. */
function optionsXml(options: readonly PublishOption[]): string {
  if (options.length === 0) return '';
  let fields = '';
  for (const [name, value] of options) fields += fieldXml(escapeXml(name), value);
  return `${optionsForm}${fields}</x></publish-options>`;
}
