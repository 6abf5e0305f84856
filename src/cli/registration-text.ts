// Thread: main
/**
 * Registrations as people and programs may see them: device tokens as hashes, times in ISO 8601. The name of the node
 * is shown, because `show` and `remove` need it.
 */
import { unreachable } from '../core/assert.ts';
import { hashForPeople } from '../core/redact.ts';
import type { EpochMs } from '../core/ids.ts';
import type { Registration, Target } from '../core/registration.ts';

/** Every field, to print as JSON. */
export function rowForPeople(row: Registration): Readonly<Record<string, unknown>> {
  const { createdAtMs, confirmedAtMs, diedAtMs, target, ...rest } = row;
  return {
    ...rest,
    target: targetForPeople(target),
    createdAt: timeText(createdAtMs),
    confirmedAt: timeText(confirmedAtMs),
    diedAt: timeText(diedAtMs),
  };
}

/** One line: node, owner, gateway, app, device, state. */
export function rowLine(row: Registration): string {
  const state = row.state === 'live' ? `confirmed ${timeText(row.confirmedAtMs)}` : `dead: ${row.deathReason}`;
  const where = [gatewayText(row.target), row.app, row.deviceName, row.room].filter((part) => part !== '').join(', ');
  return printable(`${row.node}  ${row.owner}  ${where}  ${state}`);
}

/** Every field that says something, one on each line. */
export function rowPage(row: Registration): string {
  const { target, ...rest } = rowForPeople(row);
  const fields = { ...rest, ...(typeof target === 'object' ? target : {}) };
  return Object.entries(fields)
    .filter(([, value]) => value !== '' && !(Array.isArray(value) && value.length === 0))
    .map(([name, value]) => printable(`${name.padEnd(14)}${Array.isArray(value) ? value.join(', ') : String(value)}`))
    .join('\n');
}

function targetForPeople(target: Target): Readonly<Record<string, unknown>> {
  switch (target.kind) {
    case 'device':
      return { ...target, token: hashed(target.token), voipToken: hashed(target.voipToken) };
    case 'publish-options':
      return target;
    default:
      return unreachable(target);
  }
}

function gatewayText(target: Target): string {
  switch (target.kind) {
    case 'device':
      return [target.service, target.mode, target.topic, hashed(target.token)].filter((part) => part !== '').join(' ');
    case 'publish-options':
      return 'publish-options';
    default:
      return unreachable(target);
  }
}

function hashed(token: string): string {
  return token === '' ? '' : hashForPeople(token);
}

/** `''`: never. */
export function timeText(atMs: EpochMs): string {
  return atMs === 0 ? '' : new Date(atMs).toISOString();
}

/** Clients choose these names: a terminal must not obey them. */
export function printable(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '\ufffd');
}
