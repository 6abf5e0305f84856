// Thread: any
/**
 * What a fake gateway is told to do wrong, and when. All fakes obey the same script; it is plain data, so that it can
 * be changed at run time from another process. Share decisions come from a seeded `Random`: a run can be repeated.
 */
import { unreachable } from '../core/assert.ts';
import type { Random } from '../core/random.ts';

/** What happens to one request. */
export type Behaviour =
  /** The gateway's own rules decide. */
  | { readonly kind: 'accept' }
  /** A request that the rules would accept is rejected. `fields`: response fields such as `retry-after`. */
  | {
      readonly kind: 'reject';
      readonly status: number;
      readonly reason: string;
      readonly fields?: Readonly<Record<string, string>>;
    }
  /** Taken and answered as usual, but only after this long; 0 = never. */
  | { readonly kind: 'stall'; readonly answerAfterMs: number }
  /**
   * GOAWAY on the connection of this request. `last`: is this request below the last stream id (it is processed) or
   * above it (it is not)? `open`: what becomes of the streams at or below the last stream id.
   */
  | {
      readonly kind: 'goaway';
      readonly code: number;
      readonly debug: string;
      readonly last: 'this' | 'before';
      readonly open: 'finish' | 'drop';
    }
  /** RST_STREAM REFUSED_STREAM; on HTTP/1.1 the connection is closed. */
  | { readonly kind: 'refuse-stream' }
  /** The connection is cut. `read`: the request was taken (and is recorded) before that. */
  | { readonly kind: 'drop'; readonly request: 'unread' | 'read' }
  /** These bytes as the response, whatever the rules say. */
  | {
      readonly kind: 'malformed';
      readonly status: number;
      readonly body: string;
      readonly fields?: Readonly<Record<string, string>>;
    };

export type ScriptChange =
  /** For every request that nothing below is said about. */
  | { readonly kind: 'all'; readonly behaviour: Behaviour }
  /** For the next `count` requests; changes of this kind queue up. */
  | { readonly kind: 'next'; readonly count: number; readonly behaviour: Behaviour }
  /** For requests to this device token; `accept` forgets it. */
  | { readonly kind: 'token'; readonly token: string; readonly behaviour: Behaviour }
  /** For this share of the requests, 0 to 1. */
  | { readonly kind: 'share'; readonly share: number; readonly behaviour: Behaviour }
  /** Connections without open requests are closed after this long; 0 = never. */
  | { readonly kind: 'idle'; readonly closeAfterMs: number }
  /** New MAX_CONCURRENT_STREAMS, on open connections and new ones. */
  | { readonly kind: 'streams'; readonly max: number }
  /** GOAWAY on every connection now. */
  | { readonly kind: 'goaway'; readonly code: number; readonly debug: string; readonly open: 'finish' | 'drop' }
  | { readonly kind: 'drop-connections' }
  /** Open connections stay open and fall silent, as behind a NAT that forgot them: not even a PING is answered. */
  | { readonly kind: 'mute-connections' }
  /** Back to the gateway's own rules; open connections stay. */
  | { readonly kind: 'reset' };

export type ConnectionChange = Extract<
  ScriptChange,
  { kind: 'streams' | 'goaway' | 'drop-connections' | 'mute-connections' }
>;

const accept: Behaviour = { kind: 'accept' };

/** Scripted tokens and queued behaviours: more than any test or demo needs; past it a change is refused. */
const scriptEntriesMax = 100_000;

export class GatewayScript {
  readonly #random: Random;
  readonly #tokens = new Map<string, Behaviour>();
  readonly #next: { left: number; behaviour: Behaviour }[] = [];
  #all: Behaviour = accept;
  #share = 0;
  #shared: Behaviour = accept;
  #idleCloseMs = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** 0 = idle connections stay. */
  get idleCloseMs(): number {
    return this.#idleCloseMs;
  }

  /** Takes a change; those that concern connections are returned for the listener to carry out. */
  apply(change: ScriptChange): ConnectionChange | undefined {
    switch (change.kind) {
      case 'all':
        this.#all = change.behaviour;
        return undefined;
      case 'next':
        this.#checkRoom();
        if (change.count > 0) this.#next.push({ left: change.count, behaviour: change.behaviour });
        return undefined;
      case 'token':
        this.#checkRoom();
        if (change.behaviour.kind === 'accept') this.#tokens.delete(change.token);
        else this.#tokens.set(change.token, change.behaviour);
        return undefined;
      case 'share':
        this.#share = change.share;
        this.#shared = change.behaviour;
        return undefined;
      case 'idle':
        this.#idleCloseMs = change.closeAfterMs;
        return undefined;
      case 'reset':
        this.#reset();
        return undefined;
      case 'streams':
      case 'goaway':
      case 'drop-connections':
      case 'mute-connections':
        return change;
      default:
        return unreachable(change);
    }
  }

  /** Decides for one request: its token first, then what is queued, then chance, then the rule for all. */
  behaviourFor(token: string): Behaviour {
    const own = this.#tokens.get(token);
    if (own !== undefined) return own;
    const queued = this.#next[0];
    if (queued !== undefined) {
      queued.left--;
      if (queued.left === 0) this.#next.shift();
      return queued.behaviour;
    }
    if (this.#share > 0 && this.#random.unit() < this.#share) return this.#shared;
    return this.#all;
  }

  #reset(): void {
    this.#tokens.clear();
    this.#next.length = 0;
    this.#all = accept;
    this.#share = 0;
    this.#shared = accept;
    this.#idleCloseMs = 0;
  }

  #checkRoom(): void {
    if (this.#tokens.size + this.#next.length >= scriptEntriesMax) {
      throw new RangeError(`a gateway script holds at most ${scriptEntriesMax} entries; reset it`);
    }
  }
}
