// Thread: main
/**
 * The value a watched key minted last, over restarts: read once, and written before it is first used. What cannot be
 * read, or was not signed with the key at hand, is left aside with a warning: the price is one mint too many.
 */
import type { GatewayTime } from './gateway-time.ts';
import type { Logger } from '../core/log.ts';
import type { Credential, WatchedKey } from '../provider/provider.ts';
import type { CredentialFile } from '../storage/credential-file.ts';

export interface SignerStoreOptions {
  readonly file: CredentialFile;
  readonly key: WatchedKey;
  readonly time: GatewayTime;
  readonly logger: Logger;
  readonly provider: string;
}

export class SignerStore {
  readonly #options: SignerStoreOptions;

  constructor(options: SignerStoreOptions) {
    this.#options = options;
  }

  async load(): Promise<Credential | undefined> {
    const { file, key, time, logger, provider } = this.#options;
    const ignored = (reason: string): undefined => {
      logger.warn({ provider, reason }, 'the kept provider token is ignored and a new one is minted');
      return undefined;
    };
    let text: string | undefined;
    try {
      text = await file.read();
    } catch (error) {
      return ignored(String(error));
    }
    if (text === undefined) return undefined;
    const kept = parse(text);
    if (kept === undefined) return ignored('the file is not one of ours');
    const credential = key.restore(kept.authorization);
    if (credential === undefined) return ignored('it was not signed with this key');
    time.assume(kept.offsetMs);
    return credential;
  }

  /** Never rejects: without the file all works until the next restart. */
  async save({ authorization }: Credential): Promise<void> {
    const { file, time, logger, provider } = this.#options;
    try {
      await file.write(`${JSON.stringify({ authorization, gateway_ahead_ms: time.offsetMs })}\n`);
    } catch (error) {
      logger.warn({ provider, error: String(error) }, 'the provider token could not be kept for the next start');
    }
  }
}

interface Kept {
  readonly authorization: string;
  readonly offsetMs: number;
}

function parse(text: string): Kept | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('authorization' in value)) return undefined;
  const { authorization } = value;
  const offsetMs = 'gateway_ahead_ms' in value ? value.gateway_ahead_ms : undefined;
  if (typeof authorization !== 'string' || typeof offsetMs !== 'number' || !Number.isSafeInteger(offsetMs)) {
    return undefined;
  }
  return { authorization, offsetMs };
}
