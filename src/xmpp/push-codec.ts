// Thread: any
/**
 * What a publish says about the messages that wait (XEP-0357 §7; xmpp 5.20 to 5.26, 8.22). On the hot path: one walk
 * over the fields, one object at the end, none at all for an empty notification. Nothing in here refuses a publish:
 * what is too long is cut, what makes no sense is absent.
 */
import { fullJID } from '../core/jid.ts';
import { limits } from '../core/limits.ts';
import { emptySummary } from '../core/notification.ts';
import { truncateUtf8 } from '../core/utf8.ts';
import type { Summary } from '../core/notification.ts';
import { fieldName, firstValue, fitsField, formKind } from './data-form.ts';
import { ns } from './namespaces.ts';
import { attribute, bequeaths, isElement, textOf } from './xml.ts';
import type { XmlElement } from './xml.ts';

// Filled and read within one call: a scratch object costs nothing per notification.
const found = {
  formType: '',
  count: '',
  pending: '',
  sender: '',
  callSender: '',
  body: '',
  priority: '',
  jingle: '',
  jingleId: '',
};
const extra = { priority: '', encrypted: '', iv: '', type: '' };

/**
 * @param notification `<notification/>`, if there was one.
 * @param looseForm a form directly inside `<item/>`, as servers before XEP-0357 sent it.
 */
export function readSummary(notification: XmlElement | undefined, looseForm: XmlElement | undefined): Summary {
  forget();
  if (notification !== undefined) readNotification(notification);
  else if (looseForm !== undefined) readSummaryForm(looseForm);
  return summaryOfFound();
}

function forget(): void {
  forgetForm();
  extra.priority = '';
  extra.encrypted = '';
  extra.iv = '';
  extra.type = '';
}

function forgetForm(): void {
  found.formType = '';
  found.count = '';
  found.pending = '';
  found.sender = '';
  found.callSender = '';
  found.body = '';
  found.priority = '';
  found.jingle = '';
  found.jingleId = '';
}

function readNotification(notification: XmlElement): void {
  let unnamed: XmlElement | undefined;
  let hasSummary = false;
  for (const child of notification.children) {
    if (typeof child === 'string') continue;
    if (isElement(child, 'x', ns.data)) {
      // Two forms: the one that is named a summary counts, wherever it stands (xmpp 5.21).
      if (hasSummary || formKind(child) === 'cancel') continue;
      forgetForm();
      readSummaryForm(child);
      if (found.formType === ns.pushSummary) hasSummary = true;
      else if (found.formType === '') unnamed ??= child;
    } else if (isElement(child, 'priority', ns.tigasePriority)) {
      extra.priority = textOf(child).trim();
    } else if (isElement(child, 'encrypted', ns.tigaseEncrypt)) {
      readEncrypted(child);
    }
  }
  if (hasSummary) return;
  forgetForm();
  if (unnamed !== undefined) readSummaryForm(unnamed);
}

function readSummaryForm(x: XmlElement): void {
  const inherits = bequeaths(x, ns.data);
  for (const child of x.children) {
    const name = fieldName(child, inherits);
    if (name === '') continue;
    const value = firstValue(child, inherits);
    if (value !== undefined && value !== '') keep(name, value);
  }
}

function keep(name: string, value: string): void {
  switch (name) {
    case 'FORM_TYPE':
      found.formType ||= value;
      break;
    case 'message-count':
      found.count ||= value;
      break;
    case 'pending-subscription-count':
      found.pending ||= value;
      break;
    case 'last-message-sender':
      found.sender ||= value;
      break;
    case 'message-sender': // MongooseIM's hints plugin, for calls
      found.callSender ||= value;
      break;
    case 'last-message-body':
      found.body ||= value;
      break;
    case 'last-message-priority':
      found.priority ||= value;
      break;
    case 'jingle-message':
      found.jingle ||= value;
      break;
    case 'jingle-session-id':
      found.jingleId ||= value;
      break;
    default:
  }
}

/** Tigase's payload goes to the phone as it came, or, too long for any gateway, not at all. */
function readEncrypted(element: XmlElement): void {
  const payload = textOf(element);
  const iv = attribute(element, 'iv') ?? '';
  const type = attribute(element, 'type') ?? '';
  if (payload === '' || !fitsField(payload) || !fitsField(iv) || !fitsField(type)) return;
  extra.encrypted = payload;
  extra.iv = iv;
  extra.type = type;
}

function summaryOfFound(): Summary {
  const foreign = found.formType !== '' && found.formType !== ns.pushSummary;
  if (foreign) forgetForm();
  const messageCount = countOf(found.count);
  const pendingSubscriptionCount = countOf(found.pending);
  const lastMessageSender = senderOf(found.sender || found.callSender);
  const lastMessageBody = bodyOf(found.body);
  const priority = priorityOf(extra.priority) || priorityOf(found.priority);
  const jingleMessage = found.jingle !== '' && jingleActions.has(found.jingle) ? found.jingle : '';
  const jingleSessionId = fitsField(found.jingleId) ? found.jingleId : '';
  const { encrypted } = extra;
  if (messageCount === -1 && pendingSubscriptionCount === -1 && lastMessageSender === '' && lastMessageBody === '') {
    if (priority === '' && jingleMessage === '' && jingleSessionId === '' && encrypted === '') return emptySummary;
  }
  return {
    messageCount,
    pendingSubscriptionCount,
    lastMessageSender,
    lastMessageBody,
    priority,
    jingleMessage,
    jingleSessionId,
    encrypted,
    encryptedIv: extra.iv,
    encryptedType: extra.type,
    kind: '',
    roomName: '',
  };
}

// XEP-0353 actions as MongooseIM names them.
const jingleActions: ReadonlySet<string> = new Set([
  'propose',
  'accept',
  'proceed',
  'reject',
  'retract',
  'ringing',
  'finish',
]);

const digits = /^[0-9]+$/;

/** Whole numbers, capped at `limits.messageCountMax`; anything else says nothing, a negative one included. */
function countOf(text: string): number {
  return text !== '' && digits.test(text) ? Math.min(Number(text), limits.messageCountMax) : -1;
}

function senderOf(text: string): string {
  if (text === '') return '';
  const sender = fullJID(text);
  return sender.ok ? sender.value : '';
}

function priorityOf(text: string): 'high' | 'low' | '' {
  return text === 'high' || text === 'low' ? text : '';
}

const control = /[\u0000-\u0008\u000b-\u001f]/;

function bodyOf(text: string): string {
  if (text === '') return '';
  const cut = truncateUtf8(text, limits.bodyBytesMax);
  return control.test(cut) ? cut.replace(/[\u0000-\u0008\u000b-\u001f]/g, '') : cut;
}
