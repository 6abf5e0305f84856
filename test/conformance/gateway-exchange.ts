/**
 * Random requests with their fates, from a seed: what a client is told to send, and what the gateway does with each.
 * Two implementations of the gateway port that are given the same must show the gateway the same and be told the same.
 */
import { constants } from 'node:http2';
import { limits } from '../../src/core/limits.ts';
import { seededRandom } from '../../src/core/random.ts';
import type { GatewayRequest } from '../../src/transport/gateway-session.ts';
import type { Http2Peer, PeerRequest } from './http2-peer.ts';

/** What the gateway does with a request. `refused`: the first time it comes; then it is answered. */
export type Fate =
  | { readonly kind: 'answered'; readonly status: number; readonly fields: Fields; readonly body: string }
  | { readonly kind: 'refused'; readonly always: boolean }
  | { readonly kind: 'reset'; readonly code: number }
  /** Answered, and then the connection is left: GOAWAY with the highest stream so far, or below this one. */
  | { readonly kind: 'leaving'; readonly processed: boolean };

type Fields = Readonly<Record<string, string>>;

export interface Planned {
  readonly request: GatewayRequest;
  readonly fate: Fate;
}

export function planExchange(seed: number, count: number): readonly Planned[] {
  const random = seededRandom(seed);
  const below = (max: number): number => Math.floor(random.unit() * max);
  const pick = <T>(values: readonly [T, ...T[]]): T => values[below(values.length)] ?? values[0];
  const text = (lengthMax: number): string => Array.from({ length: below(lengthMax) }, () => pick(letters)).join('');
  // The same object comes again, as callers give it; one is changed now and then, as a renewed credential is.
  const bearer = (): string => `bearer ${fieldText(text(200))}`;
  const shared: [Fields, ...Fields[]] = [{}, { authorization: bearer(), 'apns-topic': 'com.example.app' }];
  return Array.from({ length: count }, (_, tag) => {
    if (below(20) === 0)
      shared.push({ authorization: `bearer ${text(200)}`, 'apns-push-type': pick(['alert', 'voip']) });
    const fields: Record<string, string> = {};
    for (let left = below(5); left > 0; left--) fields[`x-${pick(['a', 'b', 'c', 'd'])}`] = fieldText(text(60));
    if (below(40) === 0) fields['x-raw'] = text(10); // some of them cannot be sent
    // Few are large: window and frame size are passed, and it stays fast.
    const body = text(pick([1, 200, 200, 200, 4_096, 4_096, 60_000]));
    const request = { path: `/3/device/${tag}/${encodeURIComponent(text(30))}`, shared: pick(shared), fields, body };
    return { request, fate: fateOf(below(100), { pick, text }) };
  });
}

const letters = ['a', 'Z', '0', ' ', '"', '\\', '%', '-', 'é', 'ß', '漢', '🙂', '\n'] as const;

// Field values carry no line breaks, and outside ASCII only Latin-1, without space at their ends (RFC 9110 §5.5).
function fieldText(text: string): string {
  return text.replace(/[^\x20-\xff]/gu, '~').trim();
}

interface Dice {
  readonly pick: <T>(values: readonly [T, ...T[]]) => T;
  readonly text: (lengthMax: number) => string;
}

function fateOf(percent: number, { pick, text }: Dice): Fate {
  if (percent < 5) return { kind: 'refused', always: percent === 0 };
  if (percent < 8) return { kind: 'reset', code: pick([constants.NGHTTP2_INTERNAL_ERROR, constants.NGHTTP2_CANCEL]) };
  if (percent < 11) return { kind: 'leaving', processed: percent < 9 };
  const fields = percent % 2 === 0 ? { 'apns-id': fieldText(text(36)), 'x-other': 'no' } : { 'retry-after': '7' };
  const body = text(pick([1, 100, 1_000, percent === 99 ? limits.gatewayResponseBytesMax * 3 : 20_000]));
  return { kind: 'answered', status: pick([200, 400, 403, 410, 429, 500, 503]), fields, body };
}

/** Lets the peer do with each request what is planned for it. */
export function playFates(peer: Http2Peer, plan: readonly Planned[]): void {
  const seen = new Set<number>();
  peer.answer = (request) => {
    const tag = tagOf(request.path);
    const again = seen.has(tag);
    seen.add(tag);
    const fate = plan[tag]?.fate;
    // In a turn of its own: a reset that node:http2 sends while it reads, after GOAWAY, frees what it still uses.
    if (fate !== undefined) setImmediate(() => play(request, fate, again));
  };
}

function play({ stream, session }: PeerRequest, fate: Fate, again: boolean): void {
  if (stream.destroyed) return;
  if (fate.kind === 'answered') {
    stream.respond({ ':status': fate.status, ...fate.fields });
    stream.end(fate.body);
  } else if (fate.kind === 'reset') {
    stream.close(fate.code);
  } else if (fate.kind === 'refused' && (fate.always || !again)) {
    stream.close(constants.NGHTTP2_REFUSED_STREAM);
  } else if (fate.kind === 'leaving' && !again) {
    const id = stream.id ?? 0;
    const processed = fate.processed || id === 1; // node:http2 takes 0 for the highest so far
    session.goaway(constants.NGHTTP2_NO_ERROR, processed ? id : id - 2);
    if (processed) stream.respond({ ':status': 200 }, { endStream: true });
  } else {
    stream.respond({ ':status': 201 }, { endStream: true });
  }
}

export function tagOf(path: string): number {
  return Number(path.split('/')[3]);
}
