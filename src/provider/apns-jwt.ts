// Thread: main
/**
 * Apple's provider token: a JWT signed with ES256 (RFC 7519; developer.apple.com, "Establishing a token-based
 * connection to APNs"). One token serves all connections: Apple answers 429 to a key that signs a new one more often
 * than every 20 minutes, and 403 to a token older than an hour.
 */
import { createHash, createPublicKey, verify } from 'node:crypto';
import { SignJWT, importPKCS8 } from 'jose';
import { epochMs } from '../core/ids.ts';
import { err, ok } from '../core/result.ts';
import { parseObject } from './gateway-text.ts';
import type { KeyObject } from 'node:crypto';
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
const spacingMs = 20 * 60_000;
const prefix = 'bearer ';

export function createApnsCredentials(key: ApnsKey): CredentialSource {
  const publicKey = publicKeyOf(key.keyPem);
  return {
    id: publicKey === undefined ? '' : idOf(key, publicKey),
    ...(publicKey === undefined
      ? {}
      : {
          watched: {
            spacingMs,
            tooOftenReason: 'TooManyProviderTokenUpdates',
            restore: (authorization: string) => restore(authorization, key, publicKey),
          },
        }),
    mint: (nowMs) => mint(key, nowMs),
    close: () => Promise.resolve(),
  };
}

async function mint(key: ApnsKey, nowMs: EpochMs): Promise<Result<Credential, CredentialFailure>> {
  try {
    const signingKey = await importPKCS8(key.keyPem, 'ES256');
    const iat = Math.floor(nowMs / 1_000);
    const token = await new SignJWT({ iss: key.teamId, iat })
      .setProtectedHeader({ alg: 'ES256', kid: key.keyId })
      .sign(signingKey);
    return ok(credentialOf(token, iat));
  } catch {
    // What the library says could quote the key.
    const reason = `the APNs key ${key.keyId} is not a P-256 private key in PKCS #8 PEM`;
    return err({ transient: false, reason, gatewayAtMs: 0 });
  }
}

function credentialOf(token: string, iat: number): Credential {
  const mintedAtMs = iat * 1_000;
  return {
    authorization: `${prefix}${token}`,
    mintedAtMs: epochMs(mintedAtMs),
    renewAtMs: epochMs(mintedAtMs + renewAfterMs),
    expiresAtMs: epochMs(mintedAtMs + expireAfterMs),
    gatewayAtMs: 0,
  };
}

/** The signature is the proof: a token of another key, team or program does not pass, whatever stands beside it. */
function restore(authorization: string, key: ApnsKey, publicKey: KeyObject): Credential | undefined {
  if (!authorization.startsWith(prefix)) return undefined;
  const token = authorization.slice(prefix.length);
  const [head = '', claims = '', signature = '', ...more] = token.split('.');
  const header = parseObject(Buffer.from(head, 'base64url').toString());
  const { iss, iat } = parseObject(Buffer.from(claims, 'base64url').toString()) ?? {};
  if (more.length > 0 || header?.['alg'] !== 'ES256' || header['kid'] !== key.keyId || iss !== key.teamId) {
    return undefined;
  }
  if (typeof iat !== 'number' || !Number.isSafeInteger(iat)) return undefined;
  const signed = Buffer.from(`${head}.${claims}`);
  const verifying = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
  return verify('sha256', signed, verifying, Buffer.from(signature, 'base64url'))
    ? credentialOf(token, iat)
    : undefined;
}

/** `undefined`: `mint` will say what is wrong with it. */
function publicKeyOf(keyPem: string): KeyObject | undefined {
  try {
    const key = createPublicKey(keyPem);
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : undefined;
  } catch {
    return undefined;
  }
}

// Of the public half: what names a file, and may be read by others, tells nothing of the secret one.
function idOf({ keyId, teamId }: ApnsKey, publicKey: KeyObject): string {
  const hash = createHash('sha256').update(`apns\n${teamId}\n${keyId}\n`);
  return hash.update(publicKey.export({ type: 'spki', format: 'der' })).digest('hex');
}
