// Thread: main
/**
 * What a publisher is told (xmpp 4.60, 4.61). No server repeats a push, and each deletes
 * registrations by a rule of its own: ejabberd on every type but `wait`, MongooseIM on `cancel`, Prosody counts all but
 * `wait`, Tigase goes by the condition. So `cancel` is for the dead alone, and `wait` carries only conditions that
 * Tigase keeps.
 */
import type { ErrorProfileName } from '../../config/engine-config.ts';
import { unreachable } from '../core/assert.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Refusal } from '../registration/commands.ts';
import { stanzaErrors } from '../xmpp/stanza-errors.ts';
import type { StanzaError } from '../xmpp/stanza-errors.ts';

/** The error for a publish that ended so; `undefined` = result. */
export function verdictOf(outcome: Outcome, profile: ErrorProfileName): StanzaError | undefined {
  // MongooseIM's own service has one answer for the dead and one for every other failure. The shipped type of the
  // second is `modify`; ours is `wait`, which MongooseIM keeps as well.
  const mongoose = profile === 'mongooseim';
  switch (outcome.kind) {
    case 'accepted':
      return undefined;
    case 'unregistered':
      return mongoose ? stanzaErrors.deviceNotRegistered : stanzaErrors.itemNotFound;
    case 'rejected':
      return mongoose ? stanzaErrors.failedToSubmit : stanzaErrors.waitInternal;
    case 'expired':
      return mongoose ? stanzaErrors.failedToSubmit : stanzaErrors.waitTimeout;
    case 'throttled':
    case 'unauthorized':
    case 'unavailable':
      return mongoose ? stanzaErrors.failedToSubmit : stanzaErrors.waitUnavailable;
    default:
      return unreachable(outcome);
  }
}

/** The error for a publish that a registration actor refused. */
export function publishRefusal(refusal: Refusal, profile: ErrorProfileName): StanzaError {
  switch (refusal) {
    case 'unknown-node':
      return stanzaErrors.itemNotFound;
    case 'precondition':
      return profile === 'mongooseim' ? stanzaErrors.preconditionNotMet : stanzaErrors.waitPreconditionNotMet;
    case 'no-provider':
    case 'overloaded':
    case 'quota':
    case 'stopping':
      return stanzaErrors.waitUnavailable;
    case 'store-failed':
      return stanzaErrors.waitInternal;
    case 'conflict':
    case 'not-owner':
    case 'last-owner':
    case 'nothing-matched': // answers to other questions: a fault of ours, which must not cost anybody the push
      return stanzaErrors.waitInternal;
    default:
      return unreachable(refusal);
  }
}

/** The error for every other command that was refused. */
export function commandRefusal(refusal: Refusal, strictErrors: boolean): StanzaError {
  switch (refusal) {
    case 'unknown-node':
    case 'nothing-matched':
    case 'no-provider':
      return stanzaErrors.itemNotFound;
    case 'not-owner': // otherwise the answer would tell strangers which nodes exist (4.12)
      return strictErrors ? stanzaErrors.forbidden : stanzaErrors.itemNotFound;
    case 'conflict':
      return stanzaErrors.conflict;
    case 'quota':
      return stanzaErrors.quota;
    case 'last-owner':
      return stanzaErrors.notAcceptable;
    case 'precondition':
      return stanzaErrors.preconditionNotMet;
    case 'overloaded':
    case 'stopping':
      return stanzaErrors.waitUnavailable;
    case 'store-failed':
      return stanzaErrors.waitInternal;
    default:
      return unreachable(refusal);
  }
}
