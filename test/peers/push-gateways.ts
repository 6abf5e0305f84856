/**
 * The fakes of Apple and Google, and the provider sections that lead an engine to them.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock.ts';
import { systemRandom } from '../../src/core/random.ts';
import { ApnsGateway } from '../../src/fake/apns-gateway.ts';
import { makeApnsKey } from '../../src/fake/apns-token.ts';
import { makeAuthority } from '../../src/fake/certificates.ts';
import { FcmGateway } from '../../src/fake/fcm-gateway.ts';
import { makeServiceAccount, OAuthServer } from '../../src/fake/oauth-server.ts';

export const apnsTopic = 'net.example.chat';

const projectId = 'chat-1a2b3';
// Short, so that a stalled gateway costs a test one second.
const requestMs = 1_000;

export interface PushGateways {
  readonly fcm: FcmGateway;
  /** The one that is up; a new one after `raiseApns`. */
  readonly apns: () => ApnsGateway;
  /** Apple is gone: nobody listens. */
  readonly fellApns: () => Promise<void>;
  /** Apple is back, at the same address. */
  readonly raiseApns: () => Promise<void>;
  /** For the `providers` of a configuration. */
  readonly providers: readonly Readonly<Record<string, unknown>>[];
  readonly close: () => Promise<void>;
}

export async function openPushGateways(): Promise<PushGateways> {
  const folder = mkdtempSync(join(tmpdir(), 'meerkat-gateways-'));
  const common = { clock: systemClock, random: systemRandom };
  const authority = await makeAuthority(systemClock);
  const tls = await authority.server();
  const caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, authority.caPem);

  const key = await makeApnsKey({ keyId: 'KEY1234567', teamId: 'TEAM123456' });
  const makeApns = (): ApnsGateway => new ApnsGateway({ ...common, tls, keys: [key], environment: 'production' });
  let apns = makeApns();
  const { port: apnsPort } = await apns.start();

  const oauth = new OAuthServer({ ...common, tls, accounts: [] });
  const tokenUrl = `https://127.0.0.1:${(await oauth.start()).port}/token`;
  const account = await makeServiceAccount({ projectId, tokenUri: tokenUrl });
  oauth.addAccount(account);
  const fcm = new FcmGateway({ ...common, tls, oauth, projectIds: [projectId] });
  const { port: fcmPort } = await fcm.start();

  const gateway = { host: '127.0.0.1', ca_file: caFile, request_ms: requestMs };
  const credential = { key: key.keyPem, key_id: key.keyId, team_id: key.teamId };
  return {
    fcm,
    apns: () => apns,
    fellApns: () => apns.stop(),
    async raiseApns() {
      apns = makeApns();
      await apns.start(apnsPort);
    },
    providers: [
      { ...gateway, name: 'apns-prod', kind: 'apns', port: apnsPort, topic: apnsTopic, ...credential },
      { ...gateway, name: 'fcm', kind: 'fcm', port: fcmPort, token_url: tokenUrl, service_account: account.json },
    ],
    async close() {
      await Promise.all([apns.stop(), fcm.stop(), oauth.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
