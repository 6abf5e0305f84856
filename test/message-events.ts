/** Events for tests: one message to start from, and the configuration they are judged by. */
import { epochMs } from '../src/core/ids.ts';
import { full } from './registration-rows.ts';
import type { PushConfig } from '../config/engine-config.ts';
import type { MessageEvent } from '../src/core/event.ts';
import type { FullJID } from '../src/core/ids.ts';

export const boris: FullJID = full('boris@example.org/desk');
export const anna: FullJID = full('anna@example.com');

/** A chat message with a body to anna, who is offline. */
export function message(over: Partial<MessageEvent> = {}): MessageEvent {
  return {
    kind: 'message',
    id: '',
    direction: 'out',
    from: boris,
    to: anna,
    type: 'chat',
    bodyState: 'non-empty',
    body: 'Where are you?',
    hasSubject: false,
    hints: { store: false, noStore: false, noPermanentStore: false },
    encryption: 'none',
    jingle: '',
    jingleId: '',
    media: '',
    isInvitation: false,
    isAmendment: false,
    isSignal: false,
    carbon: 'none',
    mentions: [],
    delayedAtMs: epochMs(0),
    language: '',
    userStatus: 'offline',
    clientState: 'unknown',
    unread: -1,
    unreadTotal: -1,
    isBlocked: false,
    isMuted: false,
    isMentioned: 'unknown',
    isKnownSender: 'unknown',
    isStored: 'unknown',
    affiliation: '',
    roomKind: '',
    nick: '',
    members: [],
    ...over,
  };
}

export const bodyless = { bodyState: 'absent', body: '' } as const;

/** The defaults of `[push]`. */
export function pushConfig(over: Partial<PushConfig> = {}): PushConfig {
  return {
    store: 'memory',
    virtualHosts: [],
    behaviour: 'meerkat',
    perUserMax: 20,
    expireDays: 365,
    unknownStatus: 'offline',
    content: 'none',
    placeholder: 'New message',
    encryptedBody: 'Encrypted message',
    unread: 'conversation',
    iqWaitMs: 32_000,
    deregisterRefusals: 3,
    deregisterHours: 24,
    dedupeSeconds: 86_400,
    groups: { private: 'always', public: 'mentioned', affiliations: ['owner', 'admin', 'member'] },
    quietHours: undefined,
    rules: [],
    ...over,
  };
}
