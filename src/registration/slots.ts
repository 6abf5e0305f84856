// Thread: main
/**
 * Which shard a command belongs to: routing key → slot (0 to 255) → shard. Names of our own carry the slot of their
 * owner, so that all nodes of one owner that we named are in the owner's shard; a name of the client's choice lives
 * where its hash says. What asks for everything of an owner therefore goes to every shard.
 */
import { assert, unreachable } from '../core/assert.ts';
import { parseNodeId } from '../core/ids.ts';
import type { RegistrationCommand } from './commands.ts';
import type { NodeId } from '../core/ids.ts';
import type { Random } from '../core/random.ts';

export const slotCount = 256;

/** 128 bits, which are 22 characters of base64url (xmpp 5.29). */
const nodeRandomBytes = 16;
const nodeLength = 25;
const letterM = 0x6d;

/** FNV-1a of 32 bits over the UTF-16 units, folded to 8: its low bits alone would be parities of the text. */
export function slotOf(routingKey: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < routingKey.length; index++) {
    const unit = routingKey.charCodeAt(index);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    if (unit > 0xff) hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  return (hash ^ (hash >>> 8) ^ (hash >>> 16) ^ (hash >>> 24)) & 0xff;
}

/** A new name: `m`, the slot as two hex digits, 128 random bits. */
export function generateNode(slot: number, random: Random): NodeId {
  const name = `m${slot.toString(16).padStart(2, '0')}${random.bytes(nodeRandomBytes).toString('base64url')}`;
  const node = parseNodeId(name);
  assert(node.ok && name.length === nodeLength, 'a generated node name is well formed');
  return node.value;
}

/** The slot a name of our form carries; the hash of any other. */
export function slotOfNode(node: NodeId): number {
  if (node.length === nodeLength && node.charCodeAt(0) === letterM) {
    const high = hexValue(node.charCodeAt(1));
    const low = hexValue(node.charCodeAt(2));
    if (high !== -1 && low !== -1) return high * 16 + low;
  }
  return slotOf(node);
}

/** @param shards a power of two, 1 to 256; each owns a range of slots. */
export function shardOf(slot: number, shards: number): number {
  return (slot * shards) >>> 8;
}

/** Where the row of a node is: what resharding goes by. */
export function shardOfNode(node: NodeId, shards: number): number {
  return shardOf(slotOfNode(node), shards);
}

/** For commands that belong to one shard; see `isForAllShards`. */
export function routingSlot(command: RegistrationCommand): number {
  switch (command.kind) {
    case 'publish':
    case 'configure':
    case 'read-node':
    case 'delete-node':
    case 'affiliate':
    case 'disable':
      return slotOfNode(command.node);
    case 'create':
      return command.node === '' ? slotOf(command.owner) : slotOfNode(command.node);
    case 'register':
    case 'unregister':
    case 'list':
      return slotOf(command.owner);
    default:
      return unreachable(command);
  }
}

/** Commands about everything of one owner: each shard answers for its own rows. */
export function isForAllShards(command: RegistrationCommand): boolean {
  return command.kind === 'list' || command.kind === 'unregister';
}

/** Index of the shard; -1: all of them, and their answers are to be merged. */
export function shardOfCommand(command: RegistrationCommand, shards: number): number {
  return isForAllShards(command) ? -1 : shardOf(routingSlot(command), shards);
}

function hexValue(unit: number): number {
  if (unit >= 0x30 && unit <= 0x39) return unit - 0x30;
  return unit >= 0x61 && unit <= 0x66 ? unit - 0x57 : -1;
}
