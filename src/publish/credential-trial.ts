// Thread: main
/**
 * Tries a credential before anything is trusted to it: one silent notification for a device that does not exist, on a
 * connection of its own. A gateway that complains of the device has let us in; one that does not, says why. Nothing
 * reaches anybody (reference 3.5, 3.8, 4.3).
 */
import { assert, unreachable } from '../core/assert.ts';
import { epochMs } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import { unavailable } from '../core/outcome.ts';
import { notificationOf } from './publish-request.ts';
import type { ProviderConfig } from '../../config/engine-config.ts';
import type { Clock } from '../core/clock.ts';
import type { EpochMs } from '../core/ids.ts';
import type { Notification } from '../core/notification.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Random } from '../core/random.ts';
import type { Provider, ProviderContext } from '../provider/provider.ts';

export interface CredentialTrialOptions {
  readonly config: ProviderConfig;
  /** `''` with a client certificate. */
  readonly authorization: string;
  readonly create: (config: ProviderConfig, context: ProviderContext) => Provider;
  readonly clock: Clock;
  readonly random: Random;
  /** Nobody waits for the answer any more. */
  readonly givenUp: AbortSignal;
}

/** Resolves with `''` when the gateway took the credential, else with why not. Never rejects. */
export async function tryCredential(options: CredentialTrialOptions): Promise<string> {
  const { config, authorization, create, clock, random, givenUp } = options;
  let provider: Provider | undefined;
  try {
    const outcome = await new Promise<Outcome>((resolve) => {
      givenUp.addEventListener('abort', () => resolve(unavailable('unknown', 'given up')), { once: true });
      const settle = (_tag: number, ended: Outcome): void => resolve(ended);
      provider = create(config, { name: config.name, clock, random, settle });
      const nowMs = clock.now();
      const deadlineMs = epochMs(nowMs + limits.credentialTrialMs);
      provider.publish(trialNotification(config, nowMs, random), authorization, deadlineMs, 0);
    });
    return refusal(outcome);
  } catch (error) {
    return `the provider cannot be built: ${error instanceof Error ? error.message : 'unknown error'}`;
  } finally {
    await provider?.drain(givenUp.aborted ? 0 : limits.closeMs);
  }
}

// What a gateway says of a device that does not exist, or of a topic that nobody has configured.
const heardOut: ReadonlySet<string> = new Set(['BadDeviceToken', 'MissingTopic', 'INVALID_ARGUMENT']);

function refusal(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'accepted':
    case 'unregistered':
      return '';
    case 'rejected':
      return heardOut.has(outcome.reason) ? '' : `the gateway answered ${outcome.reason}`;
    case 'unauthorized':
    case 'throttled':
      return `the gateway answered ${outcome.reason}`;
    case 'unavailable':
    case 'expired':
      return `the gateway could not be asked: ${outcome.reason}`;
    default:
      return unreachable(outcome);
  }
}

function trialNotification(config: ProviderConfig, nowMs: EpochMs, random: Random): Notification {
  const { mode, apps } = config;
  const isApns = config.kind === 'apns';
  const notification = notificationOf(
    {
      service: isApns ? 'apns' : 'fcm',
      kind: 'silent',
      mode,
      token: isApns ? '0'.repeat(64) : 'meerkat-credential-trial',
      topic: isApns && config.topic === '' ? (apps[0] ?? '') : '', // '': the provider's own
    },
    nowMs,
    random,
  );
  assert(notification.ok, 'a silent notification of nothing is a valid one');
  return notification.value;
}
