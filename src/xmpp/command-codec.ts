// Thread: any
/**
 * Registration with the app server by ad-hoc commands (XEP-0050; xmpp 5.33 to 5.44 and table 5.E). Clients of ten years
 * write the same few things in different words: the synonyms are here, the commands in push-commands.ts, the shapes of
 * the answers in command-xml.ts. What comes out is flat, checked and in our own words.
 */
import { createHash } from 'node:crypto';
import { bareJID, resourceOf } from '../core/jid.ts';
import { parseNodeId } from '../core/ids.ts';
import type { FullJID, NodeId } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import { services } from '../core/registration.ts';
import type { Mode, Service } from '../core/registration.ts';
import { err, ok } from '../core/result.ts';
import type { Result } from '../core/result.ts';
import { canceledXml, registrationFormXml } from './command-xml.ts';
import type { CommandContext } from './command-xml.ts';
import type { CommandSessions } from './command-sessions.ts';
import { fitsField, readForm } from './data-form.ts';
import type { DataForm } from './data-form.ts';
import { parseDeviceToken } from './device-token.ts';
import { ns } from './namespaces.ts';
import { pushCommand, serviceNamed } from './push-commands.ts';
import type { CommandProfile, PushCommand } from './push-commands.ts';
import { stanzaErrors } from './stanza-errors.ts';
import type { StanzaError } from './stanza-errors.ts';
import { attribute, childOf } from './xml.ts';
import type { XmlElement } from './xml.ts';

export interface CommandSettings {
  /** False: every command is answered feature-not-implemented. */
  readonly enabled: boolean;
  /** Services that some provider serves. */
  readonly services: ReadonlySet<Service>;
  /** Our component domain. */
  readonly jid: string;
  /** Whether registrations get a secret, where the client can keep one. */
  readonly secrets: boolean;
  readonly sessions: CommandSessions;
}

export interface RegisterRequest {
  readonly kind: 'register';
  readonly service: Service;
  readonly token: string;
  readonly voipToken: string;
  readonly topic: string;
  readonly app: string;
  readonly mode: Mode;
  /** Never `''`. */
  readonly deviceId: string;
  readonly deviceName: string;
  readonly room: string;
  readonly withSecret: boolean;
  readonly context: CommandContext;
}

export interface UnregisterRequest {
  readonly kind: 'unregister';
  readonly deviceId: string;
  readonly nodes: readonly NodeId[];
  readonly token: string;
  readonly service: Service | '';
  readonly room: string;
  readonly context: CommandContext;
}

export type CommandRequest =
  | RegisterRequest
  | UnregisterRequest
  | { readonly kind: 'list'; readonly context: CommandContext }
  /** Answered at once: a form, or a session that was cancelled. */
  | { readonly kind: 'payload'; readonly xml: string }
  | { readonly kind: 'refused'; readonly error: StanzaError };

function refused(error: StanzaError): CommandRequest {
  return { kind: 'refused', error };
}

/** @param command `<command/>` of an IQ set. @param from the requester as stamped by the server, prepared. */
export function readCommand(command: XmlElement, from: FullJID, settings: CommandSettings): CommandRequest {
  if (!settings.enabled) return refused(stanzaErrors.featureNotImplemented);
  const name = attribute(command, 'node') ?? '';
  const known = pushCommand(name, settings.services);
  if (known === undefined) return refused(stanzaErrors.itemNotFound);
  const action = attribute(command, 'action') ?? 'execute';
  if (!actions.has(action)) return refused(stanzaErrors.malformedAction);
  const given = attribute(command, 'sessionid') ?? '';
  if (given !== '') {
    const session = settings.sessions.check(given, from, name);
    if (session === 'bad') return refused(stanzaErrors.badSessionId);
    if (session === 'expired') return refused(stanzaErrors.sessionExpired);
  }
  const x = childOf(command, 'x', ns.data);
  const form = x === undefined ? undefined : readForm(x);
  const profile = profileOf(known, form);
  const sessionId = given === '' && profile !== 'app-server' ? settings.sessions.open(from, name) : given;
  const context: CommandContext = { command: name, sessionId, profile, jid: settings.jid };
  if (action === 'cancel' || action === 'prev') {
    // Without a session this is the first stage: there is nothing to leave and nothing to go back to (5.40).
    if (given === '') return refused(stanzaErrors.badAction);
    if (action === 'cancel') return { kind: 'payload', xml: canceledXml(context) };
    return known.verb === 'register' ? registrationForm(known, context, settings) : refused(stanzaErrors.badAction);
  }
  if (known.verb === 'list') return { kind: 'list', context };
  if (known.verb === 'unregister') return readUnregister({ known, form, from, context });
  // Only a bare `execute` asks for the form; any other step promises one that is filled in.
  if (form === undefined && action === 'execute' && given === '') return registrationForm(known, context, settings);
  return form === undefined ? refused(stanzaErrors.badPayload) : readRegister({ known, form, from, context }, settings);
}

const actions: ReadonlySet<string> = new Set(['execute', 'complete', 'next', 'prev', 'cancel']);

/** mod_push_app_server's command shares its name with ours; only its form, without FORM_TYPE, has a `type`. */
function profileOf(known: PushCommand, form: DataForm | undefined): CommandProfile {
  if (known.name !== 'register-push' || form === undefined || form.formType !== '') return known.profile;
  return form.get('type') !== undefined && form.get('device-id') === undefined ? 'app-server' : known.profile;
}

