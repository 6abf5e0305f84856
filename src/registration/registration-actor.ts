// Thread: main
/**
 * One actor for each shard of the registrations: who may publish to which node, and where that goes; nodes, devices and
 * their ends. It owns its rows: everything that changes one comes through this mailbox.
 */
import { unreachable } from '../core/assert.ts';
import { limits } from '../core/limits.ts';
import { RegistrationShard } from './registration-shard.ts';
import type { NodeRules } from './decide-node.ts';
import type { PublishCommand, Refusal } from './commands.ts';
import type { ShardMessage } from './registration-shard.ts';
import type { EngineConfig } from '../../config/engine-config.ts';
import type { ActorSpec, Admission, Lost } from '../actor/actor.ts';
import type { Logger } from '../core/log.ts';
import type { Notification } from '../core/notification.ts';
import type { Random } from '../core/random.ts';
import type { Registration } from '../core/registration.ts';
import type { NotificationRules } from '../notification/build-notification.ts';
import type { Templates } from '../notification/templates.ts';
import type { RegistrationStore } from '../storage/registration-store.ts';

/** Takes over a notification; once `accepted`, it answers `command.reply`. */
export type Dispatch = (
  registration: Registration,
  notification: Notification,
  command: PublishCommand,
) => Admission | 'no-provider';

export interface RegistrationActorOptions {
  /** `registrations/shard-00` */
  readonly name: string;
  /** Of this shard; opened and closed by whoever spawns the actor. */
  readonly store: RegistrationStore;
  readonly dispatch: Dispatch;
  /** The key that node secrets are derived from. */
  readonly secretKey: Uint8Array;
  readonly nodeIds: EngineConfig['pushNodes']['nodeIds'];
  readonly rules: NodeRules;
  readonly notifications: NotificationRules;
  /** `undefined`: none are configured. */
  readonly templates: Templates | undefined;
  readonly random: Random;
  readonly logger: Logger;
}

export function registrationActor(options: RegistrationActorOptions): ActorSpec<ShardMessage, RegistrationShard> {
  // `lost` has no state at hand, and only the shard knows which of the batch it has answered before it failed.
  let shard: RegistrationShard | undefined;
  return {
    name: options.name,
    mailbox: { capacity: limits.shardMailbox, batchMax: limits.shardBatchMax },
    supervision: { kind: 'restart', restartsMax: 10, windowMs: 60_000, backoffMs: [10, 1_000] },
    init(context) {
      shard = new RegistrationShard(options, context.clock);
      context.after(limits.sweepEveryMs, { kind: 'sweep' });
      return shard;
    },
    receive(state, batch, context) {
      if (batch.some((message) => message.kind === 'sweep')) context.after(limits.sweepEveryMs, { kind: 'sweep' });
      return state.take(batch);
    },
    lost(message, cause) {
      if (message.kind === 'sweep' || shard?.lose(message) === false) return;
      message.reply.answered(message.tag, { kind: 'refused', refusal: refusalFor(cause) });
    },
  };
}

function refusalFor(cause: Lost): Refusal {
  switch (cause.kind) {
    case 'failed':
      return 'store-failed';
    case 'stopped':
      return 'stopping';
    default:
      return unreachable(cause);
  }
}
