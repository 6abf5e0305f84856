// Thread: any
/**
 * One row of the store: who may be pushed, where to, and who may ask for it.
 */
import type { BareJID, EpochMs, NodeId } from './ids.ts';

/** The gateways a device token can belong to. MongoosePush is not one: it carries tokens of both. */
export type Service = 'apns' | 'fcm';

export const services: readonly Service[] = ['apns', 'fcm'];

/** Which environment issued the token. `''`: not said; the provider's own mode decides. */
export type Mode = 'prod' | 'dev' | '';

export type Target =
  | {
      /** A device that was registered with us (register-push). */
      readonly kind: 'device';
      readonly service: Service;
      /** Device token; Apple's in lower-case hex. Secret: logs show its hash. */
      readonly token: string;
      /** A second token for calls (Apple's PushKit), `''` if none. */
      readonly voipToken: string;
      /** APNs topic, or the app a provider serves; `''` = the provider's default. */
      readonly topic: string;
      readonly mode: Mode;
    }
  /** The device travels in the publish-options of every publish (MongooseIM's shipped model). */
  | { readonly kind: 'publish-options' };

export interface Registration {
  /** Unique over all shards. */
  readonly node: NodeId;
  readonly owner: BareJID;
  readonly target: Target;
  /** `dead`: a tombstone; the node answers item-not-found and its name is not given out again (XEP-0060 §8.4). */
  readonly state: 'live' | 'dead';
  /** Why it is dead, `''` while live: `deleted`, `unregister-push`, or the gateway's reason. */
  readonly deathReason: string;
  /** The client's own name for the device, which makes register-push idempotent; `''` for nodes made by pubsub. */
  readonly deviceId: string;
  /** The app the client named (`app`, `pushModule`, ...), `''` if none. */
  readonly app: string;
  /** For people: "Anna's phone"; `''` if none. */
  readonly deviceName: string;
  /** The room this registration is for (a client registers once for each room), `''` if none. */
  readonly room: string;
  /** 0: no secret needed. Otherwise the version the secret is derived from: HMAC(server key, node, version). */
  readonly secretVersion: number;
  /** `open`: any publisher of an allowed domain; `publishers`: only those of the list below. */
  readonly publishModel: 'open' | 'publishers';
  /** Domains or bare JIDs that hold `publish-only`, besides the owner's own domain and bare JID. */
  readonly publishers: readonly string[];
  readonly createdAtMs: EpochMs;
  /** When the token was last given or confirmed by the client: compared with `sinceMs` of an `unregistered` outcome. */
  readonly confirmedAtMs: EpochMs;
  /** When it died; 0 while live. */
  readonly diedAtMs: EpochMs;
}
