// Thread: any
/**
 * What Apple writes into a client certificate for APNs: the topics it is for and the environments (developer.apple.com:
 * "Establishing a certificate-based connection to APNs"; OIDs 1.2.840.113635.100.6.3.*). A short walk through its DER
 * (X.690), since Node's own reader shows no extensions.
 */
import type { X509Certificate } from 'node:crypto';

export type ApnsEnvironment = 'production' | 'sandbox';

export interface ApnsCertificate {
  /** UID of the subject (RFC 4519 §2.39), `''` if it has none: the bundle id, or the topic for device management. */
  readonly uid: string;
  /** As listed, or the UID where there is no list, as in those for development. The first is the default. */
  readonly topics: readonly string[];
  /** Empty: it does not say. */
  readonly environments: readonly ApnsEnvironment[];
}

// As hex of their DER, behind the tag and the length.
const apple = '2a864886f763640603';
const sandboxOid = `${apple}01`;
const productionOid = `${apple}02`;
const topicsOid = `${apple}06`;

/** Extensions that cannot be read say nothing. */
export function readApnsCertificate(certificate: X509Certificate): ApnsCertificate {
  const uid = /(?:^|\n)UID=(.*)/.exec(certificate.subject)?.[1] ?? '';
  const extensions = extensionsOf(certificate.raw);
  const environments: ApnsEnvironment[] = [];
  if (extensions.has(productionOid)) environments.push('production');
  if (extensions.has(sandboxOid)) environments.push('sandbox');
  const listed = topicsIn(extensions.get(topicsOid));
  return { uid, topics: listed.length > 0 || uid === '' ? listed : [uid], environments };
}

// Tags (X.690 §8.1.2, X.680 §8.6).
const octetString = 0x04;
const objectIdentifier = 0x06;
const utf8String = 0x0c;
const sequence = 0x30;
const explicitExtensions = 0xa3; // [3] in RFC 5280 §4.1

interface Element {
  readonly tag: number;
  readonly content: Buffer;
}

/** The value of each extension by its OID (RFC 5280 §4.1). */
function extensionsOf(der: Buffer): ReadonlyMap<string, Buffer> {
  const [certificate] = elementsOf(der);
  const [body] = elementsOf(certificate?.content);
  const wrapped = elementsOf(body?.content).find(({ tag }) => tag === explicitExtensions);
  const [list] = elementsOf(wrapped?.content);
  const found = new Map<string, Buffer>();
  for (const extension of elementsOf(list?.content)) {
    const parts = elementsOf(extension.content);
    const id = parts.find(({ tag }) => tag === objectIdentifier);
    const value = parts.find(({ tag }) => tag === octetString);
    if (id !== undefined && value !== undefined) found.set(id.content.toString('hex'), value.content);
  }
  return found;
}

/** A sequence of topics, each followed by a sequence of words for what it is for. */
function topicsIn(value: Buffer | undefined): readonly string[] {
  const [list] = elementsOf(value);
  if (list?.tag !== sequence) return [];
  return elementsOf(list.content)
    .filter(({ tag }) => tag === utf8String)
    .map(({ content }) => content.toString());
}

/** What stands side by side; up to the first that is cut or longer than what holds it. */
function elementsOf(der: Buffer | undefined): readonly Element[] {
  const found: Element[] = [];
  if (der === undefined) return found;
  for (let at = 0; at + 2 <= der.length;) {
    const tag = der.readUInt8(at);
    const short = der.readUInt8(at + 1);
    // Four bytes of length are more than any certificate has.
    const lengthBytes = short < 0x80 ? 0 : short & 0x7f;
    const start = at + 2 + lengthBytes;
    if (lengthBytes > 4 || start > der.length) break;
    const length = lengthBytes === 0 ? short & 0x7f : der.readUIntBE(at + 2, lengthBytes);
    if (start + length > der.length) break;
    found.push({ tag, content: der.subarray(start, start + length) });
    at = start + length;
  }
  return found;
}
