/**
 * A fake APNs with its certificates, one signing key, and clients, closed when the test ends.
 */
import { sign } from 'node:crypto';
import type { TestContext } from 'node:test';
import { ApnsGateway } from '../../../src/fake/apns-gateway.ts';
import { makeApnsKey } from '../../../src/fake/apns-token.ts';
import { makeAuthority } from '../../../src/fake/certificates.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';
import { GatewayClient } from './gateway-client.ts';
import type { SecureClientSessionOptions } from 'node:http2';
import type { ApnsGatewayOptions } from '../../../src/fake/apns-gateway.ts';
import type { ApnsSigningKey } from '../../../src/fake/apns-token.ts';
import type { Authority } from '../../../src/fake/certificates.ts';
import type { Answer } from './gateway-client.ts';

export const device: string = 'ab'.repeat(32);
export const topic = 'com.example.app';
export const payload = '{"aps":{"alert":"hi"}}';

export interface ApnsWorld {
  readonly gateway: ApnsGateway;
  readonly clock: VirtualClock;
  readonly key: ApnsSigningKey;
  readonly authority: Authority;
  readonly port: number;
  readonly client: (options?: SecureClientSessionOptions) => GatewayClient;
  /** `bearer <jwt>`, minted now. */
  readonly bearer: (options?: { key?: ApnsSigningKey; ageMs?: number; claims?: object; header?: object }) => string;
}

export async function setup(t: TestContext, options: Partial<ApnsGatewayOptions> = {}): Promise<ApnsWorld> {
  const clock = new VirtualClock();
  const authority = await makeAuthority(clock);
  const key = await makeApnsKey({ keyId: 'KEY1234567', teamId: 'TEAM123456' });
  const tls = await authority.server();
  const gateway = new ApnsGateway({ clock, random: seededRandom(1), tls, keys: [key], ...options });
  const { port } = await gateway.start();
  const clients: GatewayClient[] = [];
  t.after(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await gateway.stop();
  });
  return {
    gateway,
    clock,
    key,
    authority,
    port,
    client(clientOptions) {
      const client = new GatewayClient(port, authority.caPem, clientOptions);
      clients.push(client);
      return client;
    },
    bearer({ key: signer = key, ageMs = 0, claims = {}, header = {} } = {}) {
      const iat = Math.floor((clock.now() - ageMs) / 1000);
      return `bearer ${jwt(signer, { ...header }, { iss: signer.teamId, iat, ...claims })}`;
    },
  };
}

export function jwt(key: ApnsSigningKey, header: object, claims: object): string {
  const text = [{ alg: 'ES256', kid: key.keyId, ...header }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const signature = sign('sha256', Buffer.from(text), { key: key.keyPem, dsaEncoding: 'ieee-p1363' });
  return `${text}.${signature.toString('base64url')}`;
}

export function reasonOf(answer: Answer): string {
  return answer.body === '' ? '' : String(JSON.parse(answer.body).reason);
}
