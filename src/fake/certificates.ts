// Thread: any
/**
 * Throw-away certificates for the fake gateways: an authority that lives as long as the process, server certificates
 * for loopback names, and client certificates that carry Apple's extensions. Nothing here is trusted by anybody who was
 * not handed `caPem`. Apple's OIDs: "Certificate, Key, and Trust Services", 1.2.840.113635.100.6.3.*.
 */
// oxlint-disable-next-line import/no-unassigned-import -- it must run before @peculiar/x509 does
import './reflect-metadata.ts';
import { KeyObject, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { ApnsEnvironment } from '../core/apns-certificate.ts';
import type { Clock } from '../core/clock.ts';

export interface IssuedCertificate {
  readonly certPem: string;
  /** PKCS #8. */
  readonly keyPem: string;
}

export interface ClientCertificateNames {
  /** Bundle id; becomes the subject's UID and the first topic. */
  readonly topic: string;
  /** Further topics, such as `com.example.app.voip`. */
  readonly topics?: readonly string[];
  /** Default true. Certificates for development and for device management list no topics. */
  readonly hasList?: boolean;
  /** Both by default, as Apple's universal certificates have. */
  readonly environments?: readonly ApnsEnvironment[];
}

export interface Authority {
  readonly caPem: string;
  /** For `localhost`, 127.0.0.1, ::1 and `names` (host names or addresses). */
  server(names?: readonly string[]): Promise<IssuedCertificate>;
  client(names: ClientCertificateNames): Promise<IssuedCertificate>;
}

// UID (RFC 4519 §2.39).
const userIdOid = '0.9.2342.19200300.100.1.1';
const topicsOid = '1.2.840.113635.100.6.3.6';
const voipOid = '1.2.840.113635.100.6.3.4';
const sandboxOid = '1.2.840.113635.100.6.3.1';
const productionOid = '1.2.840.113635.100.6.3.2';
const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const derNull = Buffer.from([0x05, 0x00]);
// Wide on both sides: TLS compares with the machine's time, which a virtual clock may be a year away from.
const validBeforeMs = 2 * 365 * 86_400_000;
const validAfterMs = 5 * 365 * 86_400_000;

export async function makeAuthority(clock: Clock): Promise<Authority> {
  const keys = await makeKeys();
  const name = 'CN=Meerkat throw-away authority';
  const dates = (): { notBefore: Date; notAfter: Date } => ({
    notBefore: new Date(clock.now() - validBeforeMs),
    notAfter: new Date(clock.now() + validAfterMs),
  });
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    ...dates(),
    name,
    keys,
    signingAlgorithm: keyAlgorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  const issue = async (subject: x509.JsonName, extensions: x509.Extension[]): Promise<IssuedCertificate> => {
    const own = await makeKeys();
    const certificate = await x509.X509CertificateGenerator.create({
      ...dates(),
      subject,
      issuer: name,
      publicKey: own.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: keyAlgorithm,
      extensions: [new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true), ...extensions],
    });
    return { certPem: pem(certificate), keyPem: privatePem(own.privateKey) };
  };
  return {
    caPem: pem(root),
    server: (names = []) => issue([{ CN: ['localhost'] }], serverExtensions(names)),
    client: (names) => issue(clientSubject(names.topic), clientExtensions(names)),
  };
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}

function privatePem(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString();
}

function clientSubject(topic: string): x509.JsonName {
  return [{ [userIdOid]: [topic] }, { CN: [`Apple Push Services: ${topic}`] }];
}

const addressPattern = /^[0-9.]+$|:/;

function serverExtensions(names: readonly string[]): x509.Extension[] {
  const all = new Set(['localhost', '127.0.0.1', '::1', ...names]);
  const entries: x509.JsonGeneralNames = [...all].map((value) => ({
    type: addressPattern.test(value) ? 'ip' : 'dns',
    value,
  }));
  return [
    new x509.SubjectAlternativeNameExtension(entries),
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
  ];
}

function clientExtensions(names: ClientCertificateNames): x509.Extension[] {
  const topics = [names.topic, ...(names.topics ?? [])];
  const environments = names.environments ?? ['production', 'sandbox'];
  const extensions: x509.Extension[] = [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])];
  if (names.hasList !== false) extensions.push(new x509.Extension(topicsOid, false, topicList(topics)));
  if (topics.some((topic) => topic.endsWith('.voip'))) extensions.push(new x509.Extension(voipOid, false, derNull));
  if (environments.includes('sandbox')) extensions.push(new x509.Extension(sandboxOid, false, derNull));
  if (environments.includes('production')) extensions.push(new x509.Extension(productionOid, false, derNull));
  return extensions;
}

/** Apple's shape: each topic is followed by a sequence of labels that say what it is for. */
function topicList(topics: readonly string[]): Buffer {
  const parts = topics.map((topic) => {
    const label = topic.endsWith('.voip') ? 'voip' : topic.endsWith('.complication') ? 'complication' : 'app';
    return Buffer.concat([der(0x0c, Buffer.from(topic)), der(0x30, der(0x0c, Buffer.from(label)))]);
  });
  return der(0x30, Buffer.concat(parts));
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  if (length < 0x100) return Buffer.concat([Buffer.from([tag, 0x81, length]), content]);
  return Buffer.concat([Buffer.from([tag, 0x82, length >> 8, length & 0xff]), content]);
}
