/**
 * The fakes of Google's token endpoint and of FCM with one service account, closed when the test ends.
 */
import { sign } from 'node:crypto';
import type { TestContext } from 'node:test';
import { FcmGateway } from '../../../src/fake/fcm-gateway.ts';
import { makeAuthority } from '../../../src/fake/certificates.ts';
import { makeServiceAccount, makeServiceAccountKey, OAuthServer } from '../../../src/fake/oauth-server.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';
import { GatewayClient } from './gateway-client.ts';
import { httpsRequest } from './https-client.ts';
import type { FcmGatewayOptions } from '../../../src/fake/fcm-gateway.ts';
import type { ServiceAccountKey } from '../../../src/fake/oauth-server.ts';
import type { HttpsAnswer } from './https-client.ts';

export interface AssertionChanges {
  readonly claims?: object;
  readonly header?: object;
  readonly signer?: ServiceAccountKey;
}

export interface GoogleWorld {
  readonly clock: VirtualClock;
  readonly oauth: OAuthServer;
  readonly fcm: FcmGateway;
  readonly account: ServiceAccountKey;
  readonly caPem: string;
  readonly oauthPort: number;
  /** POST /token with an assertion minted now. */
  readonly grant: (changes?: AssertionChanges) => Promise<HttpsAnswer>;
  readonly accessToken: () => Promise<string>;
  readonly client: () => GatewayClient;
}

export const projectId = 'demo-project';
export const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

// An RSA key takes a few hundred milliseconds; the tests of one file differ in everything else.
const keyOfFile = makeServiceAccountKey();

export async function setup(t: TestContext, options: Partial<FcmGatewayOptions> = {}): Promise<GoogleWorld> {
  const clock = new VirtualClock();
  const random = seededRandom(1);
  const authority = await makeAuthority(clock);
  const tls = await authority.server();
  const oauth = new OAuthServer({ clock, random, tls, accounts: [] });
  const { port: oauthPort } = await oauth.start();
  const tokenUri = `https://127.0.0.1:${oauthPort}/token`;
  const account = await makeServiceAccount({ projectId, tokenUri, keyPem: await keyOfFile });
  oauth.addAccount(account);
  const fcm = new FcmGateway({ clock, random, tls, oauth, projectIds: [projectId], ...options });
  const { port } = await fcm.start();
  const clients: GatewayClient[] = [];
  t.after(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await Promise.all([fcm.stop(), oauth.stop()]);
  });
  const grant = ({ claims = {}, header = {}, signer = account }: AssertionChanges = {}): Promise<HttpsAnswer> => {
    const iat = Math.floor(clock.now() / 1000);
    const scope = 'https://www.googleapis.com/auth/firebase.messaging';
    const text = [
      { alg: 'RS256', typ: 'JWT', kid: signer.account.private_key_id, ...header },
      { iss: account.account.client_email, scope, aud: tokenUri, iat, exp: iat + 3600, ...claims },
    ]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const signature = sign('sha256', Buffer.from(text), signer.account.private_key).toString('base64url');
    const body = new URLSearchParams({ grant_type: grantType, assertion: `${text}.${signature}` }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return httpsRequest({ port: oauthPort, caPem: authority.caPem, path: '/token', headers, body });
  };
  return {
    clock,
    oauth,
    fcm,
    account,
    caPem: authority.caPem,
    oauthPort,
    grant,
    accessToken: async () => String(JSON.parse((await grant()).body).access_token),
    client() {
      const client = new GatewayClient(port, authority.caPem);
      clients.push(client);
      return client;
    },
  };
}
