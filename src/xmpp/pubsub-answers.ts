// Thread: any
/**
 * What a push service answers to pubsub requests, as the XML inside the result (XEP-0060 §5.7, §8.1 to §8.9; xmpp 4.1,
 * 4.10, 4.13, 4.30, 4.32). Everything a node cannot do is fixed in its form: it keeps no items and is never readable.
 */
import { limits } from '../core/limits.ts';
import { field, formTypeField, formXml } from './data-form.ts';
import type { FormField } from './data-form.ts';
import { ns } from './namespaces.ts';
import { escapeXml } from './stanza.ts';

export function createdXml(node: string): string {
  return `<pubsub xmlns='${ns.pubsub}'><create node='${escapeXml(node)}'/></pubsub>`;
}

export interface NodeConfiguration {
  readonly publishModel: 'open' | 'publishers';
  readonly title: string;
  readonly secretRequired: boolean;
}

export function configurationXml(node: string, configuration: NodeConfiguration): string {
  const form = configurationForm(configuration);
  return `<pubsub xmlns='${ns.pubsubOwner}'><configure node='${escapeXml(node)}'>${form}</configure></pubsub>`;
}

export function defaultConfigurationXml(configuration: NodeConfiguration): string {
  return `<pubsub xmlns='${ns.pubsubOwner}'><default>${configurationForm(configuration)}</default></pubsub>`;
}

function choice(name: string, value: string, ...values: readonly string[]): FormField {
  return { ...field(name, 'list-single', value), options: values.map((option) => ({ label: option, value: option })) };
}

function configurationForm({ publishModel, title, secretRequired }: NodeConfiguration): string {
  return formXml('form', [
    formTypeField(ns.pubsubNodeConfig),
    field('pubsub#title', 'text-single', title),
    field('pubsub#type', 'text-single', ns.push),
    choice('pubsub#access_model', 'whitelist', 'whitelist'),
    choice('pubsub#publish_model', publishModel, 'publishers', 'open'),
    field('pubsub#persist_items', 'boolean', '0'),
    field('pubsub#max_items', 'text-single', '1'),
    field('pubsub#deliver_payloads', 'boolean', '1'),
    field('pubsub#max_payload_size', 'text-single', String(limits.stanzaBytesDefault)),
    // Clark notation for a name that is not registered (XEP-0068 §3.4)
    field(`{${ns.register}}secret-required`, 'boolean', secretRequired ? '1' : '0'),
  ]);
}

/** @param publishers domains or bare JIDs that hold publish-only. */
export function affiliationsXml(node: string, owner: string, publishers: readonly string[]): string {
  const entries = publishers.map((jid) => `<affiliation jid='${escapeXml(jid)}' affiliation='publish-only'/>`);
  return (
    `<pubsub xmlns='${ns.pubsubOwner}'><affiliations node='${escapeXml(node)}'>` +
    `<affiliation jid='${escapeXml(owner)}' affiliation='owner'/>${entries.join('')}</affiliations></pubsub>`
  );
}

/** The nodes the asker owns (XEP-0060 §5.7). */
export function ownAffiliationsXml(nodes: readonly string[]): string {
  const entries = nodes.map((node) => `<affiliation node='${escapeXml(node)}' affiliation='owner'/>`);
  return `<pubsub xmlns='${ns.pubsub}'><affiliations>${entries.join('')}</affiliations></pubsub>`;
}
