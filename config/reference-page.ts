// Thread: any
/**
 * reference.md from the tables of the schema: every section, every key, one row each. The page is committed, and a test
 * compares it with what this makes, so that it is never stale.
 */
import { isReadableFromFile } from './config-key.ts';
import { configSections, listPaths } from './config-sections.ts';
import { variableName } from './environment.ts';
import type { ConfigKey } from './config-key.ts';
import type { ConfigSection } from './config-sections.ts';

const opening = `# Every key of the configuration

Made from \`config/schema.ts\` by \`npm run docs\`; change the sentences there. [meerkat.toml](meerkat.toml) is the
commented file to start from; [ejabberd](ejabberd.toml), [Prosody](prosody.toml), [MongooseIM](mongooseim.toml) and
[Openfire](openfire.toml) have presets with what to write at the server.

- The file is [TOML](https://toml.io). \`meerkat check-config FILE\` reports every problem with its line.
- Times, sizes and counts are plain numbers; the unit is in the name of the key.
- Every key is also an environment variable, which wins over the file: \`MEERKAT_\`, the section, two underscores, the
  key, in capitals. Members of lists are counted from 0. Lists are separated by commas.
- *Secret* keys, and those marked *file*, can be read from a file: \`<key>_file\`, as a key or as a variable.
- Relative paths start at the working directory.
`;

export function referencePage(): string {
  return `${opening}${configSections.map(sectionText).join('')}`;
}

function sectionText(section: ConfigSection): string {
  const rows = Object.entries(section.keys).map(([name, key]) => rowText(name, key));
  return [
    '',
    `## \`${section.header}\``,
    '',
    section.says,
    '',
    '| Key | Type | Default | Meaning |',
    '|---|---|---|---|',
    ...rows,
    '',
    `First variable: \`${variableName(variablePath(section))}\`.`,
    '',
  ].join('\n');
}

function variablePath(section: ConfigSection): string {
  const parts: string[] = [];
  let path = '';
  for (const part of section.path.replace(/ \(.*/, '').split('.')) {
    path = path === '' ? part : `${path}.${part}`;
    parts.push(part, ...(listPaths.has(path) ? ['0'] : []));
  }
  return [...parts, Object.keys(section.keys)[0] ?? ''].join('.');
}

function rowText(name: string, key: ConfigKey): string {
  const marks = key.secret === true ? ' *secret*' : isReadableFromFile(key) ? ' *file*' : '';
  const example = key.example === undefined ? '' : ` Example: \`${literal(key.example)}\`.`;
  const cells = [`\`${name}\`${marks}`, typeText(key), defaultText(key), `${key.says}${example}`];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function typeText(key: ConfigKey): string {
  if (key.type === 'flag') return '`true` or `false`';
  if (key.type === 'choice') return key.choices.map((choice) => `\`"${choice}"\``).join(', ');
  if (key.type === 'list') {
    return key.choices === undefined ? `list of at most ${key.itemsMax} texts` : `list of ${key.choices.join(', ')}`;
  }
  if (key.type === 'text') {
    const shape = key.form === undefined || key.form === 'label' ? 'text' : key.form;
    return key.minBytes !== undefined && key.minBytes > 1 ? `${shape}, ${key.minBytes} bytes or more` : shape;
  }
  const unit = key.unit === 'port' || key.unit === 'share' ? '' : key.unit;
  const what = key.powerOfTwo === true ? 'power of two' : key.type;
  return `${what} ${key.min} to ${key.max}${unit === '' ? '' : ` ${unit}`}`;
}

function defaultText(key: ConfigKey): string {
  if (key.required === true) return '**required**';
  if (key.default === undefined) return '';
  if (typeof key.default === 'object') return `\`${JSON.stringify(key.default)}\``;
  return `\`${literal(key.default)}\``;
}

function literal(value: string | number | boolean): string {
  return typeof value === 'string' ? `"${value}"` : String(value);
}
