/** A dispatch actor on a virtual clock, with an executor that holds what it is given. */
import assert from 'node:assert/strict';
import { ActorSystem } from '../../../src/actor/actor-system.ts';
import { parseNodeId, parseProviderName } from '../../../src/core/ids.ts';
import { silentLogger } from '../../../src/core/log.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { CredentialKeeper } from '../../../src/publish/credential-keeper.ts';
import { dispatchActor } from '../../../src/publish/dispatch-actor.ts';
import { GatewayTime } from '../../../src/publish/gateway-time.ts';
import { RefusalPattern } from '../../../src/publish/refusal-pattern.ts';
import { sampleNotification } from '../../conformance/provider.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';
import type { Logger } from '../../../src/core/log.ts';
import type { Outcome } from '../../../src/core/outcome.ts';
import type { CredentialSource } from '../../../src/provider/provider.ts';
import type { DispatchFigures } from '../../../src/publish/dispatch-figures.ts';
import type { Dispatcher } from '../../../src/publish/dispatcher.ts';
import type { BatchSettle, Executor } from '../../../src/publish/executor.ts';
import type { QuotaPace } from '../../../src/publish/quota-pace.ts';
import type { BatchReceipt, PublishBatch } from '../../../src/publish/wire.ts';
import type { ActorRef, Admission } from '../../../src/actor/actor.ts';
import type { DispatchMessage } from '../../../src/publish/commands.ts';
import type { CommandAnswer, DisableCommand } from '../../../src/registration/commands.ts';

function must<T>(result: { ok: true; value: T } | { ok: false; error: unknown }): T {
  assert.ok(result.ok);
  return result.value;
}

/** Holds every batch until the test says how its notifications ended. */
export class HeldExecutor implements Executor {
  readonly batches: { batch: PublishBatch; settle: BatchSettle; resolve: (receipt: BatchReceipt) => void }[] = [];

  execute(batch: PublishBatch, settle: BatchSettle): Promise<BatchReceipt> {
    return new Promise((resolve) => this.batches.push({ batch, settle, resolve }));
  }

  end(at: number, outcome: Outcome): void {
    const held = this.batches[at];
    assert.ok(held);
    held.batch.notifications.forEach((_, index) => held.settle.settled(held.batch.batchId, index, outcome));
    held.resolve({ batchId: held.batch.batchId, settled: held.batch.notifications.length });
  }

  renew(): Promise<boolean> {
    return Promise.resolve(true);
  }

  release(): Promise<void> {
    return Promise.resolve();
  }

  drain(): Promise<void> {
    return Promise.resolve();
  }
}

export interface DispatcherWorldOptions {
  readonly creditMax?: number;
  readonly source?: CredentialSource;
  readonly admission?: Admission;
  readonly clock?: VirtualClock;
  readonly pace?: QuotaPace;
  /** Of chance; default 7. */
  readonly seed?: number;
  readonly logger?: Logger;
}

export interface DispatcherWorld {
  readonly clock: VirtualClock;
  readonly system: ActorSystem;
  readonly ref: ActorRef<DispatchMessage>;
  readonly executor: HeldExecutor;
  readonly publish: (waitMs?: number, collapseId?: string) => Admission;
  /** Kinds, in the order of the answers' first arrival. */
  readonly outcomes: () => string[];
  readonly disabled: DisableCommand[];
  readonly figures: () => DispatchFigures;
  /** Another credential takes over. */
  readonly reload: (source: CredentialSource) => Promise<void>;
}

export function setup(options: DispatcherWorldOptions = {}): DispatcherWorld {
  const clock = options.clock ?? new VirtualClock();
  const random = seededRandom(options.seed ?? 7);
  const executor = new HeldExecutor();
  const provider = must(parseProviderName('apns-test'));
  const system = new ActorSystem({ clock, logger: silentLogger, failed: (path) => assert.fail(path) });
  const disabled: DisableCommand[] = [];
  const answers = new Map<number, CommandAnswer[]>();
  const keeperOf = (source: CredentialSource): CredentialKeeper => {
    const time = new GatewayTime(clock, silentLogger);
    return new CredentialKeeper({ source, time, clock, random, logger: silentLogger, provider });
  };
  const { source } = options;
  const access = { keeper: source === undefined ? undefined : keeperOf(source), revision: 0 };
  const reload = async (next: CredentialSource): Promise<void> => {
    const keeper = keeperOf(next);
    await keeper.mint();
    access.keeper = keeper;
    access.revision++;
  };
  let dispatcher: Dispatcher | undefined;
  const ref = system.spawn(
    dispatchActor(
      {
        provider,
        executor,
        access,
        pace: options.pace,
        collapses: true,
        creditMax: options.creditMax ?? 100,
        requestMs: 10_000,
        random,
        logger: options.logger ?? silentLogger,
        refusals: new RefusalPattern({ provider, mode: '', logger: silentLogger }),
        disable: (command) => {
          disabled.push(command);
          return options.admission ?? 'accepted';
        },
      },
      (made) => (dispatcher = made),
    ),
  );
  let lastTag = 0;
  const publish = (waitMs = 5_000, collapseId = ''): Admission => {
    const tag = ++lastTag;
    return ref.tell({
      kind: 'publish',
      notification: sampleNotification({ collapseId }),
      node: must(parseNodeId('node-1')),
      deadlineMs: clock.monotonicMs() + waitMs,
      reply: { answered: (to, answer) => answers.set(to, [...(answers.get(to) ?? []), answer]) },
      tag,
    });
  };
  const outcomes = (): string[] =>
    [...answers.values()].map((list) => {
      assert.equal(list.length, 1, 'answered exactly once');
      const [answer] = list;
      assert.equal(answer?.kind, 'published');
      return answer.outcome.kind;
    });
  const figures = (): DispatchFigures => {
    assert.ok(dispatcher);
    return dispatcher.figures;
  };
  return { clock, system, ref, executor, publish, outcomes, disabled, figures, reload };
}
