/** Enabled registrations for tests: one to start from. */
import { bare, node } from './registration-rows.ts';
import { noPreferences } from '../src/core/enabled.ts';
import { epochMs } from '../src/core/ids.ts';
import type { EnabledRegistration } from '../src/core/enabled.ts';
import type { EnabledChange, EnabledKey } from '../src/storage/enabled-store.ts';

export function enabledRow(name: string, over: Partial<EnabledRegistration> = {}): EnabledRegistration {
  return {
    owner: bare('anna@example.com'),
    service: bare('push.example.net'),
    node: node(name),
    options: [
      ['service', 'fcm'],
      ['device_id', `token of ${name}`],
    ],
    session: '',
    preferences: noPreferences,
    enabledAtMs: epochMs(1_760_000_000_000),
    ...over,
  };
}

export function keyOf({ owner, service, node: name }: EnabledRegistration): EnabledKey {
  return { owner, service, node: name };
}

export function put(...rows: readonly EnabledRegistration[]): readonly EnabledChange[] {
  return rows.map((row) => ({ kind: 'put', row }));
}

export function remove(...rows: readonly EnabledRegistration[]): readonly EnabledChange[] {
  return rows.map((row) => ({ kind: 'remove', key: keyOf(row) }));
}
