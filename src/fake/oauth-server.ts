// Thread: any
/**
 * A fake of Google's token endpoint: HTTPS on HTTP/1.1, POST /token, the JWT bearer grant of a service account
 * (RFC 7523 §2.1). Counts its requests, so that a test can prove that a client asks once and not a thousand times.
 */
import { createHash, createPublicKey, generateKeyPair, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { isObject, parsePart } from './apns-token.ts';
import { FakeListener } from './fake-listener.ts';
import { GatewayScript } from './gateway-script.ts';
import { ReceivedLog } from './received-log.ts';
import type { Clock } from '../core/clock.ts';
import type { Random } from '../core/random.ts';
import type { IssuedCertificate } from './certificates.ts';
import type { FakeAnswer, FakeRequest, Rejection } from './fake-listener.ts';
import type { ScriptChange } from './gateway-script.ts';

/** The parts of Google's key file that matter, as `JSON.parse` would give them. */
export interface ServiceAccount {
  readonly type: 'service_account';
  readonly project_id: string;
  readonly private_key_id: string;
  /** PKCS #8 PEM. */
  readonly private_key: string;
  readonly client_email: string;
  readonly token_uri: string;
}

/** A service account with what Google knows of it. */
export interface ServiceAccountKey {
  /** Content of the key file. */
  readonly json: string;
  readonly account: ServiceAccount;
  readonly publicKeyPem: string;
}

export interface OAuthServerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly tls: IssuedCertificate;
  readonly accounts: readonly Pick<ServiceAccountKey, 'account' | 'publicKeyPem'>[];
  /** Life of a token in seconds; default 3599, as Google's. */
  readonly expiresInSeconds?: number;
}

export interface TokenRequest {
  /** `iss` of the assertion, `''` if it could not be read. */
  readonly clientEmail: string;
  readonly status: number;
  /** `''` if a token was issued; else the OAuth error code and why: `invalid_grant: expired`. */
  readonly error: string;
  readonly atMs: number;
}

const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const messagingScope = 'https://www.googleapis.com/auth/firebase.messaging';
const platformScope = 'https://www.googleapis.com/auth/cloud-platform';
const expiresInDefault = 3599;
const assertionLifeMaxSeconds = 3600;
// What Google allows a clock to be off.
const skewSeconds = 300;
const issuedMax = 10_000;
const receivedMax = 1000;
const pairOf = promisify(generateKeyPair);

/**
 * @param tokenUri where the tokens come from; the port of the fake is known once it has started.
 * @param keyPem an RSA key to use; absent = a fresh one, which takes a few hundred milliseconds.
 */
export async function makeServiceAccount(options: {
  readonly projectId: string;
  readonly tokenUri: string;
  readonly keyPem?: string;
}): Promise<ServiceAccountKey> {
  const keyPem = options.keyPem ?? (await makeServiceAccountKey());
  const publicKeyPem = createPublicKey(keyPem).export({ type: 'spki', format: 'pem' }).toString();
  const account: ServiceAccount = {
    type: 'service_account',
    project_id: options.projectId,
    private_key_id: createHash('sha1').update(publicKeyPem).digest('hex'),
    private_key: keyPem,
    client_email: `push@${options.projectId}.iam.gserviceaccount.com`,
    token_uri: options.tokenUri,
  };
  return { json: JSON.stringify(account, undefined, 2), account, publicKeyPem };
}

