// Thread: main
/**
 * The rules of register-push, unregister-push and the list (xmpp 5.37, 5.43, 5.44). Pure. A registration is known by
 * owner, device, app, service and room: registering again gives the same node and secret, with the new token. What is
 * dead stays dead: the device then gets a new node (4.64).
 */
import { epochMs } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import { refused, tombstone } from './decide-node.ts';
import type { Decision } from './decide-node.ts';
import type { CommandAnswer, ListCommand, RegisterCommand, UnregisterCommand } from './commands.ts';
import type { EpochMs, NodeId } from '../core/ids.ts';
import type { Registration } from '../core/registration.ts';

export interface RegisterContext {
  /** Rows of this owner in this shard, dead ones included. */
  readonly rows: readonly Registration[];
  readonly perOwnerMax: number;
  readonly nowMs: EpochMs;
  /** Called when a new node is needed. */
  readonly newNode: () => NodeId;
  readonly secretOf: (node: NodeId, version: number) => string;
}

export function decideRegister(command: RegisterCommand, context: RegisterContext): Decision {
  const known = context.rows.find((row) => isSameDevice(row, command));
  if (known === undefined && liveCount(context.rows) >= context.perOwnerMax) return refused('quota');
  const node = known?.node ?? context.newNode();
  const secretVersion = command.withSecret ? Math.max(1, known?.secretVersion ?? 1) : 0;
  const row: Registration = {
    node,
    owner: command.owner,
    deathReason: '',
    deviceId: command.deviceId,
    app: command.app,
    deviceName: command.deviceName,
    room: command.room,
    target: {
      kind: 'device',
      service: command.service,
      token: command.token,
      voipToken: command.voipToken,
      topic: command.topic,
      mode: command.mode,
    },
    state: 'live',
    secretVersion,
    publishModel: known?.publishModel ?? 'open',
    publishers: known?.publishers ?? [],
    createdAtMs: known?.createdAtMs ?? context.nowMs,
    confirmedAtMs: context.nowMs,
    diedAtMs: epochMs(0),
  };
  const secret = secretVersion === 0 ? '' : context.secretOf(node, secretVersion);
  return { answer: { kind: 'registered', node, secret }, row };
}

export interface Unregistered {
  readonly answer: CommandAnswer;
  readonly rows: readonly Registration[];
}

/**
 * 5.43: every selector that was given must fit. Device, nodes and token select; service and room only narrow, so that a
 * command with nothing else matches nothing.
 */
export function decideUnregister(
  rows: readonly Registration[],
  command: UnregisterCommand,
  nowMs: EpochMs,
): Unregistered {
  const dead = rows.filter((row) => isSelected(row, command)).map((row) => tombstone(row, 'unregister-push', nowMs));
  if (dead.length === 0) return { answer: { kind: 'refused', refusal: 'nothing-matched' }, rows: [] };
  return { answer: { kind: 'unregistered', nodes: dead.map((row) => row.node) }, rows: dead };
}

/** Live rows, nodes made by pubsub included; without tokens even if somebody should print them. */
export function decideList(rows: readonly Registration[], command: ListCommand): CommandAnswer {
  const live = rows.filter((row) => row.state === 'live' && row.owner === command.owner);
  return {
    kind: 'listed',
    registrations: live.slice(0, limits.listMax).map(withoutToken),
    cut: live.length > limits.listMax,
  };
}

export function liveCount(rows: readonly Registration[]): number {
  let count = 0;
  for (const row of rows) if (row.state === 'live') count++;
  return count;
}

/**
 * Tombstones beyond as many as an owner may have live registrations, oldest first: an owner who registers and
 * unregisters in a loop must not fill the store. Only names of the client's choice could come back by this.
 */
export function surplusTombstones(rows: readonly Registration[], perOwnerMax: number): readonly NodeId[] {
  const dead = rows.filter((row) => row.state === 'dead');
  if (dead.length < perOwnerMax) return [];
  const oldest = dead.toSorted((one, other) => one.diedAtMs - other.diedAtMs);
  return oldest.slice(0, dead.length - perOwnerMax + 1).map((row) => row.node);
}

function isSameDevice(row: Registration, command: RegisterCommand): boolean {
  return (
    row.state === 'live' &&
    row.target.kind === 'device' &&
    row.target.service === command.service &&
    row.deviceId === command.deviceId &&
    row.app === command.app &&
    row.room === command.room &&
    row.owner === command.owner
  );
}

function isSelected(row: Registration, command: UnregisterCommand): boolean {
  const { deviceId, nodes, token, service, room } = command;
  if (row.state === 'dead' || row.target.kind !== 'device' || row.owner !== command.owner) return false;
  if (deviceId === '' && nodes.length === 0 && token === '') return false;
  if (deviceId !== '' && row.deviceId !== deviceId) return false;
  if (nodes.length > 0 && !nodes.includes(row.node)) return false;
  if (token !== '' && row.target.token !== token && row.target.voipToken !== token) return false;
  if (service !== '' && row.target.service !== service) return false;
  return room === '' || row.room === room;
}

function withoutToken(row: Registration): Registration {
  return row.target.kind === 'device' ? { ...row, target: { ...row.target, token: '', voipToken: '' } } : row;
}
