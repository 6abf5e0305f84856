// Thread: main
/**
 * A summary that only the phone can read, for clients that gave a key (Tigase tigase:push:encrypt:0 §4.4; xmpp 5.50):
 * JSON in AES-128-GCM, the 16 bytes of the tag at its end. What `content` would hold back is in it: the push service
 * sees nothing of it.
 */
import { createCipheriv } from 'node:crypto';
import { bareOf, resourceOf } from '../core/jid.ts';
import { limits } from '../core/limits.ts';
import { emptySummary } from '../core/notification.ts';
import { truncateUtf8 } from '../core/utf8.ts';
import type { PushPreferences } from '../core/enabled.ts';
import type { Summary } from '../core/notification.ts';
import type { Random } from '../core/random.ts';

const keyBytes = 16;
const ivBytes = 12;
const tagBytes = 16;

/**
 * @param preferences with an `encryptionKey`.
 * @returns a summary with the encrypted payload and the priority alone. Where that cannot be (an unusable key, a limit
 *   that is too small for a sender) nothing but the priority: the phone wakes up, and nobody reads anything.
 */
export function encryptSummary(summary: Summary, preferences: PushPreferences, random: Random): Summary {
  const { priority } = summary;
  const key = Buffer.from(preferences.encryptionKey, 'base64');
  const json = jsonOf(summary, jsonBytesMax(preferences.encryptedBytesMax));
  if (key.length !== keyBytes || json === '') return { ...emptySummary, priority };
  const iv = random.bytes(ivBytes);
  const cipher = createCipheriv('aes-128-gcm', key, iv);
  const encrypted = Buffer.concat([cipher.update(json, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return {
    ...emptySummary,
    priority,
    encrypted: encrypted.toString('base64'),
    encryptedIv: iv.toString('base64'),
    encryptedType: isCall(summary) ? 'voip' : '',
  };
}

/** The limit is that of the text on the wire: base64, with the tag. Gateways have one as well. */
function jsonBytesMax(encryptedBytesMax: number): number {
  const textBytes = encryptedBytesMax === 0 ? limits.encryptedBytesDefault : encryptedBytesMax;
  return Math.floor(Math.min(textBytes, limits.fieldBytesMax) / 4) * 3 - tagBytes;
}

/** Of the events of a call only this one may ring: iOS ends an app whose VoIP push is no call. */
function isCall({ jingleMessage }: Summary): boolean {
  return jingleMessage === 'propose';
}

/** `''`: longer than that many bytes even without a message. */
function jsonOf(summary: Summary, bytesMax: number): string {
  const message = isCall(summary) ? '' : summary.lastMessageBody;
  const whole = jsonWith(summary, message);
  const excess = Buffer.byteLength(whole) - bytesMax;
  if (excess <= 0) return whole;
  // Escaped, no character is shorter than it was: as many bytes less of the message are as many less of all, or more.
  const cut = jsonWith(summary, truncateUtf8(message, Math.max(0, Buffer.byteLength(message) - excess)));
  return Buffer.byteLength(cut) <= bytesMax ? cut : '';
}

function jsonWith(summary: Summary, message: string): string {
  const { messageCount, lastMessageSender, jingleSessionId, kind } = summary;
  const nickname = resourceOf(lastMessageSender);
  return JSON.stringify({
    unread: messageCount < 0 ? 1 : messageCount,
    ...(lastMessageSender === '' ? {} : { sender: bareOf(lastMessageSender) }),
    type: isCall(summary) ? 'call' : kind === 'group' || nickname !== '' ? 'groupchat' : 'chat',
    ...(message === '' ? {} : { message }),
    ...(nickname === '' ? {} : { nickname }),
    ...(isCall(summary) ? { sid: jingleSessionId } : {}),
  });
}
