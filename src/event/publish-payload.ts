// Thread: main
/**
 * From what is known of a message to what a push service that is not ours is told of it (XEP-0357 §7, §9; xmpp 5.49,
 * 5.50): what the configuration holds back is not in it, and what a client wants encrypted is encrypted.
 */
import { emptySummary } from '../core/notification.ts';
import { publishXml } from '../xmpp/publish-writer.ts';
import { encryptSummary } from './encrypt-summary.ts';
import type { PushConfig } from '../../config/engine-config.ts';
import type { EnabledRegistration } from '../core/enabled.ts';
import type { Summary } from '../core/notification.ts';
import type { Random } from '../core/random.ts';

type PayloadRules = Pick<PushConfig, 'content' | 'placeholder'>;

/** XML of `<pubsub/>`, complete and escaped. */
export function publishPayload(
  row: EnabledRegistration,
  summary: Summary,
  rules: PayloadRules,
  random: Random,
): string {
  const { node, options, preferences } = row;
  const told = preferences.encryptionKey === '' ? redacted(summary, rules) : sealed(row, summary, random);
  return publishXml({ node, summary: told, options, priorityWanted: preferences.priority });
}

/**
 * Services take a body for importance, whatever it says: a silent publish has none, and one that people are to see
 * always has one. A sender that is held back is left out.
 */
function redacted(summary: Summary, { content, placeholder }: PayloadRules): Summary {
  const { lastMessageSender: sender, lastMessageBody: body, priority } = summary;
  const isShown = priority !== 'low' && (priority === 'high' || body !== '');
  const lastMessageSender = content === 'none' ? '' : sender;
  const lastMessageBody = !isShown ? '' : (content === 'full' && body) || placeholder;
  if (lastMessageSender === sender && lastMessageBody === body) return summary;
  return { ...summary, lastMessageSender, lastMessageBody };
}

/** An encrypted payload is shown, unless its priority says otherwise: where that is not written, there is none. */
function sealed({ preferences }: EnabledRegistration, summary: Summary, random: Random): Summary {
  if (summary.priority === 'low' && !preferences.priority) return emptySummary;
  return encryptSummary(summary, preferences, random);
}
