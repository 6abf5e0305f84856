// Thread: main
/**
 * One registration of a push node as columns: what is looked for in columns of its own, the rest as JSON that people
 * can read. Reading trusts nothing: a row that does not fit is `undefined`.
 */
import { epochMs, parseNodeId, preparedBareJID } from '../../core/ids.ts';
import { limits } from '../../core/limits.ts';
import { isObject, isTexts, numberOf, parsedObject } from './json-columns.ts';
import type { EpochMs } from '../../core/ids.ts';
import type { Registration, Target } from '../../core/registration.ts';

/** `node`, `slot`, `owner`, `state`, `created_at_ms` and `record` of the table `meerkat_registration`. */
export type RegistrationColumns = readonly [
  node: string,
  slot: number,
  owner: string,
  state: Registration['state'],
  createdAtMs: number,
  record: string,
];

/** @param slot of the node: where its row belongs, however many shards there are. */
export function encodeRow(row: Registration, slot: number): RegistrationColumns {
  const { node, owner, state, createdAtMs, target, ...rest } = row;
  const kept = target.kind === 'device' ? { target, ...rest } : rest;
  return [node, slot, owner, state, createdAtMs, JSON.stringify(kept)];
}

/** @param columns node, owner, state, created_at_ms, record */
export function decodeRow([nodeText, owner, state, createdAt, json]: readonly unknown[]): Registration | undefined {
  if (typeof nodeText !== 'string' || typeof owner !== 'string' || owner === '') return undefined;
  if ((state !== 'live' && state !== 'dead') || typeof json !== 'string') return undefined;
  const node = parseNodeId(nodeText);
  const record = parsedObject(json);
  const target = record === undefined ? undefined : targetOf(record['target']);
  if (!node.ok || record === undefined || target === undefined) return undefined;
  const { deathReason, deviceId, app, deviceName, room, publishModel, publishers } = record;
  if (typeof deathReason !== 'string' || typeof deviceId !== 'string' || typeof app !== 'string') return undefined;
  if (typeof deviceName !== 'string' || typeof room !== 'string') return undefined;
  if (publishModel !== 'open' && publishModel !== 'publishers') return undefined;
  if (!isTexts(publishers) || publishers.length > limits.publishersMax) return undefined;
  const secretVersion = numberOf(record['secretVersion']);
  const createdAtMs = timeOf(createdAt);
  const confirmedAtMs = timeOf(record['confirmedAtMs']);
  const diedAtMs = timeOf(record['diedAtMs']);
  if (secretVersion === undefined || createdAtMs === undefined) return undefined;
  if (confirmedAtMs === undefined || diedAtMs === undefined) return undefined;
  return {
    node: node.value,
    owner: preparedBareJID(owner),
    target,
    state,
    deathReason,
    deviceId,
    app,
    deviceName,
    room,
    secretVersion,
    publishModel,
    publishers,
    createdAtMs,
    confirmedAtMs,
    diedAtMs,
  };
}

const carried: Target = Object.freeze({ kind: 'publish-options' });

function targetOf(raw: unknown): Target | undefined {
  if (raw === undefined) return carried;
  if (!isObject(raw)) return undefined;
  const { service, token, voipToken, topic, mode } = raw;
  if (service !== 'apns' && service !== 'fcm') return undefined;
  if (mode !== '' && mode !== 'prod' && mode !== 'dev') return undefined;
  if (typeof token !== 'string' || typeof voipToken !== 'string' || typeof topic !== 'string') return undefined;
  return { kind: 'device', service, token, voipToken, topic, mode };
}

function timeOf(value: unknown): EpochMs | undefined {
  const time = numberOf(value);
  return time === undefined || time < 0 ? undefined : epochMs(time);
}
