// Thread: any
/**
 * What is said between gateways-process.ts and gateways-main.ts over the IPC channel of a forked process. Both ends are
 * of one version, so the checks look at what tells messages apart and no further.
 */
import { isObject } from './apns-token.ts';
import type {
  GatewayCounts,
  GatewayName,
  GatewaySetAccess,
  GatewaySetOptions,
  ReceivedSummary,
} from './gateway-set.ts';
import type { ScriptChange } from './gateway-script.ts';

/** Every ask is answered once, by the same `id`. */
export type GatewaysAsk =
  | { readonly id: number; readonly kind: 'start'; readonly options: GatewaySetOptions; readonly seed: number }
  | { readonly id: number; readonly kind: 'counts' }
  | { readonly id: number; readonly kind: 'recent'; readonly name: GatewayName; readonly countMax: number }
  | { readonly id: number; readonly kind: 'script'; readonly name: GatewayName; readonly change: ScriptChange }
  | { readonly id: number; readonly kind: 'unregister'; readonly name: GatewayName; readonly token: string }
  | { readonly id: number; readonly kind: 'stop' };

export type GatewaysReply =
  | { readonly id: number; readonly kind: 'started'; readonly access: GatewaySetAccess }
  | { readonly id: number; readonly kind: 'counts'; readonly counts: GatewayCounts }
  | { readonly id: number; readonly kind: 'recent'; readonly recent: readonly ReceivedSummary[] }
  | { readonly id: number; readonly kind: 'done' }
  | { readonly id: number; readonly kind: 'failed'; readonly reason: string };

const askKinds: readonly unknown[] = ['start', 'counts', 'recent', 'script', 'unregister', 'stop'];
const replyKinds: readonly unknown[] = ['started', 'counts', 'recent', 'done', 'failed'];

export function isGatewaysAsk(message: unknown): message is GatewaysAsk {
  return isObject(message) && typeof message['id'] === 'number' && askKinds.includes(message['kind']);
}

export function isGatewaysReply(message: unknown): message is GatewaysReply {
  return isObject(message) && typeof message['id'] === 'number' && replyKinds.includes(message['kind']);
}
