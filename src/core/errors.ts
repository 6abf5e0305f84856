// Thread: any
/**
 * Every error that leaves the engine by a throw or a rejection. The code is stable; the message says what happened,
 * with which value, and what to do. Branch on `code`, never on the message.
 */
export const errorCodes = {
  E_CONFIG_INVALID: 'the configuration has problems; `issues` lists each with its place and its remedy',
  E_CONFIG_UNREADABLE: 'the configuration file cannot be read',
  E_ENGINE_STATE: 'the engine was used before start() or after stop()',
  E_ENGINE_OVERLOADED: 'the queue of the provider is full; publish again later',
  E_PROVIDER_UNKNOWN: 'no configured provider serves this service, mode and topic',
  E_STORE_SHARDS_MISMATCH: 'the store was made with another number of shards; run `meerkat reshard`',
  E_STORE_ROW_CORRUPT: 'a row of the store cannot be decoded; restore a backup or remove the registration',
  E_STORE_IO: 'the store could not read or write; the cause says why',
  E_STORE_LOCKED: 'another process holds the store; stop it first',
  E_PLUGIN_INVALID: 'a plugin is not what the engine can call',
  E_HTTP_LISTEN: 'the HTTP server cannot listen; the message names host and port, the cause says why',
  E_STREAM_REFUSED: 'an XMPP server refused the component; check domain and secret',
} as const;

export type ErrorCode = keyof typeof errorCodes;

export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: ErrorCode;
  /** For E_CONFIG_INVALID: one line for each problem; empty otherwise. */
  readonly issues: readonly string[];

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; issues?: readonly string[] } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.issues = options.issues ?? [];
  }
}
