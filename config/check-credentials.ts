// Thread: any
/**
 * Certificates, and the credentials of Apple and Google, looked at before the first notification is: a key that cannot
 * sign would otherwise be found when the first user misses a push. Nothing of a key is ever repeated in a message.
 * Apple: Establishing a token-based connection to APNs; Google: service accounts, OAuth 2.0 JWT bearer.
 */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { isTable } from './check-section.ts';
import type { KeyObject } from 'node:crypto';
import type { Checked } from './config-key.ts';
import type { ConfigIssues } from './config-issue.ts';
import type { ApnsConfig, FcmConfig } from './engine-config.ts';
import type { apnsKeys, fcmKeys } from './provider-schema.ts';

type ApnsKeys = Checked<typeof apnsKeys>;
type FcmKeys = Checked<typeof fcmKeys>;
type Account = Pick<FcmConfig, 'projectId' | 'clientEmail' | 'privateKeyPem' | 'privateKeyId'>;

export function checkApnsAuth(keys: ApnsKeys, path: string, issues: ConfigIssues): ApnsConfig['auth'] {
  const { key, key_id: keyId, team_id: teamId, certificate, certificate_key: certificateKey } = keys;
  const own = ['key', 'key_id', 'team_id', 'certificate', 'certificate_key'].map((name) => `${path}.${name}`);
  const isToken = key !== '' || keyId !== '' || teamId !== '';
  const isCertificate = certificate !== '' || certificateKey !== '';
  if (isToken && isCertificate) {
    issues.add(
      path,
      'has a token key and a certificate',
      'keep key_file, key_id and team_id, or certificate_file and certificate_key_file',
    );
  } else if (!isToken && !isCertificate && !issues.has(...own)) {
    issues.add(
      path,
      'has no credential',
      'write key_file, key_id and team_id, or certificate_file and certificate_key_file',
    );
  }
  if (!isToken && isCertificate) {
    reportMissing({ certificate_file: certificate, certificate_key_file: certificateKey }, path, issues);
    checkCertificate(certificate, certificateKey, { path, issues });
    return { kind: 'certificate', certificatePem: certificate, keyPem: certificateKey };
  }
  if (isToken) {
    reportMissing({ key_file: key, key_id: keyId, team_id: teamId }, path, issues);
    const parsed = checkPrivateKey(key, `${path}.key`, issues);
    if (parsed !== undefined && parsed.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
      issues.add(
        `${path}.key`,
        'is not an elliptic curve key (P-256)',
        "name the .p8 file from Apple's developer account",
      );
    }
  }
  return { kind: 'token', keyPem: key, keyId, teamId };
}

/** From the service account's file, or from the keys themselves. */
export function checkServiceAccount(keys: FcmKeys, path: string, issues: ConfigIssues): Account {
  const { service_account: json, project_id: projectId, client_email: clientEmail, private_key: privateKeyPem } = keys;
  const spelled = { project_id: projectId, client_email: clientEmail, private_key_file: privateKeyPem };
  const isSpelled = Object.values(spelled).some((value) => value !== '');
  if (json !== '') {
    if (isSpelled) {
      issues.add(
        path,
        'has a service account and its parts',
        'keep service_account_file, or project_id, client_email and private_key_file',
      );
    }
    return readServiceAccount(json, `${path}.service_account`, issues);
  }
  const own = ['service_account', 'project_id', 'client_email', 'private_key'].map((name) => `${path}.${name}`);
  if (isSpelled) reportMissing(spelled, path, issues);
  else if (!issues.has(...own)) {
    issues.add(
      path,
      'has no credential',
      'write service_account_file, or project_id, client_email and private_key_file',
    );
  }
  checkSigningKey(privateKeyPem, `${path}.private_key`, issues);
  return { projectId, clientEmail, privateKeyPem, privateKeyId: keys.private_key_id };
}

function readServiceAccount(json: string, place: string, issues: ConfigIssues): Account {
  const remedy = 'download it anew: Firebase console, project settings, service accounts, generate new private key';
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    issues.add(place, 'is not JSON', remedy);
  }
  const table = isTable(parsed) ? parsed : {};
  const text = (name: string): string => {
    const value = table[name];
    if (typeof value === 'string' && value !== '') return value;
    if (isTable(parsed) && name !== 'private_key_id') issues.add(place, `has no ${name}`, remedy);
    return '';
  };
  const account = {
    projectId: text('project_id'),
    clientEmail: text('client_email'),
    privateKeyPem: text('private_key'),
    privateKeyId: text('private_key_id'),
  };
  checkSigningKey(account.privateKeyPem, place, issues);
  return account;
}

function checkSigningKey(pem: string, place: string, issues: ConfigIssues): void {
  const key = checkPrivateKey(pem, place, issues);
  if (key !== undefined && key.asymmetricKeyType !== 'rsa') {
    issues.add(place, 'is not an RSA key', 'use the private key of the service account');
  }
}

function checkPrivateKey(pem: string, place: string, issues: ConfigIssues): KeyObject | undefined {
  if (pem === '' || issues.has(place)) return undefined;
  try {
    return createPrivateKey(pem);
  } catch {
    const isEncrypted = pem.includes('ENCRYPTED');
    issues.add(
      place,
      isEncrypted ? 'is a private key with a passphrase' : 'is not a private key in PEM',
      isEncrypted
        ? 'remove the passphrase: openssl pkey -in with.pem -out without.pem'
        : 'name a file that has -----BEGIN PRIVATE KEY-----',
    );
    return undefined;
  }
}

/** Of the keys `certificate` and `certificate_key` below `path`; `''` is left to the caller. */
export function checkCertificate(
  certificate: string,
  certificateKey: string,
  { path, issues }: { readonly path: string; readonly issues: ConfigIssues },
): void {
  const key = checkPrivateKey(certificateKey, `${path}.certificate_key`, issues);
  if (certificate === '' || issues.has(`${path}.certificate`)) return;
  let parsed: X509Certificate;
  try {
    parsed = new X509Certificate(certificate);
  } catch {
    issues.add(
      `${path}.certificate`,
      'is not a certificate in PEM',
      'name a file that has -----BEGIN CERTIFICATE-----',
    );
    return;
  }
  if (key !== undefined && !parsed.checkPrivateKey(key)) {
    issues.add(`${path}.certificate_key`, 'does not belong to the certificate', 'export both from the same identity');
  }
}

function reportMissing(wanted: Readonly<Record<string, string>>, path: string, issues: ConfigIssues): void {
  for (const [name, value] of Object.entries(wanted)) {
    const place = `${path}.${name}`;
    if (value !== '' || issues.has(place, place.replace(/_file$/, ''))) continue;
    issues.add(
      place,
      'is missing',
      `write it beside ${Object.keys(wanted)
        .filter((other) => other !== name)
        .join(' and ')}`,
    );
  }
}
