// Thread: any
/**
 * Branded identifiers and the only functions that make them from text: parse at the edge, trust inside.
 * The only casts of the house are here.
 */
import { err, ok } from './result.ts';
import type { Result } from './result.ts';

declare const brand: unique symbol;
type Brand<T, B extends string> = T & { readonly [brand]: B };

/** A pubsub node name: 1 to 1024 bytes of UTF-8, compared byte by byte, never normalised (XEP-0060 §12.18). */
export type NodeId = Brand<string, 'NodeId'>;
/** The name of one configured provider, `[a-z0-9][a-z0-9-]*`, at most 64 characters: `apns-prod`. */
export type ProviderName = Brand<string, 'ProviderName'>;
/** Lower-case UUID of a notification; stays the same over all attempts and is sent as `apns-id`. */
export type NotificationId = Brand<string, 'NotificationId'>;
/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = Brand<number, 'EpochMs'>;
/** A prepared bare JID, or a bare domain (RFC 7622 §3.1); made by `core/jid.ts` only. */
export type BareJID = Brand<string, 'BareJID'>;
/** A prepared JID with its resource, if it has one; made by `core/jid.ts` only. */
export type FullJID = Brand<string, 'FullJID'>;

export const nodeIdBytesMax = 1024;

export function parseNodeId(text: string): Result<NodeId, 'empty' | 'too-long'> {
  if (text === '') return err('empty');
  if (text.length > nodeIdBytesMax || Buffer.byteLength(text) > nodeIdBytesMax) return err('too-long');
  return ok(text as NodeId);
}

const providerNamePattern = /^[a-z0-9][a-z0-9-]{0,63}$/;

export function parseProviderName(text: string): Result<ProviderName, 'malformed'> {
  return providerNamePattern.test(text) ? ok(text as ProviderName) : err('malformed');
}

/** For `core/random.ts`, which has made the UUID. */
export function notificationId(uuid: string): NotificationId {
  return uuid as NotificationId;
}

export function epochMs(milliseconds: number): EpochMs {
  return milliseconds as EpochMs;
}

/** For `core/jid.ts`, which has prepared `text`. */
export function preparedBareJID(text: string): BareJID {
  return text as BareJID;
}

/** For `core/jid.ts`, which has prepared `text`. */
export function preparedFullJID(text: string): FullJID {
  return text as FullJID;
}