/** A fresh RSA key, PKCS #8 PEM. */
export async function makeServiceAccountKey(): Promise<string> {
  const pair = await pairOf('rsa', { modulusLength: 2048 });
  return pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

export class OAuthServer {
  readonly received: ReceivedLog<TokenRequest> = new ReceivedLog(receivedMax);
  readonly #options: OAuthServerOptions;
  readonly #listener: FakeListener;
  readonly #accounts = new Map<string, { readonly key: KeyObject; readonly tokenUri: string }>();
  readonly #issued = new Map<string, { readonly projectId: string; readonly expiresAtMs: number }>();
  readonly #projects = new Map<string, string>();

  constructor(options: OAuthServerOptions) {
    this.#options = options;
    for (const account of options.accounts) this.addAccount(account);
    this.#listener = new FakeListener({
      clock: options.clock,
      tls: options.tls,
      script: new GatewayScript(options.random),
      http1: true,
      h2: false,
      rules: {
        idleDebug: '',
        tokenOf: () => '',
        answer: (request, scripted) => this.#answer(request, scripted),
        unanswered: () => this.#record('', 0, ''),
      },
    });
  }

  start(port = 0): Promise<{ readonly port: number }> {
    return this.#listener.start(port);
  }

  async stop(): Promise<void> {
    await this.#listener.stop();
    this.received.close();
  }

  script(change: ScriptChange): void {
    this.#listener.apply(change);
  }

  /** For an account whose `token_uri` names the port of this server. */
  addAccount({ account, publicKeyPem }: Pick<ServiceAccountKey, 'account' | 'publicKeyPem'>): void {
    this.#accounts.set(account.client_email, { key: createPublicKey(publicKeyPem), tokenUri: account.token_uri });
    this.#projects.set(account.client_email, account.project_id);
  }

  /** What a gateway asks: which project may this access token send for? */
  check(accessToken: string): { readonly kind: 'valid'; readonly projectId: string } | { readonly kind: 'invalid' } {
    const issued = this.#issued.get(accessToken);
    if (issued === undefined || issued.expiresAtMs <= this.#options.clock.now()) return { kind: 'invalid' };
    return { kind: 'valid', projectId: issued.projectId };
  }

  /** All tokens issued so far stop working, as after a change of the account. */
  revokeAll(): void {
    this.#issued.clear();
  }

  #answer(request: FakeRequest, scripted: Rejection | undefined): FakeAnswer {
    if (request.path !== '/token' || request.method !== 'POST') {
      this.#record('', 404, 'not_found');
      return jsonAnswer(404, { error: 'not_found' });
    }
    const form = new URLSearchParams(request.body);
    const verdict = this.#judge(form);
    if (verdict.error !== '') {
      this.#record(verdict.clientEmail, 400, verdict.error);
      const [error = '', description = ''] = verdict.error.split(': ');
      return jsonAnswer(400, { error, error_description: description });
    }
    if (scripted !== undefined) {
      this.#record(verdict.clientEmail, scripted.status, scripted.reason);
      const answer = jsonAnswer(scripted.status, { error: scripted.reason, error_description: 'scripted' });
      return { ...answer, fields: { ...answer.fields, ...scripted.fields } };
    }
    this.#record(verdict.clientEmail, 200, '');
    return jsonAnswer(200, {
      access_token: this.#issue(verdict.clientEmail),
      expires_in: this.#expiresInSeconds,
      token_type: 'Bearer',
    });
  }

  get #expiresInSeconds(): number {
    return this.#options.expiresInSeconds ?? expiresInDefault;
  }

  #issue(clientEmail: string): string {
    if (this.#issued.size >= issuedMax) this.#issued.clear();
    const token = `ya29.${this.#options.random.bytes(24).toString('base64url')}`;
    const projectId = this.#projects.get(clientEmail) ?? '';
    this.#issued.set(token, { projectId, expiresAtMs: this.#options.clock.now() + this.#expiresInSeconds * 1000 });
    return token;
  }

  #judge(form: URLSearchParams): { readonly clientEmail: string; readonly error: string } {
    if (form.get('grant_type') !== grantType)
      return { clientEmail: '', error: 'unsupported_grant_type: not a JWT grant' };
    const [head = '', claims = '', signature = ''] = (form.get('assertion') ?? '').split('.');
    const header = parsePart(head);
    const body = parsePart(claims);
    if (!isObject(header) || !isObject(body)) return { clientEmail: '', error: 'invalid_request: malformed assertion' };
    const clientEmail = typeof body['iss'] === 'string' ? body['iss'] : '';
    const account = this.#accounts.get(clientEmail);
    if (account === undefined) return { clientEmail, error: 'invalid_grant: account not found' };
    const signed = Buffer.from(`${head}.${claims}`);
    if (header['alg'] !== 'RS256' || !verify('sha256', signed, account.key, Buffer.from(signature, 'base64url'))) {
      return { clientEmail, error: 'invalid_grant: invalid signature' };
    }
    return { clientEmail, error: this.#checkClaims(body, account.tokenUri) };
  }

  #checkClaims(body: Readonly<Record<string, unknown>>, tokenUri: string): string {
    const { aud, scope, iat, exp } = body;
    if (aud !== tokenUri) return 'invalid_grant: audience is not the token endpoint';
    const scopes = typeof scope === 'string' ? scope.split(' ') : [];
    if (!scopes.includes(messagingScope) && !scopes.includes(platformScope)) return 'invalid_scope: not for messaging';
    if (typeof iat !== 'number' || typeof exp !== 'number') return 'invalid_grant: iat and exp must be numbers';
    const nowSeconds = this.#options.clock.now() / 1000;
    if (exp - iat > assertionLifeMaxSeconds) return 'invalid_grant: the assertion lives longer than an hour';
    if (exp <= nowSeconds) return 'invalid_grant: the assertion has expired';
    return iat > nowSeconds + skewSeconds ? 'invalid_grant: the assertion is from the future' : '';
  }

  #record(clientEmail: string, status: number, error: string): void {
    this.received.push({ clientEmail, status, error, atMs: this.#options.clock.now() });
  }
}

function jsonAnswer(status: number, body: object): FakeAnswer {
  return { status, fields: { 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify(body) };
}
