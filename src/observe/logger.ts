// Thread: main
/**
 * pino behind the engine's own Logger: one JSON object for each line on standard error, with the level as a word and
 * the time in ISO 8601. Fields whose names belong to secrets are replaced whatever they hold, as the second line of
 * defence behind `hashForPeople`.
 */
import { pino } from 'pino';
import type { DestinationStream } from 'pino';
import type { Logger } from '../core/log.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

const secretFields = [
  'authorization',
  'certificateKey',
  'key',
  'keyPem',
  'password',
  'privateKey',
  'privateKeyPem',
  'secret',
  'secretKey',
  'serviceAccount',
  'token',
  'deviceToken',
  'voipToken',
];

/**
 * @param destination where the lines go; standard error, written at once, unless a test or the demo wants them.
 */
export function createLogger(level: LogLevel, destination: DestinationStream = pino.destination(2)): Logger {
  const lines = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretFields.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[secret]' },
    },
    destination,
  );
  return {
    debug: (fields, message) => lines.debug(fields, message),
    info: (fields, message) => lines.info(fields, message),
    warn: (fields, message) => lines.warn(fields, message),
    error: (fields, message) => lines.error(fields, message),
  };
}
