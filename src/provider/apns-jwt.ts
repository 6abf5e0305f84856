// Thread: main
/**
 * Apple's provider token: a JWT signed with ES256 (RFC 7519; developer.apple.com, "Establishing a token-based
 * connection to APNs"). One token serves all connections: Apple answers 429 to a key that signs a new one more often
 * than every
 * 20 minutes, and 403 to a token older than an hour.
 */
import { SignJWT, importPKCS8 } from 'jose';
import { epochMs } from '../core/ids.ts';
import { err, ok } from '../core/result.ts';
import type { EpochMs } from '../core/ids.ts';
import type { Result } from '../core/result.ts';
import type { Credential, CredentialFailure, CredentialSource } from './provider.ts';

export interface ApnsKey {
  /** PKCS #8, the `.p8` file as Apple gives it. */
  readonly keyPem: string;
  readonly keyId: string;
  readonly teamId: string;
}

const renewAfterMs = 50 * 60_000;
const expireAfterMs = 60 * 60_000;

export function createApnsCredentials(key: ApnsKey): CredentialSource {
  return {
    mint: (nowMs) => mint(key, nowMs),
    close: () => Promise.resolve(),
  };
}

async function mint(key: ApnsKey, nowMs: EpochMs): Promise<Result<Credential, CredentialFailure>> {
  try {
    const signingKey = await importPKCS8(key.keyPem, 'ES256');
    const token = await new SignJWT({ iss: key.teamId, iat: Math.floor(nowMs / 1_000) })
      .setProtectedHeader({ alg: 'ES256', kid: key.keyId })
      .sign(signingKey);
    return ok({
      authorization: `bearer ${token}`,
      renewAtMs: epochMs(nowMs + renewAfterMs),
      expiresAtMs: epochMs(nowMs + expireAfterMs),
    });
  } catch {
    // What the library says could quote the key.
    return err({ transient: false, reason: `the APNs key ${key.keyId} is not a P-256 private key in PKCS #8 PEM` });
  }
}
