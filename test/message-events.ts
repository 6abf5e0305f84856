/** Events for tests: one message to start from, and the configuration they are judged by. */
import assert from 'node:assert/strict';
import { parseConfigObject } from '../config/parse-config.ts';
import { emptyMessage } from '../src/event/event-fields.ts';
import { emptySummary } from '../src/core/notification.ts';
import { full } from './registration-rows.ts';
import type { PushConfig } from '../config/engine-config.ts';
import type { MessageEvent } from '../src/core/event.ts';
import type { FullJID } from '../src/core/ids.ts';
import type { Summary } from '../src/core/notification.ts';

export const boris: FullJID = full('boris@example.org/desk');
export const anna: FullJID = full('anna@example.com');

/** A chat message with a body to anna, who is offline. */
export function message(over: Partial<MessageEvent> = {}): MessageEvent {
  return {
    ...emptyMessage(),
    ...{ from: boris, to: anna, type: 'chat', bodyState: 'non-empty', body: 'Where are you?', userStatus: 'offline' },
    ...over,
  };
}

export const bodyless = { bodyState: 'absent', body: '' } as const;

/** The defaults of `[push]`, kept in memory. */
export function pushConfig(over: Partial<PushConfig> = {}): PushConfig {
  const parsed = parseConfigObject({ push: { store: 'memory' }, providers: [{ name: 'trial', kind: 'blackhole' }] });
  assert.ok(parsed.ok);
  return { ...parsed.value.push, ...over };
}

/** What a push service is told of one conversation. */
export const juliet: Summary = {
  ...emptySummary,
  messageCount: 3,
  lastMessageSender: 'juliet@capulet.example',
  lastMessageBody: 'Wherefore art thou?',
  priority: 'high',
};
