// Thread: any
/** What the fake XMPP server and its parent say to each other when it runs in a process of its own. Data only. */
import type { FireOptions, FireReport } from './load-run.ts';
import type { FakeServerCounters } from './xmpp-server.ts';
import type { ServerProfile } from './xmpp-stream.ts';

export interface ServerStart {
  readonly profile: ServerProfile;
  readonly domain: string;
  readonly component: string;
  readonly secret: string;
  readonly port: number;
  /** Makes the traffic reproducible. */
  readonly seed: number;
}

/** Every request has a number, and its answer the same. */
export interface Numbered<M> {
  readonly number: number;
  readonly message: M;
}

export type ToServer =
  | { readonly kind: 'start'; readonly options: ServerStart }
  /** Answered `online` once so many streams are. */
  | { readonly kind: 'await-online'; readonly count: number }
  /** Users `first` to `first + count - 1` register by command; publishes then go to all who have. */
  | { readonly kind: 'register'; readonly first: number; readonly count: number }
  /** Publishes go to made-up nodes: for engines that know them otherwise, or for none. */
  | { readonly kind: 'make-targets'; readonly count: number }
  | { readonly kind: 'fire'; readonly options: FireOptions }
  /** Of the run under way; answered `progress`. */
  | { readonly kind: 'progress' }
  /** Ends the run under way early; answered `finishing`. */
  | { readonly kind: 'finish' }
  | { readonly kind: 'report' }
  | { readonly kind: 'stop' };

export type FromServer =
  | { readonly kind: 'started'; readonly port: number }
  | { readonly kind: 'online' }
  | { readonly kind: 'registered'; readonly count: number; readonly failed: number }
  | { readonly kind: 'targets'; readonly targets: readonly { readonly node: string; readonly secret: string }[] }
  | { readonly kind: 'fired'; readonly report: FireReport }
  | { readonly kind: 'progress'; readonly report: FireReport | null }
  | { readonly kind: 'finishing' }
  | { readonly kind: 'reported'; readonly counters: FakeServerCounters }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly reason: string };
