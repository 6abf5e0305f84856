// Thread: main
/**
 * What clients of Tigase ask for inside `<enable/>`, besides the form (xmpp 5.50). Of an element that comes twice the
 * first counts, of a room that is named twice the last. What cannot be read is refused, not ignored: a client that
 * thinks a conversation muted, or its pushes encrypted, must not be wrong.
 */
import { noPreferences } from '../core/enabled.ts';
import { bareJID } from '../core/jid.ts';
import { limits } from '../core/limits.ts';
import { err, ok } from '../core/result.ts';
import { fitsField } from './data-form.ts';
import { ns } from './namespaces.ts';
import { stanzaErrors, withText } from './stanza-errors.ts';
import { attribute, childOf, childrenOf, textOf } from './xml.ts';
import type { PushPreferences, RoomPreference } from '../core/enabled.ts';
import type { BareJID } from '../core/ids.ts';
import type { Result } from '../core/result.ts';
import type { StanzaError } from './stanza-errors.ts';
import type { XmlElement } from './xml.ts';

/** What the account's disco#info lists beside XEP-0357's own feature, because we keep to it (xmpp 3.12). */
export const preferenceFeatures: readonly string[] = [
  ns.tigaseAway,
  ns.tigaseEncrypt,
  'tigase:push:encrypt:aes-128-gcm',
  ns.tigaseGroupchat,
  ns.tigaseIgnoreUnknown,
  ns.tigaseMuted,
  ns.tigaseJingle,
  ns.tigasePriority,
];

type Read<T> = Result<T, StanzaError>;

/** `noPreferences` itself where nothing is asked for. `<jingle/>` changes nothing: calls push anyway. */
export function readPreferences(enable: XmlElement): Read<PushPreferences> {
  const encryption = readEncryption(childOf(enable, 'encrypt', ns.tigaseEncrypt));
  if (!encryption.ok) return encryption;
  const muted = readMuted(childOf(enable, 'muted', ns.tigaseMuted));
  if (!muted.ok) return muted;
  const rooms = readRooms(childOf(enable, 'groupchat', ns.tigaseGroupchat));
  if (!rooms.ok) return rooms;
  const away = attribute(enable, 'away');
  const preferences: PushPreferences = {
    priority: childOf(enable, 'priority', ns.tigasePriority) !== undefined,
    away: away === 'true' || away === '1',
    ignoreUnknown: childOf(enable, 'ignore-unknown', ns.tigaseIgnoreUnknown) !== undefined,
    muted: muted.value,
    rooms: rooms.value,
    ...encryption.value,
  };
  return ok(isNothing(preferences) ? noPreferences : preferences);
}

function isNothing({ priority, away, ignoreUnknown, muted, rooms, encryptionKey }: PushPreferences): boolean {
  return !priority && !away && !ignoreUnknown && muted.length === 0 && rooms.length === 0 && encryptionKey === '';
}

type Encryption = Pick<PushPreferences, 'encryptionKey' | 'encryptedBytesMax'>;

const noEncryption: Encryption = { encryptionKey: '', encryptedBytesMax: 0 };
const base64OfKey = /^[A-Za-z0-9+/]{22}==$/;
const size = /^[0-9]{1,9}$/;

function readEncryption(encrypt: XmlElement | undefined): Read<Encryption> {
  if (encrypt === undefined) return ok(noEncryption);
  if (attribute(encrypt, 'alg') !== 'aes-128-gcm') {
    return err(withText(stanzaErrors.unsupportedEncryption, "the attribute 'alg' of <encrypt/> must be 'aes-128-gcm'"));
  }
  const key = textOf(encrypt).trim();
  if (!base64OfKey.test(key)) return bad('<encrypt/> must hold 16 bytes in base64');
  const max = attribute(encrypt, 'max-size') ?? '0';
  if (!size.test(max)) return bad("the attribute 'max-size' of <encrypt/> must be a number of bytes");
  return ok({ encryptionKey: key, encryptedBytesMax: Number(max) });
}

const nobody: readonly BareJID[] = Object.freeze([]);

function readMuted(muted: XmlElement | undefined): Read<readonly BareJID[]> {
  if (muted === undefined) return ok(nobody);
  const jids = new Set<BareJID>();
  for (const item of childrenOf(muted, 'item', ns.tigaseMuted)) {
    const jid = bareJID(attribute(item, 'jid') ?? '');
    if (!jid.ok) return bad("the attribute 'jid' of an <item/> in <muted/> is not a JID");
    jids.add(jid.value);
  }
  if (jids.size > limits.mutedMax) return bad(`<muted/> has more than ${limits.mutedMax} items`);
  return ok([...jids]);
}

const noRooms: readonly RoomPreference[] = Object.freeze([]);

function readRooms(groupchat: XmlElement | undefined): Read<readonly RoomPreference[]> {
  if (groupchat === undefined) return ok(noRooms);
  const rooms = new Map<BareJID, RoomPreference>();
  for (const element of childrenOf(groupchat, 'room', ns.tigaseGroupchat)) {
    const jid = bareJID(attribute(element, 'jid') ?? '');
    if (!jid.ok) return bad("the attribute 'jid' of a <room/> in <groupchat/> is not a JID");
    const allow = attribute(element, 'allow');
    if (allow !== 'always' && allow !== 'mentioned' && allow !== 'never') {
      return bad("the attribute 'allow' of a <room/> must be 'always', 'mentioned' or 'never'");
    }
    const nick = attribute(element, 'nick') ?? '';
    if (!fitsField(nick, limits.jidPartBytesMax)) return bad("the attribute 'nick' of a <room/> is too long");
    rooms.set(jid.value, { room: jid.value, allow, nick });
  }
  if (rooms.size > limits.roomPreferencesMax)
    return bad(`<groupchat/> has more than ${limits.roomPreferencesMax} rooms`);
  return ok([...rooms.values()]);
}

function bad(text: string): Read<never> {
  return err(withText(stanzaErrors.badRequest, text));
}
