// Thread: any
/**
 * Apple's provider tokens, seen from Apple: ES256 verification and the rules about age, team, key kind and renewal
 * (Apple, "Establishing a token-based connection to APNs"). Also makes the key files that such tokens are signed with.
 */
import { createPublicKey, generateKeyPair, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { ApnsEnvironment } from '../core/apns-certificate.ts';

/** A signing key as Apple knows it. */
export interface ApnsKey {
  readonly keyId: string;
  readonly teamId: string;
  readonly publicKeyPem: string;
  /** Absent: both environments, as keys made before 2025. */
  readonly environment?: ApnsEnvironment;
  /** Given: a topic-specific key. Absent: a key for all topics of the team. */
  readonly topics?: readonly string[];
}

/** With the secret half: what an engine is configured with. */
export interface ApnsSigningKey extends ApnsKey {
  /** PKCS #8, the content of Apple's .p8 file. */
  readonly keyPem: string;
}

export type ApnsAuthReason =
  | 'MissingProviderToken'
  | 'InvalidProviderToken'
  | 'ExpiredProviderToken'
  | 'UnrelatedKeyIdInToken'
  | 'BadEnvironmentKeyIdInToken'
  | 'TooManyProviderTokenUpdates';

/** What a connection is bound to by its first valid token. */
export interface TokenBinding {
  teamId: string;
  topicSpecific: boolean;
  /** Tokens that were accepted on this connection, newest last. */
  readonly tokens: string[];
  newestIatMs: number;
}

interface Claims {
  readonly key: ApnsKey;
  readonly iatMs: number;
}

const pairOf = promisify(generateKeyPair);
const lifeMs = 3_600_000;
const renewalMs = 1_200_000;
// Apple publishes no allowance; a few minutes is what clocks without NTP drift.
const skewMs = 300_000;
// A connection that lives for days sees a token each 50 minutes.
const tokensKept = 8;
const verifiedMax = 256;

export async function makeApnsKey(key: Omit<ApnsKey, 'publicKeyPem'>): Promise<ApnsSigningKey> {
  const pair = await pairOf('ec', { namedCurve: 'P-256' });
  return {
    ...key,
    publicKeyPem: pair.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    keyPem: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

export class ApnsTokenVerifier {
  readonly #keys = new Map<string, { readonly key: ApnsKey; readonly publicKey: KeyObject }>();
  readonly #environment: ApnsEnvironment;
  // A fleet uses few tokens and sends each thousands of times.
  readonly #verified = new Map<string, Claims>();

  constructor(keys: readonly ApnsKey[], environment: ApnsEnvironment) {
    for (const key of keys) this.#keys.set(key.keyId, { key, publicKey: createPublicKey(key.publicKeyPem) });
    this.#environment = environment;
  }

  /** Later tokens of this key are refused; those of open connections too. */
  revoke(keyId: string): void {
    this.#keys.delete(keyId);
    this.#verified.clear();
  }

  /**
   * Judges one request's authorization field. On success the connection is bound to the token's team.
   * @param bindings what earlier requests of this connection were bound to, `undefined` for the first.
   */
  check(
    authorization: string | undefined,
    request: { readonly topic: string; readonly nowMs: number; readonly binding: TokenBinding | undefined },
  ): { readonly ok: true; readonly binding: TokenBinding } | { readonly ok: false; readonly reason: ApnsAuthReason } {
    if (authorization === undefined || !/^bearer /i.test(authorization)) return refused('MissingProviderToken');
    const token = authorization.slice(7);
    const claims = this.#verified.get(token) ?? this.#verify(token);
    if (claims === undefined) return refused('InvalidProviderToken');
    const { key, iatMs } = claims;
    const { binding, nowMs, topic } = request;
    if (binding !== undefined && binding.teamId !== key.teamId) return refused('InvalidProviderToken');
    if (key.topics !== undefined && !key.topics.includes(topic)) return refused('InvalidProviderToken');
    if (key.environment !== undefined && key.environment !== this.#environment) {
      return refused('BadEnvironmentKeyIdInToken');
    }
    const topicSpecific = key.topics !== undefined;
    if (binding !== undefined && binding.topicSpecific !== topicSpecific) return refused('UnrelatedKeyIdInToken');
    if (nowMs - iatMs >= lifeMs || iatMs - nowMs > skewMs) return refused('ExpiredProviderToken');
    if (binding === undefined) {
      return { ok: true, binding: { teamId: key.teamId, topicSpecific, tokens: [token], newestIatMs: iatMs } };
    }
    return renew(binding, token, iatMs) ? { ok: true, binding } : refused('TooManyProviderTokenUpdates');
  }

  #verify(token: string): Claims | undefined {
    const parts = token.split('.');
    const [head = '', claims = '', signature = ''] = parts;
    const header = parsePart(head);
    const body = parsePart(claims);
    if (parts.length !== 3 || header === undefined || body === undefined) return undefined;
    const known = typeof header['kid'] === 'string' ? this.#keys.get(header['kid']) : undefined;
    if (known === undefined || header['alg'] !== 'ES256') return undefined;
    const iat = body['iat'];
    if (body['iss'] !== known.key.teamId || typeof iat !== 'number' || !Number.isInteger(iat)) return undefined;
    const key = { key: known.publicKey, dsaEncoding: 'ieee-p1363' } as const;
    const signed = Buffer.from(`${head}.${claims}`);
    if (!verify('sha256', signed, key, Buffer.from(signature, 'base64url'))) return undefined;
    if (this.#verified.size >= verifiedMax) this.#verified.clear();
    const verified = { key: known.key, iatMs: iat * 1000 };
    this.#verified.set(token, verified);
    return verified;
  }
}

/**
 * A token this connection has not seen counts as an update; two updates must be minted 20 minutes apart. Going back to
 * an earlier token is no update: requests that were queued with it may overtake those with the new one.
 */
function renew(binding: TokenBinding, token: string, iatMs: number): boolean {
  if (binding.tokens.includes(token)) return true;
  if (iatMs - binding.newestIatMs < renewalMs) return false;
  binding.tokens.push(token);
  if (binding.tokens.length > tokensKept) binding.tokens.shift();
  binding.newestIatMs = iatMs;
  return true;
}

function refused(reason: ApnsAuthReason): { readonly ok: false; readonly reason: ApnsAuthReason } {
  return { ok: false, reason };
}

/** One base64url part of a JWT (RFC 7515 §7.1) as an object; `undefined` for anything else. */
export function parsePart(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
