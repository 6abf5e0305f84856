// Thread: main
/**
 * A command's answer as the stanza that leaves: the other half of iq-routes.ts, which said in `Answering` what the
 * asker expects. An answer of a kind that does not belong to the question is a fault of ours, and said so: `wait`,
 * because nothing is known about the registration.
 */
import type { ErrorProfileName } from '../../config/engine-config.ts';
import { unreachable } from '../core/assert.ts';
import type { Registration } from '../core/registration.ts';
import type { CommandAnswer } from '../registration/commands.ts';
import { listedXml, registeredXml, unregisteredXml } from '../xmpp/command-xml.ts';
import type { CommandContext, ListedRegistration } from '../xmpp/command-xml.ts';
import { forwardedError, forwardedResult } from '../xmpp/delegation-codec.ts';
import type { ForwardedIq } from '../xmpp/delegation-codec.ts';
import { nodeInfoXml } from '../xmpp/disco.ts';
import { affiliationsXml, configurationXml, createdXml, ownAffiliationsXml } from '../xmpp/pubsub-answers.ts';
import { stanzaErrors } from '../xmpp/stanza-errors.ts';
import type { StanzaError } from '../xmpp/stanza-errors.ts';
import { iqError, iqResult } from '../xmpp/stanza.ts';
import type { Addressed } from '../xmpp/stanza.ts';
import { commandRefusal, publishRefusal, verdictOf } from './iq-verdict.ts';

/** What the asker expects. `strictErrors` as configured: whether strangers may learn that a node is not theirs. */
export type Answering =
  | { readonly kind: 'publish' }
  /** The node in the answer may be another than the one asked for (4.4). */
  | { readonly kind: 'create' }
  /** An empty result: configure, delete, affiliate. */
  | { readonly kind: 'empty'; readonly strictErrors: boolean }
  | { readonly kind: 'configuration'; readonly strictErrors: boolean }
  | { readonly kind: 'affiliations'; readonly strictErrors: boolean }
  | { readonly kind: 'node-info' }
  /** `node`: only of that one; `''` = of all. */
  | { readonly kind: 'own-affiliations'; readonly node: string }
  | { readonly kind: 'command'; readonly context: CommandContext }
  /** What a user asked of his own server, and that server of us: the answer goes inside another (xmpp 6.12). */
  | { readonly kind: 'forwarded'; readonly iq: ForwardedIq };

/** The complete stanza. */
export function answerXml(
  request: Addressed,
  answering: Answering,
  answer: CommandAnswer,
  profile: ErrorProfileName,
): string {
  if (answering.kind === 'publish') return publishAnswerXml(request, answer, profile);
  if (answer.kind === 'refused') {
    const strict = 'strictErrors' in answering && answering.strictErrors;
    return errorXml(request, answering, commandRefusal(answer.refusal, strict));
  }
  const payload = payloadOf(answering, answer);
  return payload === undefined ? errorXml(request, answering, stanzaErrors.waitInternal) : iqResult(request, payload);
}

/** The complete stanza for a request that ends without an answer to its question. */
export function errorXml(request: Addressed, answering: Answering, error: StanzaError): string {
  return answering.kind === 'forwarded' ? forwardedError(request, answering.iq, error) : iqError(request, error);
}

/** The event actor's answer; `error`: what its answer says as an error, if it is one. */
export function enabledXml(request: Addressed, answering: Answering, error: StanzaError | undefined): string {
  if (error !== undefined) return errorXml(request, answering, error);
  return answering.kind === 'forwarded' ? forwardedResult(request, answering.iq) : iqResult(request, '');
}

/** The hot path: a result is empty (4.42). */
function publishAnswerXml(request: Addressed, answer: CommandAnswer, profile: ErrorProfileName): string {
  switch (answer.kind) {
    case 'done': // nothing to send, or represented by another notification
      return iqResult(request, '');
    case 'published': {
      const error = verdictOf(answer.outcome, profile);
      return error === undefined ? iqResult(request, '') : iqError(request, error);
    }
    case 'refused':
      return iqError(request, publishRefusal(answer.refusal, profile));
    case 'created':
    case 'node':
    case 'registered':
    case 'unregistered':
    case 'listed':
      return iqError(request, stanzaErrors.waitInternal);
    default:
      return unreachable(answer);
  }
}

type Wanted = Exclude<Answering, { kind: 'publish' }>;

/** `undefined`: the answer does not belong to the question. */
function payloadOf(answering: Wanted, answer: CommandAnswer): string | undefined {
  switch (answering.kind) {
    case 'create':
      return answer.kind === 'created' ? createdXml(answer.node) : undefined;
    case 'empty':
      return answer.kind === 'done' ? '' : undefined;
    case 'configuration':
      return answer.kind === 'node' ? configurationOf(answer.registration) : undefined;
    case 'affiliations':
      return answer.kind === 'node' ? affiliationsOf(answer.registration) : undefined;
    case 'node-info':
      return answer.kind === 'node' ? nodeInfoXml(answer.registration.node, answer.registration.deviceName) : undefined;
    case 'own-affiliations':
      return answer.kind === 'listed' ? ownNodes(answering.node, answer.registrations) : undefined;
    case 'command':
      return commandPayload(answering.context, answer);
    case 'forwarded':
      return undefined;
    default:
      return unreachable(answering);
  }
}

function configurationOf({ node, publishModel, deviceName, secretVersion }: Registration): string {
  return configurationXml(node, { publishModel, title: deviceName, secretRequired: secretVersion !== 0 });
}

function affiliationsOf({ node, owner, publishers }: Registration): string {
  return affiliationsXml(node, owner, publishers);
}

function ownNodes(node: string, registrations: readonly Registration[]): string {
  const nodes = registrations.map((registration) => registration.node);
  return ownAffiliationsXml(node === '' ? nodes : nodes.filter((own) => own === node));
}

function commandPayload(context: CommandContext, answer: CommandAnswer): string | undefined {
  if (answer.kind === 'registered') return registeredXml(context, answer.node, answer.secret);
  if (answer.kind === 'unregistered') return unregisteredXml(context, answer.nodes);
  return answer.kind === 'listed' ? listedXml(context, answer.registrations.map(listedRow), answer.cut) : undefined;
}

function listedRow({ node, deviceName, target, createdAtMs }: Registration): ListedRegistration {
  return { node, deviceName, service: target.kind === 'device' ? target.service : '', createdAtMs };
}
