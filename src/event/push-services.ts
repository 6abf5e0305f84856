// Thread: main
/**
 * What is remembered about push services that are not ours: which are away and left alone for a while, and which keep
 * refusing a registration (xmpp 5.51, 6.40; mongooseim 2.11, 10). An outage never costs a registration, whatever type
 * its error has; a definite refusal does when it was the answer often enough, for long enough. Only in memory: a
 * restart counts anew. Both tables are bounded; when one is full its oldest entry is forgotten, which keeps a
 * registration rather than not.
 */
import { hash } from 'node:crypto';
import { unreachable } from '../core/assert.ts';
import { domainOf } from '../core/jid.ts';
import { limits } from '../core/limits.ts';
import { accepted, rejected, unavailable, unregistered } from '../core/outcome.ts';
import { fullJitterMs } from '../core/random.ts';
import { classOf, reachedBy, reasonOf } from './iq-outcomes.ts';
import type { IqAnswer } from './commands.ts';
import type { Clock } from '../core/clock.ts';
import type { BareJID } from '../core/ids.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Random } from '../core/random.ts';
import type { EnabledKey } from '../storage/enabled-store.ts';

export interface PushServicesOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** A registration goes after so many refusals in a row ... */
  readonly refusalsMax: number;
  /** ... if the first of them is at least so long ago. */
  readonly refusalMs: number;
  /** How long an answer may take: so long a probe stands alone. */
  readonly waitMs: number;
}

export interface ServiceVerdict {
  /** `unregistered` only with `deregister`. */
  readonly outcome: Outcome;
  /** The registration is to be removed. */
  readonly deregister: boolean;
  /** The service asked for patience: this publish may be tried again after so long, twice at most. 0: not again. */
  readonly retryAfterMs: number;
}

export interface PushServiceFigures {
  /** Services that are away, and registrations that were refused last, as far as they are remembered. */
  readonly troubledServices: number;
  readonly troubledRegistrations: number;
  readonly accepted: number;
  readonly outages: number;
  readonly refusals: number;
  /** Objections to one notification, and refusals for which nobody knows the reason. */
  readonly objections: number;
  readonly deregistered: number;
}

interface Outage {
  failures: number;
  /** Monotonic ms, as all times here. */
  holdUntilMs: number;
  /** A probe is under way until then; 0: none. */
  probeUntilMs: number;
}

interface Refusals {
  count: number;
  readonly firstAtMs: number;
}

const acceptedVerdict: ServiceVerdict = { outcome: accepted(''), deregister: false, retryAfterMs: 0 };

export class PushServices {
  readonly #options: PushServicesOptions;
  readonly #outages = new Map<string, Outage>();
  readonly #refusals = new Map<string, Refusals>();
  #accepted = 0;
  #outageAnswers = 0;
  #refusalAnswers = 0;
  #objections = 0;
  #deregistered = 0;

  constructor(options: PushServicesOptions) {
    this.#options = options;
  }

  get figures(): PushServiceFigures {
    return {
      troubledServices: this.#outages.size,
      troubledRegistrations: this.#refusals.size,
      accepted: this.#accepted,
      outages: this.#outageAnswers,
      refusals: this.#refusalAnswers,
      objections: this.#objections,
      deregistered: this.#deregistered,
    };
  }

