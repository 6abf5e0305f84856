// Thread: main
/**
 * The secret of a node, derived and never stored: HMAC-SHA256(server key, node NUL version) (xmpp 5.37). Compared in
 * constant time; the length is no secret (4.47). HMAC (RFC 2104) is written out as two one-shot digests, because every
 * publish with a secret passes here: 1.4 µs, where a `Hmac` object takes 2.4 and leaves garbage.
 */
import { hash, timingSafeEqual } from 'node:crypto';
import { nodeIdBytesMax } from '../core/ids.ts';
import type { NodeId } from '../core/ids.ts';

/** 32 bytes in base64url. */
const secretLength = 43;
const blockBytes = 64;
const digestBytes = 32;
/** NUL and the version in decimal. */
const suffixBytesMax = 12;

export class NodeSecrets {
  /** The key's block, and room for the message. */
  readonly #inner = Buffer.alloc(blockBytes + nodeIdBytesMax + suffixBytesMax, 0x36);
  /** The key's block, and room for the digest. */
  readonly #outer = Buffer.alloc(blockBytes + digestBytes, 0x5c);
  /** The part of `#inner` that is in use. */
  #message = this.#inner;
  readonly #expected = Buffer.alloc(secretLength);
  readonly #given = Buffer.alloc(secretLength);

  /** @param key at least 16 bytes. */
  constructor(key: Uint8Array) {
    const block = key.length > blockBytes ? hash('sha256', key, 'buffer') : key;
    for (const [index, byte] of block.entries()) {
      this.#inner[index] = 0x36 ^ byte;
      this.#outer[index] = 0x5c ^ byte;
    }
  }

  /** 43 characters of base64url. */
  of(node: NodeId, version: number): string {
    const message = `${node}\0${version}`;
    const isAscii = put(message, this.#inner, blockBytes, 0x7f);
    const end = blockBytes + (isAscii ? message.length : this.#inner.write(message, blockBytes, 'utf8'));
    // Names of our own are equally long: a view of its own for each would cost as much as writing the name.
    if (this.#message.length !== end) this.#message = this.#inner.subarray(0, end);
    put(hash('sha256', this.#message, 'binary'), this.#outer, blockBytes, 0xff);
    return hash('sha256', this.#outer, 'base64url');
  }

  /** Takes as long for every node and every guess, except that a guess of another length is not read. */
  matches(node: NodeId, version: number, given: string): boolean {
    put(this.of(node, version), this.#expected, 0, 0x7f);
    // What was compared before stays where a guess does not fit; it has failed whatever the comparison says.
    const fits = given.length === secretLength && put(given, this.#given, 0, 0x7f);
    return timingSafeEqual(this.#expected, this.#given) && fits;
  }
}

/** False: a character is above `unitMax`, and what is in the buffer means nothing. Half the cost of `Buffer.write`. */
function put(text: string, into: Buffer, at: number, unitMax: number): boolean {
  let all = 0;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    into[at + index] = unit;
    all |= unit;
  }
  return all <= unitMax;
}
