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
    const end = blockBytes + this.#inner.write(`${node}\0${version}`, blockBytes, 'utf8');
    this.#outer.write(hash('sha256', this.#inner.subarray(0, end), 'binary'), blockBytes, 'latin1');
    return hash('sha256', this.#outer, 'base64url');
  }

  /** Takes as long for every node and every guess, except that a long guess is not read to its end. */
  matches(node: NodeId, version: number, given: string): boolean {
    this.#expected.write(this.of(node, version), 'latin1');
    // What a shorter guess leaves over must not be what came before it.
    const written = this.#given.fill(0).write(given, 'utf8');
    const isSame = timingSafeEqual(this.#expected, this.#given);
    return isSame && written === secretLength && given.length === secretLength;
  }
}