  /**
   * Above 0: this service is left alone for so long. 0: publish now. After an outage the first who is told 0 is the
   * probe, and all others wait for its end: whoever asks must publish, or say `notSent`.
   */
  holdMs(service: BareJID): number {
    if (this.#outages.size === 0) return 0;
    const outage = this.#outages.get(domainOf(service));
    if (outage === undefined) return 0;
    const nowMs = this.#options.clock.monotonicMs();
    const heldMs = Math.max(outage.holdUntilMs, outage.probeUntilMs) - nowMs;
    if (heldMs > 0) return Math.ceil(heldMs);
    outage.probeUntilMs = nowMs + this.#options.waitMs;
    return 0;
  }

  /** The publish that `holdMs` allowed could not be sent, for reasons of our own: another may be the probe. */
  notSent(service: BareJID): void {
    if (this.#outages.size > 0) this.#endProbe(domainOf(service));
  }

  /** The registration is gone: what it was refused is forgotten. */
  forget(key: EnabledKey): void {
    if (this.#refusals.size > 0) this.#refusals.delete(nameOf(key));
  }

  /** What an answer means for the publish, its registration and its service. Each answer is judged once. */
  judge(key: EnabledKey, answer: IqAnswer): ServiceVerdict {
    switch (answer.kind) {
      case 'result':
        this.#accepted++;
        if (this.#outages.size > 0) this.#outages.delete(domainOf(key.service));
        if (this.#refusals.size > 0) this.#refusals.delete(nameOf(key));
        return acceptedVerdict;
      case 'timeout':
        return this.#outage(key, unavailable('unknown', 'timeout'), false);
      case 'hidden-error': // an outage or a refusal: says nothing about either (6.40)
        this.#objections++;
        this.#endProbe(domainOf(key.service));
        return kept(unavailable('unknown', 'the cause is hidden'));
      case 'error':
        return this.#judgeError(key, answer);
      default:
        return unreachable(answer);
    }
  }

  #judgeError(key: EnabledKey, error: Extract<IqAnswer, { readonly kind: 'error' }>): ServiceVerdict {
    const errorClass = classOf(error);
    if (errorClass === 'outage') {
      return this.#outage(key, unavailable(reachedBy(error), reasonOf(error)), error.type === 'wait');
    }
    this.#outages.delete(domainOf(key.service)); // whoever refuses is there
    if (errorClass === 'refusal') return this.#refusal(key, reasonOf(error));
    this.#objections++;
    return kept(rejected(reasonOf(error)));
  }

  #outage({ service }: EnabledKey, outcome: Outcome, mayRetry: boolean): ServiceVerdict {
    this.#outageAnswers++;
    const { clock, random } = this.#options;
    const nowMs = clock.monotonicMs();
    const domain = domainOf(service);
    const outage = this.#outages.get(domain) ?? added(this.#outages, domain, noFailures(), limits.troubledServicesMax);
    // While it is held, what comes are answers to publishes from before: no further failures.
    if (outage.holdUntilMs <= nowMs) {
      const { serviceHoldFirstMs, serviceHoldMaxMs } = limits;
      outage.holdUntilMs = nowMs + fullJitterMs(random, outage.failures++, serviceHoldFirstMs, serviceHoldMaxMs);
      outage.probeUntilMs = 0;
    }
    return { outcome, deregister: false, retryAfterMs: mayRetry ? this.#retryAfterMs(outage.holdUntilMs - nowMs) : 0 };
  }

  /** Not before the hold is over, and not at all if that is later than a retry is worth. */
  #retryAfterMs(heldMs: number): number {
    const { publishRetryMsMin: least, publishRetryMsMax: most } = limits;
    const jitteredMs = least + this.#options.random.unit() * (most - least);
    return heldMs > most ? 0 : Math.ceil(Math.max(jitteredMs, heldMs));
  }

  #refusal(key: EnabledKey, reason: string): ServiceVerdict {
    this.#refusalAnswers++;
    const { clock, refusalsMax, refusalMs } = this.#options;
    const nowMs = clock.monotonicMs();
    const name = nameOf(key);
    const fresh = { count: 0, firstAtMs: nowMs };
    const refusals = this.#refusals.get(name) ?? added(this.#refusals, name, fresh, limits.troubledRegistrationsMax);
    refusals.count++;
    if (refusals.count < refusalsMax || nowMs - refusals.firstAtMs < refusalMs) return kept(rejected(reason));
    this.#refusals.delete(name);
    this.#deregistered++;
    return { outcome: unregistered(reason, 0), deregister: true, retryAfterMs: 0 };
  }

  #endProbe(domain: string): void {
    const outage = this.#outages.get(domain);
    if (outage !== undefined) outage.probeUntilMs = 0;
  }
}

function noFailures(): Outage {
  return { failures: 0, holdUntilMs: 0, probeUntilMs: 0 };
}

function kept(outcome: Outcome): ServiceVerdict {
  return { outcome, deregister: false, retryAfterMs: 0 };
}

/** A Map keeps the order of insertion: its first entry is its oldest. */
function added<V>(table: Map<string, V>, name: string, entry: V, sizeMax: number): V {
  if (table.size >= sizeMax) {
    const [oldest] = table.keys();
    if (oldest !== undefined) table.delete(oldest);
  }
  table.set(name, entry);
  return entry;
}

/** Hashed, so that the length of names that clients choose does not decide how much memory the table takes. */
function nameOf({ owner, service, node }: EnabledKey): string {
  return hash('sha256', `${owner}\0${service}\0${node}`, 'base64url');
}