function registrationForm(known: PushCommand, context: CommandContext, settings: CommandSettings): CommandRequest {
  const choices = known.service === '' ? services.filter((service) => settings.services.has(service)) : [];
  return { kind: 'payload', xml: registrationFormXml(context, choices) };
}

interface Submitted {
  readonly known: PushCommand;
  readonly form: DataForm;
  readonly from: FullJID;
  readonly context: CommandContext;
}

/** The first of the names that has a value; several words for one thing (5.34). */
function anyOf(form: DataForm, ...names: readonly string[]): string {
  for (const name of names) {
    const value = form.get(name);
    if (value !== undefined && value !== '') return value;
  }
  return '';
}

function readRegister({ known, form, from, context }: Submitted, settings: CommandSettings): CommandRequest {
  const bad = refused(stanzaErrors.badPayload);
  const service = serviceOf(known, form);
  if (service === undefined || service === '') return bad;
  if (!settings.services.has(service)) return refused(stanzaErrors.itemNotFound);
  const token = parseDeviceToken(service, anyOf(form, 'token', 'device-token', 'device_id'));
  const voip = anyOf(form, 'device-second-token');
  const voipToken = voip === '' ? ok('') : parseDeviceToken(service, voip);
  const mode = modeOf(form);
  const room = roomOf(anyOf(form, 'muc'));
  if (!token.ok || !voipToken.ok || !mode.ok || !room.ok) return bad;
  const tigase = known.profile === 'tigase';
  const app =
    anyOf(form, 'app', 'pushModule', 'backend_ref', 'application-id') || (tigase ? anyOf(form, 'provider') : '');
  // Tigase's clients name no device: there the token is the device.
  const deviceId = tigase ? tokenName(token.value) : deviceOf(known, form, from) || tokenName(token.value);
  const deviceName = anyOf(form, 'device-name');
  const topic = anyOf(form, 'topic');
  if (![app, deviceId, deviceName, topic].every((text) => fitsField(text, limits.jidPartBytesMax))) return bad;
  return {
    kind: 'register',
    service,
    token: token.value,
    voipToken: voipToken.value,
    topic,
    app,
    mode: mode.value,
    deviceId,
    deviceName,
    room: room.value,
    withSecret: settings.secrets && context.profile === 'common',
    context,
  };
}

/** `''`: nobody said; `undefined`: said, but not one we know, or not the one the command is for. */
function serviceOf(known: PushCommand, form: DataForm): Service | '' | undefined {
  const said = anyOf(form, 'type', 'provider', 'service');
  if (said === '') return known.service;
  const service = serviceNamed(said);
  return known.service === '' || known.service === service ? service : undefined;
}

/** The client's own name for the device; its resource if it gives none (5.34). `node` names the device in v1 only. */
function deviceOf(known: PushCommand, form: DataForm, from: FullJID): string {
  const named = known.name.startsWith('v1-') ? anyOf(form, 'node') : anyOf(form, 'device-id', 'android-id');
  return named || resourceOf(from);
}

function tokenName(token: string): string {
  return `token:${createHash('sha256').update(token).digest('hex').slice(0, 32)}`;
}

function modeOf(form: DataForm): Result<Mode, 'unknown'> {
  const sandbox = anyOf(form, 'sandbox');
  if (sandbox === 'true' || sandbox === '1') return ok('dev');
  const mode = anyOf(form, 'mode');
  return mode === '' || mode === 'prod' || mode === 'dev' ? ok(mode) : err('unknown');
}

/** A room is a bare JID with a localpart; one with a resource would be an occupant (5.42). */
function roomOf(text: string): Result<string, 'malformed'> {
  if (text === '') return ok('');
  const room = bareJID(text);
  return room.ok && room.value.includes('@') && !text.includes('/') ? ok(room.value) : err('malformed');
}

interface Withdrawn extends Omit<Submitted, 'form'> {
  readonly form: DataForm | undefined;
}

function readUnregister({ known, form, from, context }: Withdrawn): CommandRequest {
  const bad = refused(stanzaErrors.badPayload);
  if (form === undefined) {
    const selection = { deviceId: resourceOf(from), nodes: [], token: '', service: known.service, room: '' } as const;
    const named = selection.deviceId !== '' && known.profile === 'common' && !known.name.startsWith('v1-');
    return named ? { kind: 'unregister', ...selection, context } : bad;
  }
  const service = serviceOf(known, form);
  if (service === undefined) return bad;
  const tigase = known.profile === 'tigase';
  const text = tigase ? anyOf(form, 'device-token') : '';
  const token = service === '' || text === '' ? ok('') : parseDeviceToken(service, text);
  const nodes = nodesOf(form);
  if (!token.ok || nodes === undefined) return bad;
  if (tigase && token.value === '') return bad;
  const deviceId = tigase || nodes.length > 0 ? '' : deviceOf(known, form, from);
  if (!tigase && nodes.length === 0 && (deviceId === '' || !fitsField(deviceId, limits.jidPartBytesMax))) return bad;
  return { kind: 'unregister', deviceId, nodes, token: token.value, service, room: channelOf(form), context };
}

function nodesOf(form: DataForm): readonly NodeId[] | undefined {
  const nodes: NodeId[] = [];
  for (const text of form.all('nodes')) {
    const node = parseNodeId(text);
    if (!node.ok || nodes.length === limits.listMax) return undefined;
    nodes.push(node.value);
  }
  return nodes;
}

/** Conversations calls the room `channel` here; what is no JID stays as it is and matches no registration. */
function channelOf(form: DataForm): string {
  const text = anyOf(form, 'muc', 'channel');
  const room = roomOf(text);
  return room.ok ? room.value : text;
}
