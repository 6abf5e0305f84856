// Thread: main
/**
 * The one token that opens the API. Digests of equal length are compared, so that the time it takes tells nothing of
 * the token, not even its length. What was offered is never kept nor logged.
 */
import { createHash, timingSafeEqual } from 'node:crypto';

/** What a caller without it is asked for (RFC 9110 §11.6.1). */
export const challenge = 'Bearer realm="meerkat", Basic realm="meerkat"';

export class TokenCheck {
  readonly #digest: Buffer;

  constructor(token: string) {
    this.#digest = digestOf(token);
  }

  accepts(offered: string): boolean {
    return timingSafeEqual(digestOf(offered), this.#digest);
  }

  /** `Bearer` (RFC 6750 §2.1), or `Basic` (RFC 7617) with any user and the token as password. */
  acceptsHeader(value: string | undefined): boolean {
    const [, scheme = '', credentials = ''] = /^(bearer|basic) +([^ ]+) *$/i.exec(value ?? '') ?? [];
    if (scheme === '') return false;
    if (scheme.toLowerCase() === 'bearer') return this.accepts(credentials);
    const pair = Buffer.from(credentials, 'base64').toString('utf8');
    const colon = pair.indexOf(':');
    return colon !== -1 && this.accepts(pair.slice(colon + 1));
  }

  /** `/v1/mongooseim/TOKEN/...`, for a caller that cannot send a header field. */
  acceptsPath(url: string): boolean {
    const segment = /^\/v1\/mongooseim\/([^/?]+)/.exec(url)?.[1];
    if (segment === undefined) return false;
    try {
      return this.accepts(decodeURIComponent(segment));
    } catch {
      return false;
    }
  }
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
