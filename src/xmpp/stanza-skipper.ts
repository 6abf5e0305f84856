// Thread: any
/**
 * Finds the end of a stanza that is not wanted, keeping nothing of it but a depth and what construct the scan is in
 * (xmpp 8.7 to 8.9). It does not compare tag names: a million open elements cost a number.
 */

/** A position after the stanza, or one of these. */
export const skipMore = -1;
export const skipRefused = -2;

const cdataStart = '<![CDATA[';
const lessThan = 60;
const greaterThan = 62;
const slash = 47;

export class StanzaSkipper {
  #depth = 0;
  #in: 'text' | 'start' | 'end' | 'cdata' = 'text';
  #quote = '';
  /** The last character of the tag so far was a slash. */
  #slashed = false;
  /** Too short to tell what it is: put before the next text. */
  #held = '';
  #refusal: 'not-well-formed' | 'restricted-xml' = 'not-well-formed';

  /** Why the last call returned `skipRefused`. */
  get refusal(): 'not-well-formed' | 'restricted-xml' {
    return this.#refusal;
  }

  /** @param depth elements of the stanza that are open now. */
  start(depth: number): void {
    this.#depth = depth;
    this.#in = 'text';
    this.#quote = '';
    this.#slashed = false;
    this.#held = '';
  }

  /** Where the stanza ends in `text`, `skipMore` when it goes on in the next text. */
  skip(text: string, from: number): number {
    const held = this.#held.length;
    const whole = held === 0 ? text : this.#held + text;
    this.#held = '';
    let at = held === 0 ? from : 0;
    while (at >= 0 && at < whole.length) {
      if (this.#in === 'text') at = this.#text(whole, at);
      else if (this.#in === 'cdata') at = this.#cdata(whole, at);
      else {
        at = this.#tag(whole, at);
        if (at >= 0 && this.#depth === 0) return at - held;
      }
    }
    return at === skipRefused ? skipRefused : skipMore;
  }

  #text(text: string, from: number): number {
    const at = text.indexOf('<', from);
    if (at === -1) return skipMore;
    const next = text.charAt(at + 1);
    if (next === '?') return this.#refuse('restricted-xml');
    if (next === '' || (next === '!' && text.length - at < cdataStart.length)) {
      if (!cdataStart.startsWith(text.slice(at))) return this.#refuse('restricted-xml');
      this.#held = text.slice(at);
      return skipMore;
    }
    if (next === '!') {
      if (!text.startsWith(cdataStart, at)) return this.#refuse('restricted-xml');
      this.#in = 'cdata';
      return at + cdataStart.length;
    }
    this.#in = next === '/' ? 'end' : 'start';
    this.#slashed = false;
    return next === '/' ? at + 2 : at + 1;
  }

  #cdata(text: string, from: number): number {
    const end = text.indexOf(']]>', from);
    if (end === -1) {
      this.#held = text.slice(Math.max(from, text.length - 2));
      return skipMore;
    }
    this.#in = 'text';
    return end + 3;
  }

  #tag(text: string, from: number): number {
    let at = from;
    while (at < text.length) {
      if (this.#quote !== '') {
        const close = text.indexOf(this.#quote, at);
        if (close === -1) return skipMore;
        this.#quote = '';
        at = close + 1;
        continue;
      }
      const code = text.charCodeAt(at++);
      if (code === greaterThan) {
        if (this.#in === 'end') this.#depth--;
        else if (!this.#slashed) this.#depth++;
        this.#in = 'text';
        return at;
      }
      if (code === lessThan) return this.#refuse('not-well-formed');
      if (code === 34) this.#quote = '"';
      else if (code === 39) this.#quote = "'";
      this.#slashed = code === slash;
    }
    return skipMore;
  }

  #refuse(condition: 'not-well-formed' | 'restricted-xml'): number {
    this.#refusal = condition;
    return skipRefused;
  }
}
