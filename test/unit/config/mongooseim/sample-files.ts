/** The samples of test/fixtures/mongooseim, imported. */
import { readFileSync } from 'node:fs';
import { importMongooseIM } from '../../../../config/mongooseim/import-config.ts';
import { optionsOf } from '../../../../config/mongooseim/erlang-options.ts';
import { toCurrentLayout } from '../../../../config/mongooseim/layout.ts';
import { optionsIn, sectionAt } from '../../../../config/mongooseim/option-tree.ts';
import { readErlang } from '../../../../config/mongooseim/read-erlang.ts';
import { readTOML } from '../../../../config/mongooseim/read-toml.ts';
import { clientCertificate, root } from '../config-fixture.ts';
import { parseConfig } from '../../../../config/parse-config.ts';
import type { Finding } from '../../../../config/mongooseim/finding.ts';
import type { ImportedConfig } from '../../../../config/mongooseim/import-config.ts';
import type { MongooseConfig } from '../../../../config/mongooseim/option-tree.ts';
import type { EngineConfig } from '../../../../config/engine-config.ts';

export const samples: readonly string[] = [
  'pubsub-less.toml',
  'pubsub.toml',
  'events.toml',
  'toml-4.toml',
  'hosts.toml',
  'mistakes.toml',
  'erlang-2.cfg',
  'erlang-3.cfg',
  'app-server.cfg',
  'outside-modules.cfg',
];

export function sampleText(name: string): string {
  return readFileSync(new URL(`test/fixtures/mongooseim/${name}`, root), 'utf8');
}

export function importText(text: string, path: string): ImportedConfig {
  const imported = importMongooseIM(text, path);
  if (imported.ok) return imported.value;
  throw new Error(`${path}: ${JSON.stringify(imported.error)}`);
}

/** Every option of a sample that has to do with push; of pools, those that the sample's modules name. */
export function pushOptions(name: string): readonly { readonly key: string; readonly line: number }[] {
  const sections = [
    ['modules', 'mod_event_pusher'],
    ['modules', 'mod_pubsub'],
    ['modules', 'mod_pubsub_old'],
    ['modules', 'mod_push_service_mongoosepush'],
    ['modules', 'mod_push_app_server'],
    ['listen', 'component'],
    ['outgoing_pools', 'rdbms', 'default'],
    ['outgoing_pools', 'rabbit', 'event_pusher'],
    ...['mongoose_push_http', 'push', 'push_pool', 'gw'].map((pool) => ['outgoing_pools', 'http', pool]),
  ];
  return readSample(name).scopes.flatMap(({ root: all }) => {
    toCurrentLayout(all);
    return sections.flatMap((path) => {
      const section = sectionAt(all, ...path);
      return section === undefined ? [] : optionsIn(section).map(({ option }) => option);
    });
  });
}

function readSample(name: string): MongooseConfig {
  const text = sampleText(name);
  if (name.endsWith('.toml')) {
    const read = readTOML(text);
    if (read.ok) return read.value;
  } else {
    const terms = readErlang(text);
    if (terms.ok) return optionsOf(terms.value);
  }
  throw new Error(`${name} cannot be read`);
}

/** What is said of the option `key`; several findings are a mistake of the test. */
export function findingOf(imported: ImportedConfig, key: string): Finding {
  const found = imported.findings.filter((finding) => finding.key === key);
  const [only] = found;
  if (only === undefined || found.length > 1) throw new Error(`${found.length} findings about ${key}`);
  return only;
}

/** The result as Meerkat reads it; files of authorities are there. */
export function meerkatOf({ text }: ImportedConfig): EngineConfig {
  const parsed = parseConfig({ text, path: 'meerkat.toml', env: {}, readFile: () => clientCertificate });
  if (parsed.ok) return parsed.value;
  throw new Error(`the result has problems: ${JSON.stringify(parsed.error)}\n${text}`);
}
