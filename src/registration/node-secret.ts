// Thread: main
/**
 * The secret of a node, derived and never stored: HMAC-SHA256(server key, node NUL version) (xmpp 5.37). Compared by
 * digests of equal length in constant time (4.47); the comparison costs the same for a node that does not exist.
 */
import { createHmac, createSecretKey, hash, timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { NodeId } from '../core/ids.ts';

export class NodeSecrets {
  readonly #key: KeyObject;

  /** @param key at least 16 bytes. */
  constructor(key: Uint8Array) {
    this.#key = createSecretKey(key);
  }

  /** 43 characters of base64url. */
  of(node: NodeId, version: number): string {
    return createHmac('sha256', this.#key).update(`${node}\0${version}`).digest('base64url');
  }

  /** 3 µs, whatever was given. */
  matches(node: NodeId, version: number, given: string): boolean {
    return timingSafeEqual(hash('sha256', this.of(node, version), 'buffer'), hash('sha256', given, 'buffer'));
  }
}
