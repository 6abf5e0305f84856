// Thread: main
/**
 * What an error of a push service means for the registration (xmpp 5.51; mongooseim 2.11, 10). The condition
 * decides, because servers put `cancel` on an outage as well as on a node that is gone; of the types `wait` counts, and
 * `auth` where the condition says little. Every condition of RFC 6120 §8.3.3 has its line.
 *
 * - `outage`: the service, or the way to it, is away; says nothing about the registration.
 * - `refusal`: the service answers, and will not take publishes for this registration.
 * - `notification`: the service answers, and objects to this one publish, or nobody knows to what.
 */
import type { IqAnswer } from './commands.ts';

export type ErrorClass = 'outage' | 'refusal' | 'notification';

type IqError = Extract<IqAnswer, { readonly kind: 'error' }>;

/** Conditions of RFC 6120 §8.3.3, whatever the type of the error, `wait` excepted. */
const classes: ReadonlyMap<string, ErrorClass> = new Map<string, ErrorClass>([
  ['bad-request', 'refusal'],
  ['conflict', 'refusal'], // with precondition-not-met: the options that were enabled lack something
  ['feature-not-implemented', 'refusal'],
  ['forbidden', 'refusal'],
  ['gone', 'refusal'],
  ['internal-server-error', 'outage'],
  ['item-not-found', 'refusal'],
  ['jid-malformed', 'refusal'], // a registration's address does not mend itself
  ['not-acceptable', 'notification'], // too big, or device-not-registered: see the details
  ['not-allowed', 'refusal'],
  ['not-authorized', 'refusal'],
  ['policy-violation', 'notification'],
  ['recipient-unavailable', 'outage'], // p2's word for a gateway that does not answer
  ['redirect', 'notification'],
  ['registration-required', 'refusal'],
  ['remote-server-not-found', 'outage'],
  ['remote-server-timeout', 'outage'],
  ['resource-constraint', 'outage'],
  ['service-unavailable', 'outage'],
  ['subscription-required', 'refusal'],
  ['undefined-condition', 'notification'],
  ['unexpected-request', 'notification'],
]);

/** Application conditions that say more than their condition does (XEP-0060 §7.1.3; mongooseim 3.5). */
const details: ReadonlyMap<string, ErrorClass> = new Map<string, ErrorClass>([
  ['device-not-registered', 'refusal'],
  ['invalid-payload', 'notification'],
  ['payload-required', 'notification'],
  ['payload-too-big', 'notification'],
  // MongooseIM's answer to every trouble with its gateway, outages included; misspelt on the wire.
  ['faild-to-submit-push-notification', 'notification'],
]);

export const conditions: readonly string[] = [...classes.keys()];

export function classOf({ type, condition, detail }: IqError): ErrorClass {
  if (type === 'wait') return 'outage';
  const known = details.get(detail) ?? classes.get(condition) ?? 'notification';
  return known === 'notification' && type === 'auth' ? 'refusal' : known;
}

/** Of outages after which somebody may have acted on the publish all the same. */
const doubtful: ReadonlySet<string> = new Set(['internal-server-error', 'remote-server-timeout']);

export function reachedBy({ condition }: IqError): 'no' | 'unknown' {
  return doubtful.has(condition) ? 'unknown' : 'no';
}

/** For logs and outcomes: words of RFC 6120 and of the table above alone, because a stranger wrote the answer. */
export function reasonOf({ type, condition, detail }: IqError): string {
  const known = classes.has(condition) ? condition : 'undefined-condition';
  const told = details.has(detail) ? `${known} (${detail})` : known;
  return type === 'wait' && classes.get(condition) !== 'outage' ? `wait: ${told}` : told;
}
