// Thread: main
/** The doors by which events arrive from outside, HTTP and brokers: opened last, closed first. Built by engine.ts. */
import { openHttp } from './http/http-server.ts';
import type { EngineConfig } from '../config/engine-config.ts';
import type { Clock } from './core/clock.ts';
import type { Logger } from './core/log.ts';
import type { EventDoor } from './event/event-door.ts';

export interface DoorsOptions {
  readonly config: EngineConfig;
  readonly door: EventDoor;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Door {
  /** Takes nothing new, and resolves when what was taken has been answered, at the latest after `budgetMs`. */
  close(budgetMs: number): Promise<void>;
}

/** Rejects when one cannot be opened; the others are closed then. */
export async function openDoors({ config, door, clock, logger }: DoorsOptions): Promise<Door> {
  const { http, engine } = config;
  if (http.port === 0) return { close: () => Promise.resolve() };
  return await openHttp({ http, door, replyMs: engine.iqReplyMs, clock, logger });
}
