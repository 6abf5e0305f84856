/** An engine in a process of its own, so that its memory is its own: configured by its parent, which looks at it. */
import { createEngine } from '../../src/index.ts';
import type { EngineConfigInput } from '../../src/index.ts';
import type { EngineFigures } from '../../src/engine-figures.ts';

export type ToFloodEngine =
  | { readonly kind: 'start'; readonly config: EngineConfigInput }
  | { readonly kind: 'look' }
  | { readonly kind: 'stop' };

export interface FloodLook {
  readonly rssBytes: number;
  /** What is in use: garbage has been collected. */
  readonly heapBytes: number;
  readonly figures: EngineFigures | undefined;
}

let engine: Awaited<ReturnType<typeof createEngine>> | undefined;

async function obey(message: ToFloodEngine): Promise<FloodLook> {
  switch (message.kind) {
    case 'start':
      engine = await createEngine(message.config);
      await engine.start();
      break;
    case 'stop':
      await engine?.stop();
      break;
    case 'look':
      break;
  }
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  return { rssBytes: rss, heapBytes: heapUsed, figures: engine?.figures() };
}

process.on('message', (message: ToFloodEngine) => {
  void obey(message).then((look) => {
    process.send?.(look);
    if (message.kind === 'stop') process.disconnect();
  });
});
