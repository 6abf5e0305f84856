// Thread: main
/**
 * The rules of push nodes that are not about publishing: create, configure, read, delete, affiliate (XEP-0060 §8, xmpp
 * 4.A to 4.D), and the end of a node whose token is dead. Pure: what is stored and asked goes in, the answer and the
 * changed row come out. A stranger is told what he is told about a node that does not exist, unless errors are strict.
 */
import { epochMs } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import { unavailable, unregistered } from '../core/outcome.ts';
import type {
  AffiliateCommand,
  CommandAnswer,
  ConfigureCommand,
  CreateCommand,
  DeleteNodeCommand,
  DisableCommand,
  ReadNodeCommand,
  Refusal,
} from './commands.ts';
import type { EpochMs, NodeId } from '../core/ids.ts';
import type { Registration } from '../core/registration.ts';

export interface Decision {
  readonly answer: CommandAnswer;
  /** The row to write before the answer leaves; `undefined`: nothing changes. */
  readonly row: Registration | undefined;
}

export interface NodeRules {
  readonly strictErrors: boolean;
  /** Live registrations of one owner in one shard. */
  readonly perOwnerMax: number;
}

const done: Decision = { answer: { kind: 'done' }, row: undefined };

export function refused(refusal: Refusal): Decision {
  return { answer: { kind: 'refused', refusal }, row: undefined };
}

export interface CreateContext {
  /** The name the node gets: the client's, or one of ours. */
  readonly node: NodeId;
  /** The row that has this name already. */
  readonly existing: Registration | undefined;
  readonly liveOfOwner: number;
  readonly rules: NodeRules;
  readonly nowMs: EpochMs;
}

/** 4.1 to 4.7. The name of a dead node is not given out again (XEP-0060 §8.4), not even to its owner. */
export function decideCreate(command: CreateCommand, context: CreateContext): Decision {
  const { node, existing, nowMs } = context;
  if (existing !== undefined) return refused('conflict');
  if (context.liveOfOwner >= context.rules.perOwnerMax) return refused('quota');
  const row: Registration = {
    node,
    owner: command.owner,
    deathReason: '',
    deviceId: '',
    app: '',
    deviceName: '',
    room: '',
    target: { kind: 'publish-options' },
    state: 'live',
    secretVersion: 0,
    publishModel: command.publishModel,
    publishers: [],
    createdAtMs: nowMs,
    confirmedAtMs: nowMs,
    diedAtMs: epochMs(0),
  };
  return { answer: { kind: 'created', node }, row };
}

/** 4.11: a field that was not sent stays. */
export function decideConfigure(row: Registration | undefined, command: ConfigureCommand, rules: NodeRules): Decision {
  const own = ownNode(row, command.owner, rules);
  if (own.row === undefined) return refused(own.refusal);
  const { publishModel } = command;
  if (publishModel === '' || publishModel === own.row.publishModel) return done;
  return { answer: { kind: 'done' }, row: { ...own.row, publishModel } };
}

export function decideReadNode(row: Registration | undefined, command: ReadNodeCommand, rules: NodeRules): Decision {
  const own = ownNode(row, command.owner, rules);
  if (own.row === undefined) return refused(own.refusal);
  return { answer: { kind: 'node', registration: own.row }, row: undefined };
}

/** 4.20 */
export function decideDeleteNode(
  row: Registration | undefined,
  command: DeleteNodeCommand,
  rules: NodeRules,
  nowMs: EpochMs,
): Decision {
  const own = ownNode(row, command.owner, rules);
  if (own.row === undefined) return refused(own.refusal);
  return { answer: { kind: 'done' }, row: tombstone(own.row, 'deleted', nowMs) };
}

/** 4.31: only `publish-only` comes and goes; the owner stays the owner. */
export function decideAffiliate(row: Registration | undefined, command: AffiliateCommand, rules: NodeRules): Decision {
  const own = ownNode(row, command.owner, rules);
  if (own.row === undefined) return refused(own.refusal);
  if (command.revoke.includes(own.row.owner)) return refused('last-owner');
  const publishers = new Set(own.row.publishers);
  for (const jid of command.revoke) publishers.delete(jid);
  for (const jid of command.grant) if (jid !== own.row.owner) publishers.add(jid);
  if (publishers.size > limits.publishersMax) return refused('quota');
  const changed = [...publishers];
  if (isSameList(changed, own.row.publishers)) return done;
  return { answer: { kind: 'done' }, row: { ...own.row, publishers: changed } };
}

/**
 * A gateway says that a token is dead. The publisher hears so only if the registration has ended: servers delete theirs
 * on that word, and one that has another token meanwhile, or confirmed this one after it died, lives on. A node whose
 * token travels with each publish stays, but its publisher sent the dead token and is told.
 */
export function decideDisable(row: Registration | undefined, command: DisableCommand, nowMs: EpochMs): Decision {
  const { token, reason, sinceMs } = command;
  const dead: CommandAnswer = { kind: 'published', outcome: unregistered(reason, sinceMs) };
  if (row === undefined || row.state === 'dead' || row.target.kind !== 'device')
    return { answer: dead, row: undefined };
  if (token === '' || (sinceMs > 0 && row.confirmedAtMs > sinceMs)) return livesOn;
  if (row.target.token === token) return { answer: dead, row: tombstone(row, reason, nowMs) };
  // Calls go the ordinary way from now on: the device itself is alive.
  if (row.target.voipToken === token) return { ...livesOn, row: { ...row, target: { ...row.target, voipToken: '' } } };
  return livesOn;
}

const livesOn: Decision = {
  answer: { kind: 'published', outcome: unavailable('no', 'the registration has another token') },
  row: undefined,
};

/** What stays of a dead registration is its name and why it died: nothing that identifies a device. */
export function tombstone(row: Registration, reason: string, nowMs: EpochMs): Registration {
  const target: Registration['target'] =
    row.target.kind === 'device' ? { ...row.target, token: '', voipToken: '' } : row.target;
  const deathReason = reason.slice(0, deathReasonMax);
  return { ...row, target, state: 'dead', deathReason, deviceName: '', publishers: [], diedAtMs: nowMs };
}

// A gateway's reason is a word; whatever it sends, a tombstone stays small.
const deathReasonMax = 128;

type Own =
  | { readonly row: Registration }
  | { readonly row: undefined; readonly refusal: Extract<Refusal, 'unknown-node' | 'not-owner'> };

/** 4.12 */
function ownNode(row: Registration | undefined, owner: string, rules: NodeRules): Own {
  if (row === undefined || row.state === 'dead') return { row: undefined, refusal: 'unknown-node' };
  if (row.owner === owner) return { row };
  return { row: undefined, refusal: rules.strictErrors ? 'not-owner' : 'unknown-node' };
}

function isSameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((text, index) => text === other[index]);
}
