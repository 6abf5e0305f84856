// Thread: any
/**
 * Every stanza error the engine can answer, once, as the XML inside `<error>` (RFC 6120 §8.3, XEP-0060 §7-8, XEP-0050
 * §4.4). `cancel` is used for a publish only where the registration is truly dead: ejabberd deletes the registration
 * on every type but `wait`, MongooseIM on `cancel`, Prosody counts all but `wait`, Tigase keeps it only for the
 * conditions service-unavailable, internal-server-error, remote-server-timeout and bad-request. Hence the two `wait`
 * rows below are the only answers for trouble of our own.
 */
import { ns } from './namespaces.ts';
import { escapeXml } from './stanza.ts';

export type StanzaErrorType = 'cancel' | 'modify' | 'auth' | 'wait';

export interface StanzaError {
  readonly type: StanzaErrorType;
  readonly condition: string;
  /** XML of the application condition and text, already escaped; `''` if none. */
  readonly detail: string;
}

function row(type: StanzaErrorType, condition: string, detail = ''): StanzaError {
  return { type, condition, detail };
}

function pubsub(element: string): string {
  return `<${element} xmlns='${ns.pubsubErrors}'/>`;
}

function command(element: string): string {
  return `<${element} xmlns='${ns.commands}'/>`;
}

export type StanzaErrorName =
  | 'badRequest'
  | 'jidMalformed'
  | 'serviceUnavailable'
  | 'featureNotImplemented'
  | 'itemNotFound'
  | 'forbidden'
  | 'conflict'
  | 'notAcceptable'
  | 'notAllowed'
  | 'unsupportedEncryption'
  | 'waitUnavailable'
  | 'waitInternal'
  | 'waitTimeout'
  | 'quota'
  | 'nodeIdRequired'
  | 'invalidPayload'
  | 'itemRequired'
  | 'payloadTooBig'
  | 'preconditionNotMet'
  | 'waitPreconditionNotMet'
  | 'unsupportedAccessModel'
  | 'deviceNotRegistered'
  | 'failedToSubmit'
  | 'badAction'
  | 'malformedAction'
  | 'badPayload'
  | 'badSessionId'
  | 'sessionExpired';

export const stanzaErrors: Readonly<Record<StanzaErrorName, StanzaError>> = {
  // RFC 6120
  badRequest: row('modify', 'bad-request'),
  jidMalformed: row('modify', 'jid-malformed'),
  serviceUnavailable: row('cancel', 'service-unavailable'),
  featureNotImplemented: row('cancel', 'feature-not-implemented'),
  itemNotFound: row('cancel', 'item-not-found'),
  forbidden: row('auth', 'forbidden'),
  conflict: row('cancel', 'conflict'),
  notAcceptable: row('modify', 'not-acceptable'),
  notAllowed: row('cancel', 'not-allowed'),
  /** Tigase's answer to a cipher it does not know (xmpp 5.50): the client may ask for another one. */
  unsupportedEncryption: row('modify', 'feature-not-implemented'),
  // Trouble of ours: the registration stays on every server.
  waitUnavailable: row('wait', 'service-unavailable'),
  waitInternal: row('wait', 'internal-server-error'),
  waitTimeout: row('wait', 'remote-server-timeout'),
  // Quotas of clients (no XMPP server reads these): xmpp 4.7, 5.42
  quota: row('wait', 'resource-constraint'),
  // XEP-0060
  nodeIdRequired: row('modify', 'bad-request', pubsub('nodeid-required')),
  invalidPayload: row('modify', 'bad-request', pubsub('invalid-payload')),
  itemRequired: row('modify', 'bad-request', pubsub('item-required')),
  /** 4.56 with the condition that Tigase keeps. */
  payloadTooBig: row('wait', 'service-unavailable', pubsub('payload-too-big')),
  /** 4.57 as XEP-0060 has it; publishes get it only from the MongooseIM profile. */
  preconditionNotMet: row('cancel', 'conflict', pubsub('precondition-not-met')),
  waitPreconditionNotMet: row('wait', 'internal-server-error', pubsub('precondition-not-met')),
  unsupportedAccessModel: row('modify', 'not-acceptable', pubsub('unsupported-access-model')),
  /** MongooseIM's own answers (mongooseim.md 3.5), misspelling and all: they are on the wire. */
  deviceNotRegistered: row('cancel', 'not-acceptable', pubsub('device-not-registered')),
  failedToSubmit: row('wait', 'internal-server-error', pubsub('faild-to-submit-push-notification')),
  // XEP-0050
  badAction: row('modify', 'bad-request', command('bad-action')),
  malformedAction: row('modify', 'bad-request', command('malformed-action')),
  badPayload: row('modify', 'bad-request', command('bad-payload')),
  badSessionId: row('modify', 'bad-request', command('bad-sessionid')),
  sessionExpired: row('cancel', 'not-allowed', command('session-expired')),
};

/** `cancel/feature-not-implemented` with the pubsub feature that is missing (XEP-0060 §5.6 and others). */
export function unsupportedFeature(feature: string): StanzaError {
  return row('cancel', 'feature-not-implemented', `<unsupported xmlns='${ns.pubsubErrors}' feature='${feature}'/>`);
}

const textCharactersMax = 200;

/** The same error with an English sentence for people (RFC 6120 §8.3.4), without tokens, secrets and nodes (2.15). */
export function withText(error: StanzaError, text: string): StanzaError {
  const escaped = escapeXml(text.slice(0, textCharactersMax));
  return { ...error, detail: `<text xmlns='${ns.stanzaErrors}' xml:lang='en'>${escaped}</text>${error.detail}` };
}
