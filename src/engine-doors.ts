// Thread: main
/** The doors by which events arrive from outside, HTTP and brokers: opened last, closed first. Built by engine.ts. */
import { openHttp } from './http/http-server.ts';
import { openRabbit } from './rabbit/rabbit-intake.ts';
import type { EngineConfig } from '../config/engine-config.ts';
import type { Clock } from './core/clock.ts';
import type { Logger } from './core/log.ts';
import type { Random } from './core/random.ts';
import type { HttpFigures } from './http/http-figures.ts';
import type { HttpServer } from './http/http-server.ts';
import type { EventDoor } from './event/event-door.ts';
import type { Rabbit, RabbitFigures } from './rabbit/rabbit-intake.ts';

export interface DoorsOptions {
  readonly config: EngineConfig;
  readonly door: EventDoor;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** What is remembered of the presence of these domains' users may be stale. False: tell me again later. */
  readonly presenceReset: (domains: readonly string[]) => boolean;
  /** All that the engine counts, for people who ask by HTTP. */
  readonly figures: () => unknown;
}

export interface Door {
  /** Takes nothing new, and resolves when what was taken has been answered, at the latest after `budgetMs`. */
  close(budgetMs: number): Promise<void>;
}

export interface Doors extends Door {
  /** `undefined`: there is no HTTP server. */
  httpFigures(): Readonly<HttpFigures> | undefined;
  /** Of each broker, in the order of the configuration. */
  rabbitFigures(): readonly RabbitFigures[];
}

/** Rejects when one cannot be opened; the others are closed then. */
export async function openDoors(options: DoorsOptions): Promise<Doors> {
  const { config, door, clock, logger, figures } = options;
  const { http, engine, rabbits } = config;
  const brokers: Rabbit[] = [];
  let server: HttpServer | undefined;
  const close = async (budgetMs: number): Promise<void> =>
    void (await Promise.all(
      [...brokers, ...(server === undefined ? [] : [server])].map((each) => each.close(budgetMs)),
    ));
  try {
    for (const rabbit of rabbits) brokers.push(await openRabbit({ ...options, config: rabbit }));
    if (http.port !== 0) {
      server = await openHttp({ http, door, replyMs: engine.iqReplyMs, engineFigures: figures, clock, logger });
    }
  } catch (error) {
    await close(0);
    throw error;
  }
  return {
    close,
    // A copy: the server counts on in its own.
    httpFigures: () => (server === undefined ? undefined : { ...server.figures }),
    rabbitFigures: () => brokers.map((rabbit) => rabbit.figures()),
  };
}
