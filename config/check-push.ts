// Thread: any
/** `[push]` with what belongs to it: what is true of its keys together. */
import { checkVirtualHosts } from './check-domains.ts';
import { checkRules } from './check-rules.ts';
import { checkSection, isTable } from './check-section.ts';
import { pushGroupsKeys, pushKeys, pushQuietHoursKeys } from './push-schema.ts';
import type { Checking } from './check-section.ts';
import type { PushConfig } from './engine-config.ts';

export function checkPush(raw: unknown, checking: Checking): PushConfig {
  const keys = checkSection({ raw, path: 'push', others: ['groups', 'quiet_hours', 'rules'] }, pushKeys, checking);
  const inner = isTable(raw) ? raw : {};
  return {
    store: keys.store,
    virtualHosts: checkVirtualHosts(keys.virtual_hosts, checking),
    behaviour: keys.behaviour,
    perUserMax: keys.per_user_max,
    expireDays: keys.expire_days,
    unknownStatus: keys.unknown_status,
    content: keys.content,
    placeholder: keys.placeholder,
    encryptedBody: keys.encrypted_body,
    unread: keys.unread,
    iqWaitMs: keys.iq_wait_ms,
    deregisterRefusals: keys.deregister_refusals,
    deregisterHours: keys.deregister_hours,
    dedupeSeconds: keys.dedupe_seconds,
    groups: checkSection({ raw: inner['groups'], path: 'push.groups' }, pushGroupsKeys, checking),
    quietHours: checkQuietHours(inner['quiet_hours'], checking),
    rules: checkRules(inner, checking),
  };
}

function checkQuietHours(raw: unknown, checking: Checking): PushConfig['quietHours'] {
  const { issues } = checking;
  const path = 'push.quiet_hours';
  const keys = checkSection({ raw, path }, pushQuietHoursKeys, checking);
  const { from, to, time_zone: timeZone, action } = keys;
  if (!issues.has(`${path}.from`, `${path}.to`)) {
    if ((from === '') !== (to === '')) {
      const [missing, other] = from === '' ? ['from', 'to'] : ['to', 'from'];
      issues.add(`${path}.${missing}`, 'is missing', `write it as well, or remove ${other}`);
    } else if (from !== '' && from === to) {
      issues.add(`${path}.to`, `is ${JSON.stringify(to)}, as from is`, 'write the end, or remove both');
    }
  }
  if (from === '' || to === '') return undefined;
  return { from: minutesOf(from), to: minutesOf(to), timeZone, action };
}

function minutesOf(timeOfDay: string): number {
  const [hours = 0, minutes = 0] = timeOfDay.split(':').map(Number);
  return hours * 60 + minutes;
}
