// Thread: main
/**
 * May this publisher push to this node (xmpp 4.46 to 4.49), and to which device? Pure. Unknown node, dead node, wrong
 * secret and wrong publisher are one refusal, and cost the same: whoever guesses learns nothing.
 */
import { buildNotification } from '../notification/build-notification.ts';
import { carriedDevice } from '../notification/carried-device.ts';
import type { PublishCommand, Refusal } from './commands.ts';
import type { NodeSecrets } from './node-secret.ts';
import type { EpochMs } from '../core/ids.ts';
import type { Notification } from '../core/notification.ts';
import type { Random } from '../core/random.ts';
import type { Registration } from '../core/registration.ts';
import type { NotificationRules } from '../notification/build-notification.ts';
import type { Templates } from '../notification/templates.ts';

export interface PublishContext {
  readonly secrets: NodeSecrets;
  readonly rules: NotificationRules;
  readonly templates: Templates | undefined;
  readonly random: Random;
}

/** The notification to send, or why not. No object is made for the decision itself: this is the hot path. */
export function decidePublish(
  row: Registration | undefined,
  command: PublishCommand,
  context: PublishContext,
  nowMs: EpochMs,
): Notification | Extract<Refusal, 'unknown-node' | 'precondition'> {
  if (!mayPublish(row, command, context.secrets)) return 'unknown-node';
  const { options } = command;
  // The one access model a push node has (4.6, 4.57).
  if (options.accessModel !== '' && options.accessModel !== 'whitelist') return 'precondition';
  const { target, app } = row;
  const device = target.kind === 'device' ? target : carriedDevice(options);
  if (device === undefined) return 'precondition';
  const { node, summary } = command;
  const isCarried = target.kind === 'publish-options';
  const { rules, templates, random } = context;
  return buildNotification({ node, isCarried, app, device, summary, options, rules, templates, random, nowMs });
}

function mayPublish(
  row: Registration | undefined,
  { node, from, options }: PublishCommand,
  secrets: NodeSecrets,
): row is Registration {
  // First, and without looking at the row: a guess at a node that does not exist takes as long.
  const isSecretRight = options.secret !== '' && secrets.matches(node, row?.secretVersion ?? 1, options.secret);
  if (row === undefined || row.state === 'dead') return false;
  return row.secretVersion > 0 ? isSecretRight : isPublisher(row, from);
}

/**
 * 4.48, 5.4: a server publishes as its domain, or as the user's or a room's bare JID, which no client can send as. A
 * full JID is some client, and needs a secret. `open` trusts the domains of the owner, of the room and of the list as
 * a whole; `publishers` trusts exactly who is named.
 */
function isPublisher(row: Registration, from: string): boolean {
  if (from.includes('/')) return false;
  const ownerDomain = domainOf(row.owner);
  if (from === ownerDomain || from === row.owner) return true;
  if (row.publishers.includes(from)) return true;
  const domain = domainOf(from);
  if (row.room !== '' && (from === row.room || from === domainOf(row.room))) return true;
  if (row.publishModel === 'publishers') return false;
  return domain === ownerDomain || row.publishers.includes(domain);
}

/** A bare JID's domain, or the domain itself. */
function domainOf(bare: string): string {
  return bare.slice(bare.indexOf('@') + 1);
}
