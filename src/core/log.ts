// Thread: any
/**
 * The port through which the engine speaks to people. `src/observe/logger.ts` puts pino behind it; an embedding program
 * may pass its own. Never called once per notification.
 */
export interface Logger {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

const nothing = (): void => undefined;

/** For tests and benchmarks. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
