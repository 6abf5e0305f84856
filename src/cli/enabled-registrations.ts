// Thread: main
/**
 * `meerkat registrations list|show|remove --enabled`: what users have enabled (XEP-0357 §5), instead of the push nodes
 * that Meerkat keeps for them. Of the publish-options names are shown, of the device token its hash.
 */
import { exitCodes, printJSON, printLine, printNote } from './command-frame.ts';
import { configuredPlace, isThere, placeText, withEnabledStore } from './open-enabled.ts';
import { printable, timeText } from './registration-text.ts';
import { hasPreferences } from './enabled-rows.ts';
import { hashForPeople } from '../core/redact.ts';
import type { EngineConfig } from '../../config/engine-config.ts';
import type { EnabledRegistration } from '../core/enabled.ts';
import type { BareJID, NodeId } from '../core/ids.ts';
import type { EnabledKey, EnabledStore } from '../storage/enabled-store.ts';

/** Which rows: all, those of one user, at one push service, of one node there. */
export interface EnabledFilter {
  readonly owner?: BareJID | undefined;
  readonly service?: BareJID | undefined;
  readonly node?: NodeId | undefined;
}

const pageRows = 1000;

/** In the order of the store, for one user oldest first. */
export async function listEnabled(
  config: EngineConfig,
  filter: EnabledFilter,
  { limit, json }: { readonly limit: number; readonly json: boolean },
): Promise<number> {
  return inStore(config, async (store) => {
    let shown = 0;
    for await (const row of filter.owner === undefined ? everyRow(store) : rowsOf(store, filter.owner)) {
      if (!isMeant(row, filter)) continue;
      if (shown === limit) {
        printNote(`meerkat: only the first ${limit}; --limit shows more`);
        break;
      }
      if (json) printJSON(enabledForPeople(row));
      else printLine(enabledLine(row));
      shown += 1;
    }
    if (shown === 0) printNote('meerkat: nothing is enabled');
    return shown === 0 ? exitCodes.failed : exitCodes.done;
  });
}

/** Rows of one user, all or some of them; those of an unreadable record go with all. */
export async function removeEnabled(
  config: EngineConfig,
  { owner, service, node }: EnabledFilter & { readonly owner: BareJID },
  json: boolean,
): Promise<number> {
  return inStore(config, async (store) => {
    let removed = 0;
    if (service === undefined && node === undefined) removed = await store.removeOwners([owner]);
    else {
      const keys: EnabledKey[] = [];
      for await (const row of rowsOf(store, owner)) if (isMeant(row, { service, node })) keys.push(row);
      await store.writeMany(keys.map((key) => ({ kind: 'remove', key })));
      removed = keys.length;
    }
    if (json) printJSON({ ok: removed > 0, removed });
    else printLine(removed === 1 ? 'removed one registration' : `removed ${removed} registrations`);
    return removed === 0 ? exitCodes.failed : exitCodes.done;
  });
}

async function inStore(config: EngineConfig, work: (store: EnabledStore) => Promise<number>): Promise<number> {
  const place = configuredPlace(config);
  if (isThere(config, place)) return withEnabledStore(config, place, work);
  printNote(`meerkat: there is no store at ${placeText(config, place)} yet`);
  return exitCodes.failed;
}

async function* everyRow(store: EnabledStore): AsyncGenerator<EnabledRegistration> {
  let after: EnabledKey | undefined;
  for (;;) {
    const rows = await store.scan(after, pageRows, sayUnreadable);
    yield* rows;
    after = rows.at(-1);
    if (rows.length < pageRows) break;
  }
}

async function* rowsOf(store: EnabledStore, owner: BareJID): AsyncGenerator<EnabledRegistration> {
  const [rows] = await store.readMany([owner]);
  if (rows === 'unreadable') sayUnreadable(hashForPeople(owner));
  else yield* rows ?? [];
}

function sayUnreadable(ownerHash: string): void {
  printNote(
    `meerkat: the registrations of owner ${ownerHash} cannot be decoded; remove --enabled --owner removes them`,
  );
}

function isMeant(row: EnabledRegistration, { service, node }: EnabledFilter): boolean {
  return (service === undefined || row.service === service) && (node === undefined || row.node === node);
}

function enabledForPeople(row: EnabledRegistration): Readonly<Record<string, unknown>> {
  const { encryptionKey, ...preferences } = row.preferences;
  return {
    owner: row.owner,
    service: row.service,
    node: row.node,
    options: row.options.map(([name]) => name),
    device: deviceHash(row),
    session: row.session,
    preferences: { ...preferences, isEncrypted: encryptionKey !== '' },
    enabledAt: timeText(row.enabledAtMs),
  };
}

/** One line: owner, service, node, names of the options, device, time. */
function enabledLine(row: EnabledRegistration): string {
  const options = [...row.options.map(([name]) => name), deviceHash(row)].filter((part) => part !== '').join(', ');
  const more = hasPreferences(row) ? '  with preferences' : '';
  return printable(
    `${row.owner}  ${row.service}  ${row.node}  ${options}  enabled ${timeText(row.enabledAtMs)}${more}`,
  );
}

function deviceHash({ options }: EnabledRegistration): string {
  const [, token = ''] = options.find(([name]) => name === 'device_id') ?? [];
  return token === '' ? '' : hashForPeople(token);
}
