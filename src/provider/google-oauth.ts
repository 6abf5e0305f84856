// Thread: main
/**
 * Google's access token for a service account: an assertion signed with RS256 is exchanged at the token endpoint
 * (RFC 7523; developers.google.com, "Using OAuth 2.0 for Server to Server Applications").
 */
import { createHash } from 'node:crypto';
import { SignJWT, importPKCS8 } from 'jose';
import { epochMs } from '../core/ids.ts';
import { err, ok } from '../core/result.ts';
import { HttpsRequests } from '../transport/https-requests.ts';
import { readTrustedAuthorities } from '../transport/trusted-authorities.ts';
import { dateMs, parseObject, reasonOr } from './gateway-text.ts';
import type { FcmConfig } from '../../config/engine-config.ts';
import type { Clock } from '../core/clock.ts';
import type { EpochMs } from '../core/ids.ts';
import type { Result } from '../core/result.ts';
import type { HttpsResult } from '../transport/https-exchange.ts';
import type { Credential, CredentialFailure, CredentialSource } from './provider.ts';

const scope = 'https://www.googleapis.com/auth/firebase.messaging';
const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const assertionSeconds = 3_600;
/** Google asks for a new token about five minutes before the old one ends. */
const renewEarlyMs = 5 * 60_000;
const mintMs = 10_000;
const tokenSecondsDefault = 3_599;

type Minted = Result<Credential, CredentialFailure>;

/** `caFile` of the provider is trusted for the token endpoint too, and its `proxyUrl` leads there. */
export function createGoogleCredentials(config: FcmConfig, clock: Clock): CredentialSource {
  const url = new URL(config.tokenUrl);
  const requests = new HttpsRequests({
    clock,
    origin: url.origin,
    ca: readTrustedAuthorities(config.caFile),
    proxyUrl: config.proxyUrl,
    connections: 1,
    httpVersion: '1.1',
    waitingMax: 1,
  });
  return {
    id: idOf(config),
    mint: async (nowMs) => {
      const assertion = await signAssertion(config, nowMs);
      if (!assertion.ok) return assertion;
      const body = new URLSearchParams({ grant_type: grantType, assertion: assertion.value }).toString();
      const fields = { 'content-type': 'application/x-www-form-urlencoded' };
      const path = `${url.pathname}${url.search}`;
      return readToken(await requests.post({ path, fields, body }, epochMs(clock.now() + mintMs)), nowMs);
    },
    close: () => requests.drain(0),
  };
}

// In memory alone: of the secret half.
function idOf({ clientEmail, privateKeyId, privateKeyPem, tokenUrl, caFile, proxyUrl }: FcmConfig): string {
  const parts = ['fcm', clientEmail, privateKeyId, privateKeyPem, tokenUrl, caFile, proxyUrl];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

async function signAssertion(config: FcmConfig, nowMs: EpochMs): Promise<Result<string, CredentialFailure>> {
  try {
    const key = await importPKCS8(config.privateKeyPem, 'RS256');
    const iat = Math.floor(nowMs / 1_000);
    const kid = config.privateKeyId === '' ? {} : { kid: config.privateKeyId };
    return ok(
      await new SignJWT({ iss: config.clientEmail, scope, aud: config.tokenUrl, iat, exp: iat + assertionSeconds })
        .setProtectedHeader({ alg: 'RS256', typ: 'JWT', ...kid })
        .sign(key),
    );
  } catch {
    // What the library says could quote the key.
    return err({
      transient: false,
      reason: `the key of ${config.clientEmail} is not an RSA private key in PKCS #8 PEM`,
      gatewayAtMs: 0,
    });
  }
}

/** Exported for its table of answers. */
export function readToken(result: HttpsResult, nowMs: EpochMs): Minted {
  if (result.kind === 'full') return err({ transient: true, reason: 'token endpoint busy', gatewayAtMs: 0 });
  if (result.kind === 'failed') {
    return err({ transient: true, reason: `token endpoint: ${result.reason}`, gatewayAtMs: 0 });
  }
  const { status } = result;
  const gatewayAtMs = dateMs(result.fields['date']);
  const body = parseObject(result.body);
  if (status >= 200 && status < 300) {
    const token = body?.['access_token'];
    if (typeof token !== 'string' || token === '') {
      return err({ transient: true, reason: 'token endpoint: no token', gatewayAtMs });
    }
    const said = body?.['expires_in'];
    const lifeMs = (typeof said === 'number' && said > 0 ? said : tokenSecondsDefault) * 1_000;
    return ok({
      authorization: `Bearer ${token}`,
      mintedAtMs: nowMs,
      // A short-lived token is renewed at half its life, not at once and for ever.
      renewAtMs: epochMs(nowMs + Math.max(lifeMs - renewEarlyMs, lifeMs / 2)),
      expiresAtMs: epochMs(nowMs + lifeMs),
      gatewayAtMs,
    });
  }
  // RFC 6749 §5.2: 400 and 401 mean that the account or its key is refused. A 429 or a 5xx passes.
  const transient = status >= 500 || status === 429 || status === 408;
  return err({ transient, reason: `token endpoint: ${reasonOr(status, body?.['error'])}`, gatewayAtMs });
}
