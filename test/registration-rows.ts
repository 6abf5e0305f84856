/** Rows for tests: one to start from, and branded names from plain text. */
import { epochMs, parseNodeId, preparedBareJID, preparedFullJID } from '../src/core/ids.ts';
import type { BareJID, FullJID, NodeId } from '../src/core/ids.ts';
import type { Registration, Target } from '../src/core/registration.ts';

export function node(text: string): NodeId {
  const parsed = parseNodeId(text);
  if (!parsed.ok) throw new Error(`not a node id: ${parsed.error}`);
  return parsed.value;
}

export function bare(text: string): BareJID {
  return preparedBareJID(text);
}

export function full(text: string): FullJID {
  return preparedFullJID(text);
}

export const device: Extract<Target, { readonly kind: 'device' }> = {
  kind: 'device',
  service: 'apns',
  token: 'a1'.repeat(32),
  voipToken: '',
  topic: 'com.example.app',
  mode: 'prod',
};

export function row(name: string, over: Partial<Registration> = {}): Registration {
  return {
    node: node(name),
    owner: bare('anna@example.com'),
    target: device,
    state: 'live',
    deathReason: '',
    deviceId: `device of ${name}`,
    app: '',
    deviceName: '',
    room: '',
    secretVersion: 1,
    publishModel: 'open',
    publishers: [],
    createdAtMs: epochMs(1_760_000_000_000),
    confirmedAtMs: epochMs(1_760_000_000_000),
    diedAtMs: epochMs(0),
    ...over,
  };
}
