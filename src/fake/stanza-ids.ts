// Thread: any
/**
 * IQ ids in the formats of the real servers (xmpp 2.1, 9.6): ejabberd's contain characters that must survive, both are
 * long. Unique by a counter, so that making one costs a concatenation.
 */
import type { Random } from '../core/random.ts';
import type { ServerProfile } from './xmpp-stream.ts';

const tails = 64;

export class StanzaIds {
  readonly #prefix: string;
  readonly #tails: readonly string[];
  #count = 0;

  constructor(profile: ServerProfile, random: Random) {
    if (profile === 'ejabberd') {
      this.#prefix = `rr-${1_795_000_000_000 + Math.floor(random.unit() * 1e9)}-`;
      this.#tails = Array.from({ length: tails }, () => `-${random.bytes(20).toString('base64')}-51684740`);
    } else {
      this.#prefix = random.bytes(24).toString('hex');
      this.#tails = [''];
    }
  }

  next(): string {
    const count = this.#count++;
    const number = count.toString(this.#tails.length === 1 ? 16 : 10).padStart(this.#tails.length === 1 ? 16 : 19, '0');
    return `${this.#prefix}${number}${this.#tails[count % this.#tails.length] ?? ''}`;
  }
}
