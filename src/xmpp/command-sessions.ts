// Thread: any
/**
 * Sessions of ad-hoc commands (XEP-0050 §3.3; xmpp 5.39) that are kept nowhere: the id carries when it was given out
 * and to whom, and is signed. Any process with the same key accepts it, nothing is held for clients that never come
 * back, and there is nothing to exhaust. The price: a finished session can be used again until it expires, which is
 * harmless because every command of ours may be repeated.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { assert } from '../core/assert.ts';
import type { Clock } from '../core/clock.ts';
import { limits } from '../core/limits.ts';
import type { Random } from '../core/random.ts';

export interface CommandSessionsOptions {
  /** At least 16 bytes, the same in all processes that share a component domain. */
  readonly key: Buffer;
  readonly clock: Clock;
  readonly random: Random;
}

/** `expired` also stands for a session of somebody else or of another command; `bad`: never given out. */
export type SessionCheck = 'valid' | 'expired' | 'bad';

// Layout, bytes: issued at (6, ms) | chance (10) | whose (8) | signature (16).
const wholeBytes = 40;
const whoseAt = 16;
const signatureAt = 24;
const idPattern = /^[A-Za-z0-9_-]{54}$/;

export class CommandSessions {
  readonly #options: CommandSessionsOptions;

  constructor(options: CommandSessionsOptions) {
    assert(options.key.length >= 16, `command sessions: a key of at least 16 bytes, not ${options.key.length}`);
    this.#options = options;
  }

  /** @param fullJID the requester. @param node of the command. */
  open(fullJID: string, node: string): string {
    const { clock, random } = this.#options;
    const id = Buffer.alloc(wholeBytes);
    id.writeUIntBE(clock.now(), 0, 6);
    random.bytes(whoseAt - 6).copy(id, 6);
    this.#whose(fullJID, node).copy(id, whoseAt);
    this.#signature(id).copy(id, signatureAt);
    return id.toString('base64url');
  }

  check(sessionId: string, fullJID: string, node: string): SessionCheck {
    if (!idPattern.test(sessionId)) return 'bad';
    const id = Buffer.from(sessionId, 'base64url');
    if (id.length !== wholeBytes || !timingSafeEqual(id.subarray(signatureAt), this.#signature(id))) return 'bad';
    if (!timingSafeEqual(id.subarray(whoseAt, signatureAt), this.#whose(fullJID, node))) return 'expired';
    const ageMs = this.#options.clock.now() - id.readUIntBE(0, 6);
    return ageMs >= 0 && ageMs <= limits.commandSessionMs ? 'valid' : 'expired';
  }

  #whose(fullJID: string, node: string): Buffer {
    // Neither a JID nor a command of ours contains NUL, so the two cannot run into each other.
    const hmac = createHmac('sha256', this.#options.key).update(`whose\0${fullJID}\0${node}`);
    return hmac.digest().subarray(0, signatureAt - whoseAt);
  }

  #signature(id: Buffer): Buffer {
    const hmac = createHmac('sha256', this.#options.key).update('session\0').update(id.subarray(0, signatureAt));
    return hmac.digest().subarray(0, wholeBytes - signatureAt);
  }
}
