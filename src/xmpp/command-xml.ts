// Thread: any
/**
 * The answers to ad-hoc commands as the XML inside the result (XEP-0050 §3; xmpp 5.35 to 5.44, 5.E). `status` is spelt
 * as the XEP does: clients refuse `complete`.
 */
import { unreachable } from '../core/assert.ts';
import type { Service } from '../core/registration.ts';
import { field, formTypeField, formXml, tableXml } from './data-form.ts';
import type { FormField } from './data-form.ts';
import { ns } from './namespaces.ts';
import { escapeXml } from './stanza.ts';
import type { CommandProfile } from './push-commands.ts';

/** What is remembered of a command until its answer is known. */
export interface CommandContext {
  /** Of the command, as requested. */
  readonly command: string;
  /** `''`: the profile knows no sessions. */
  readonly sessionId: string;
  readonly profile: CommandProfile;
  /** Our component domain, the `jid` of `<enable/>`. */
  readonly jid: string;
}

function commandXml(context: CommandContext, status: 'executing' | 'completed' | 'canceled', payload: string): string {
  const session = context.sessionId === '' ? '' : ` sessionid='${escapeXml(context.sessionId)}'`;
  const start = `<command xmlns='${ns.commands}' node='${escapeXml(context.command)}'${session} status='${status}'`;
  return payload === '' ? `${start}/>` : `${start}>${payload}</command>`;
}

/** Room for the encrypted part of an APNs payload of 4096 bytes; the rest is aps, iv and JSON. */
const tigasePayloadBytesMax = 3072;

/** @param secret `''`: publishes need none. */
export function registeredXml(context: CommandContext, node: string, secret: string): string {
  const jid = field('jid', 'jid-single', context.jid);
  const nodeField = field('node', 'text-single', node);
  return commandXml(context, 'completed', formXml('result', registeredFields(context.profile, jid, nodeField, secret)));
}

function registeredFields(profile: CommandProfile, jid: FormField, node: FormField, secret: string): FormField[] {
  switch (profile) {
    case 'tigase':
      return [
        node,
        field('features', 'text-multi', ns.tigaseEncrypt, 'tigase:push:encrypt:aes-128-gcm', ns.tigasePriority),
        field('max-payload-size', 'text-single', String(tigasePayloadBytesMax)),
      ];
    case 'app-server':
      return [jid, node];
    case 'common':
      return secret === '' ? [jid, node] : [jid, node, field('secret', 'text-single', secret)];
    default:
      return unreachable(profile);
  }
}

/** Siskin and the suffixed commands look at the status only; the nodes are for those who can read them. */
export function unregisteredXml(context: CommandContext, nodes: readonly string[]): string {
  const payload = context.profile === 'common' ? formXml('result', [field('nodes', 'list-multi', ...nodes)]) : '';
  return commandXml(context, 'completed', payload);
}

export interface ListedRegistration {
  readonly node: string;
  readonly deviceName: string;
  readonly service: Service | '';
  /** Epoch ms. */
  readonly createdAtMs: number;
}

const columns = [
  { name: 'node', label: 'Node' },
  { name: 'device-name', label: 'Device' },
  { name: 'provider', label: 'Provider' },
  { name: 'registered', label: 'Registered' },
] as const;

/** @param cut there are more than were read. */
export function listedXml(context: CommandContext, rows: readonly ListedRegistration[], cut: boolean): string {
  const note = cut ? `<note type='warn'>There are more registrations than this list shows.</note>` : '';
  const cells = rows.map(({ node, deviceName, service, createdAtMs }) => [
    node,
    deviceName,
    service,
    xmppTime(createdAtMs),
  ]);
  return commandXml(context, 'completed', note + tableXml(columns, cells));
}

/** XEP-0082, whole seconds. */
export function xmppTime(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`;
}

/**
 * The form of a registration (5.38).
 *
 * @param choices what the client may name as provider; empty: the command says which it is.
 */
export function registrationFormXml(context: CommandContext, choices: readonly Service[]): string {
  const fields = [formTypeField(ns.register)];
  if (choices.length > 0) {
    const options = choices.map((value) => ({ label: value === 'apns' ? 'Apple' : 'Google', value }));
    fields.push({ ...field('provider', 'list-single'), label: 'Provider', required: true, options });
  }
  fields.push(
    { ...field('token', 'text-single'), label: 'Device token', required: true },
    { ...field('device-id', 'text-single'), label: 'Device id' },
    { ...field('device-name', 'text-single'), label: 'Device name' },
  );
  const actions = `<actions execute='complete'><complete/></actions>`;
  return commandXml(context, 'executing', actions + formXml('form', fields, 'Register for push notifications'));
}

export function canceledXml(context: CommandContext): string {
  return commandXml(context, 'canceled', '');
}
