// Thread: main
/** Everything the engine counts, at one moment. */
import type { DispatchFigures } from './publish/dispatch-figures.ts';
import type { EventFigures } from './engine-events.ts';
import type { HttpFigures } from './http/http-figures.ts';
import type { RabbitFigures } from './rabbit/rabbit-intake.ts';
import type { RouterFigures } from './router/router-figures.ts';

export interface EngineFigures {
  readonly routers: readonly RouterFigures[];
  readonly shards: readonly { readonly path: string; readonly depth: number; readonly capacity: number }[];
  /** `undefined` before the start. */
  readonly events: EventFigures | undefined;
  /** `undefined`: there is no HTTP server. */
  readonly http: Readonly<HttpFigures> | undefined;
  /** Of each broker that events come from. */
  readonly rabbits: readonly RabbitFigures[];
  readonly dispatchers: readonly DispatchFigures[];
  /** Publishes of the embedding program that wait for their outcome. */
  readonly embedded: number;
  readonly actors: { readonly lost: number; readonly restarts: number };
  readonly pluginThrows: Readonly<Record<string, number>>;
}
