// Thread: main
/** What the actor kernel costs: tell, drain turns, receive; with the mailbox full and answered, too. */
import { ActorSystem } from '../src/actor/actor-system.ts';
import { systemClock } from '../src/core/clock.ts';
import { silentLogger } from '../src/core/log.ts';
import { measure } from './harness.ts';
import type { BenchFile, Mode, Result } from './harness.ts';

interface Message {
  readonly value: number;
}

async function run(mode: Mode): Promise<readonly Result[]> {
  const count = mode === 'smoke' ? 1_000 : 200_000;
  const system = new ActorSystem({
    clock: systemClock,
    logger: silentLogger,
    failed: (path, error) => {
      throw new Error(path, { cause: error });
    },
  });
  let sum = 0;
  let done: (() => void) | undefined;
  let left = 0;
  const ref = system.spawn<Message, null>({
    name: 'subject',
    mailbox: { capacity: 16_384, batchMax: 64 },
    supervision: { kind: 'escalate' },
    init: () => null,
    receive(_state, batch) {
      for (const { value } of batch) sum += value;
      left -= batch.length;
      if (left === 0) done?.();
    },
    lost: () => undefined,
  });
  await system.started();
  const message: Message = { value: 1 };
  const results = await measure('mailbox', mode, [
    {
      name: 'mailbox: tell and receive, batches of 64, refused when full',
      operations: count,
      async run() {
        sum = 0;
        left = count;
        const finished = new Promise<void>((resolve) => (done = resolve));
        let told = 0;
        const fill = (): void => {
          while (told < count && ref.tell(message) === 'accepted') told++;
          if (told < count) systemClock.soon(fill);
        };
        fill();
        await finished;
        if (sum !== count) throw new Error(`${sum} of ${count} messages arrived`);
      },
    },
  ]);
  await system.stop(1_000);
  return results;
}

export const mailboxBench: BenchFile = { name: 'mailbox', run };
