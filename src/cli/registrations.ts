// Thread: main
/**
 * `meerkat registrations`: look at and remove rows of the store, while the engine runs or not (LMDB lets several
 * processes read, and removals are whole transactions). Device tokens are shown as their hash.
 */
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { EngineError } from '../core/errors.ts';
import { bareJID } from '../core/jid.ts';
import { parseNodeId } from '../core/ids.ts';
import { configOption, exitCodes, jsonOption, printJSON, printLine, printNote, runCommand } from './command-frame.ts';
import { listEnabled, removeEnabled } from './enabled-registrations.ts';
import { loadConfig } from './load-config.ts';
import { rowForPeople, rowLine, rowPage } from './registration-text.ts';
import { addRegistrationsExport } from './registrations-export.ts';
import { addRegistrationsImport } from './registrations-import.ts';
import { withStores } from './open-stores.ts';
import { wholeNumber } from './option-values.ts';
import type { CommonOptions, Ended } from './command-frame.ts';
import type { BareJID, NodeId } from '../core/ids.ts';
import type { Registration } from '../core/registration.ts';
import type { RegistrationStore } from '../storage/registration-store.ts';

const examples = `
Examples:
  $ meerkat registrations list --owner anna@example.com
  $ meerkat registrations list --limit 1000 --json | jq -r .node
  $ meerkat registrations show NODE
  $ meerkat registrations remove NODE
  $ meerkat registrations remove --owner anna@example.com
  $ meerkat registrations list --enabled --owner anna@example.com
  $ meerkat registrations remove NODE --enabled --owner anna@example.com --service push.example.net

Push nodes that Meerkat keeps; with --enabled what users have enabled, at any push service. Works on the store, while
the engine runs or not. Exit code 1 when nothing was found.`;

interface StoreOptions extends CommonOptions {
  readonly config: string;
}

interface EnabledOptions extends StoreOptions {
  readonly enabled?: boolean;
  readonly owner?: BareJID;
  readonly service?: BareJID;
}

interface ListOptions extends EnabledOptions {
  readonly limit: number;
  readonly dead?: boolean;
}

const enabledOption = ['--enabled', 'what users have enabled, instead of push nodes'] as const;
const serviceOption = ['--service <jid>', 'with --enabled: at this push service', ownerOf] as const;

type Stores = readonly RegistrationStore[];

// More rows than a person reads, few enough to be in memory at once.
const listMax = 1_000_000;
const pageRows = 1_000;

export function addRegistrations(program: Command, ended: Ended): void {
  const registrations = program
    .command('registrations')
    .description('list, show, remove, import and export registrations')
    .addHelpText('after', examples);
  addList(registrations, ended);
  addShow(registrations, ended);
  addRemove(registrations, ended);
  addRegistrationsImport(registrations, ended);
  addRegistrationsExport(registrations, ended);
}

function addList(registrations: Command, ended: Ended): void {
  registrations
    .command('list')
    .description('registrations, oldest first for one owner, else in the order of the store')
    .option('--owner <jid>', 'only those of this bare JID', ownerOf)
    .option('--limit <count>', 'at most so many', wholeNumber(1, listMax), 100)
    .option('--dead', 'also those that are dead, which are kept for 30 days')
    .option(...enabledOption)
    .option(...serviceOption)
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', examples)
    .action((options: ListOptions) =>
      runCommand(options, ended, () =>
        options.enabled === true
          ? listEnabled(loadConfig(options.config), options, { limit: options.limit, json: options.json === true })
          : inStores(options, (stores) => list(stores, options)),
      ),
    );
}

function addShow(registrations: Command, ended: Ended): void {
  registrations
    .command('show')
    .description('everything about one registration')
    .argument('<node>', 'the name of its node', nodeOf)
    .option(...enabledOption)
    .option('--owner <jid>', 'with --enabled: of this bare JID', ownerOf)
    .option(...serviceOption)
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', examples)
    .action((node: NodeId, options: EnabledOptions) =>
      runCommand(options, ended, () =>
        options.enabled === true
          ? listEnabled(
              loadConfig(options.config),
              { ...options, node },
              { limit: listMax, json: options.json === true },
            )
          : inStores(options, (stores) => show(stores, node, options)),
      ),
    );
}

function addRemove(registrations: Command, ended: Ended): void {
  registrations
    .command('remove')
    .description('remove registrations for good: their next publish is answered item-not-found')
    .argument('[node]', 'the name of its node', nodeOf)
    .option('--owner <jid>', 'all those of this bare JID', ownerOf)
    .option(...enabledOption)
    .option(...serviceOption)
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', examples)
    .action((node: NodeId | undefined, options: EnabledOptions, command: Command) => {
      const { enabled, owner, json = false } = options;
      if (enabled === true) {
        if (owner === undefined) return command.error('error: with --enabled, give --owner');
        const filter = { ...options, node, owner };
        return runCommand(options, ended, () => removeEnabled(loadConfig(options.config), filter, json));
      }
      if ((node === undefined) === (options.owner === undefined)) command.error('error: give a node, or --owner');
      return runCommand(options, ended, () => inStores(options, (stores) => remove(stores, node, options)));
    });
}

function inStores(options: StoreOptions, work: (stores: Stores) => Promise<number>): Promise<number> {
  return withStores(loadConfig(options.config), work);
}

async function list(stores: Stores, options: ListOptions): Promise<number> {
  const { limit, owner, json, dead } = options;
  const isShown = (row: Registration): boolean => dead === true || row.state === 'live';
  let shown = 0;
  let isMore = false;
  for await (const row of owner === undefined ? everyRow(stores) : rowsOf(stores, owner)) {
    if (!isShown(row)) continue;
    if (shown === limit) {
      isMore = true;
      break;
    }
    if (json === true) printJSON(rowForPeople(row));
    else printLine(rowLine(row));
    shown += 1;
  }
  if (isMore) printNote(`meerkat: only the first ${limit}; --limit shows more`);
  if (shown === 0) printNote('meerkat: no registrations');
  return shown === 0 ? exitCodes.failed : exitCodes.done;
}

async function* everyRow(stores: Stores): AsyncGenerator<Registration> {
  for (const store of stores) {
    let after: NodeId | undefined;
    for (;;) {
      const rows = await store.scan(after, pageRows);
      yield* rows;
      after = rows.at(-1)?.node;
      if (rows.length < pageRows) break;
    }
  }
}

async function* rowsOf(stores: Stores, owner: BareJID): AsyncGenerator<Registration> {
  const rows = await Promise.all(stores.map((store) => store.readByOwner(owner, listMax)));
  yield* rows.flat().toSorted((a, b) => a.createdAtMs - b.createdAtMs);
}

async function show(stores: Stores, node: NodeId, options: StoreOptions): Promise<number> {
  const row = await findRow(stores, node);
  if (row === undefined) {
    printNote('meerkat: no registration has this node');
    return exitCodes.failed;
  }
  if (options.json === true) printJSON(rowForPeople(row));
  else printLine(rowPage(row));
  return exitCodes.done;
}

async function findRow(stores: Stores, node: NodeId): Promise<Registration | undefined> {
  // All shards are asked, so that the answer does not depend on how nodes are divided among them.
  const found = await Promise.all(stores.map(async (store) => (await store.readMany([node]))[0]));
  return found.find((row) => row !== undefined);
}

async function remove(stores: Stores, node: NodeId | undefined, options: EnabledOptions): Promise<number> {
  const { owner, json } = options;
  let removed = 0;
  for (const store of stores) {
    const rows = owner === undefined ? [] : await store.readByOwner(owner, listMax);
    const nodes = rows.map((row) => row.node);
    if (node !== undefined && (await isThere(store, node))) nodes.push(node);
    if (nodes.length > 0) await store.removeMany(nodes);
    removed += nodes.length;
  }
  if (json === true) printJSON({ ok: removed > 0, removed });
  else printLine(removed === 1 ? 'removed one registration' : `removed ${removed} registrations`);
  return removed === 0 ? exitCodes.failed : exitCodes.done;
}

/** A row that cannot be decoded is there: removing it is the remedy. */
async function isThere(store: RegistrationStore, node: NodeId): Promise<boolean> {
  try {
    const [row] = await store.readMany([node]);
    return row !== undefined;
  } catch (error) {
    if (error instanceof EngineError && error.code === 'E_STORE_ROW_CORRUPT') return true;
    throw error;
  }
}

function ownerOf(text: string): BareJID {
  const jid = bareJID(text);
  if (!jid.ok) throw new InvalidArgumentError('write a bare JID, such as anna@example.com.');
  return jid.value;
}

function nodeOf(text: string): NodeId {
  const node = parseNodeId(text);
  if (!node.ok) throw new InvalidArgumentError('a node has 1 to 1024 bytes.');
  return node.value;
}
