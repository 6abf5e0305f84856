// Thread: any
/**
 * From the terms of `mongooseim.cfg` to a tree of options. Lists of pairs are sections; listeners, outgoing pools and
 * `http_connections` have shapes of their own (mongooseim 7.2), and become what they are called in TOML.
 */
import { newSection, place, sectionAt } from './option-tree.ts';
import { unreachable } from '../../src/core/assert.ts';
import type { MongooseConfig, OptionNode, OptionScope, OptionSection, OptionValue } from './option-tree.ts';
import type { ErlangTerm } from './read-erlang.ts';

export function optionsOf(terms: readonly ErlangTerm[]): MongooseConfig {
  const root = newSection('', 1);
  const hosts: OptionScope[] = [];
  for (const term of terms) {
    const [name, first, second] = itemsOf(term);
    if (nameOf(name) === 'host_config' && first !== undefined) {
      hosts.push({ host: nameOf(first), root: hostRoot(second) });
    } else readTerm(root, term);
  }
  return { syntax: 'erlang', scopes: [{ host: '', root }, ...hosts] };
}

function hostRoot(terms: ErlangTerm | undefined): OptionSection {
  const root = newSection('', terms?.line ?? 1);
  for (const term of itemsOf(terms)) readTerm(root, term);
  return root;
}

/** One term of the top level, such as `{modules, [...]}`. */
function readTerm(root: OptionSection, term: ErlangTerm): void {
  const [head, body] = itemsOf(term);
  // `{{add, modules}, [...]}`: host_config adds to what all hosts have.
  const name = head?.kind === 'tuple' ? nameOf(head.items[1]) : nameOf(head);
  if (name === '' || body === undefined) return;
  switch (name) {
    case 'outgoing_pools':
      for (const pool of itemsOf(body)) readPool(root, pool);
      break;
    case 'http_connections':
      for (const pool of itemsOf(body)) readHttpConnection(root, pool);
      break;
    case 'listen':
      for (const listener of itemsOf(body)) readListener(root, listener);
      break;
    case 'hosts':
    case 'host_types':
    case 'default_server_domain':
      place(root, ['general', name], nodeOf(body, name));
      break;
    default:
      place(root, [name], nodeOf(body, name));
  }
}

/** `{http, global, name, [{workers, 10}], [{server, "https://..."}]}` */
function readPool(root: OptionSection, term: ErlangTerm): void {
  const [type, scope, tag, options, connection] = itemsOf(term);
  if (scope === undefined || tag === undefined) return;
  const key = `outgoing_pools.${nameOf(type)}.${nameOf(tag)}`;
  const path = ['outgoing_pools', nameOf(type), nameOf(tag)];
  place(root, path, newSection(key, term.line));
  if (nameOf(scope) !== 'global') {
    const value = nameOf(scope) === 'host' ? 'host' : `host ${nameOf(scope)}`;
    place(root, [...path, 'scope'], { kind: 'option', key: `${key}.scope`, line: scope.line, value });
  }
  if (options !== undefined) place(root, path, sectionOf(itemsOf(options), key, term.line));
  for (const pair of itemsOf(connection)) readConnection(root, pair, { path, key });
}

interface Pool {
  readonly path: readonly string[];
  readonly key: string;
}

function readConnection(root: OptionSection, pair: ErlangTerm, { path, key }: Pool): void {
  const [head, value] = itemsOf(pair);
  if (value === undefined) return;
  const name = nameOf(head);
  const put = (as: string, node: OptionNode): void => place(root, [...path, 'connection', as], node);
  if (name !== 'server') put(name, nodeOf(value, `${key}.${name}`));
  else if (value.kind === 'tuple') {
    for (const [as, part] of serverParts(value.items)) put(as, nodeOf(part, `${key}.server (${as})`));
  } else put(path[1] === 'rdbms' ? 'settings' : 'host', nodeOf(value, `${key}.server`));
}

/** `{pgsql, "host", 5432, "database", "user", "password"}`; the port may be left out. */
function serverParts(items: readonly ErlangTerm[]): readonly (readonly [string, ErlangTerm])[] {
  const hasPort = items[2]?.kind === 'number';
  const names = ['driver', 'host', ...(hasPort ? ['port'] : []), 'database', 'username', 'password', 'tls'];
  return items.flatMap((item, index) => {
    const name = names[index];
    return name === undefined ? [] : [[name, item] as const];
  });
}

/** Up to 3.1: `{name, [{server, "https://..."}, {pool_size, 50}]}`. */
function readHttpConnection(root: OptionSection, term: ErlangTerm): void {
  const [tag, options] = itemsOf(term);
  const name = nameOf(tag);
  if (name === '') return;
  const key = `http_connections.${name}`;
  const path = ['outgoing_pools', 'http', name];
  place(root, path, newSection(key, term.line));
  for (const pair of itemsOf(options)) {
    const [head, value] = itemsOf(pair);
    if (value === undefined) continue;
    if (nameOf(head) === 'pool_size') place(root, [...path, 'workers'], nodeOf(value, `${key}.pool_size`));
    else readConnection(root, pair, { path, key });
  }
}

/** `{8888, ejabberd_service, [...]}`, or `{{8888, "127.0.0.1"}, ...}`; other listeners have nothing to do with push. */
function readListener(root: OptionSection, term: ErlangTerm): void {
  const [address, module, options] = itemsOf(term);
  if (address === undefined || nameOf(module) !== 'ejabberd_service') return;
  const key = `listen.ejabberd_service (line ${term.line})`;
  const section = newSection(key, term.line);
  const put = (name: string, node: OptionNode): void => place(section, [name], node);
  const [port, ip] = address.kind === 'tuple' ? address.items : [address];
  if (port !== undefined) put('port', nodeOf(port, `${key}.port`));
  if (ip !== undefined) put('ip_address', { ...nodeOf(ip, `${key}.ip`), kind: 'option', value: addressOf(ip) });
  for (const option of itemsOf(options)) {
    const [head, value, inner] = itemsOf(option);
    const name = nameOf(head);
    if (value === undefined) continue;
    if (name === 'ip')
      put('ip_address', { kind: 'option', key: `${key}.ip`, line: value.line, value: addressOf(value) });
    else if (name === 'host' || name === 'hosts') {
      put('domains', { kind: 'option', key: `${key}.${name}`, line: value.line, value: textsOf(value) });
      for (const pair of itemsOf(inner)) {
        const [innerHead, innerValue] = itemsOf(pair);
        if (innerValue !== undefined) put(nameOf(innerHead), nodeOf(innerValue, `${key}.${nameOf(innerHead)}`));
      }
    } else put(name, nodeOf(value, `${key}.${name}`));
  }
  const count = sectionAt(root, 'listen', 'component')?.entries.size ?? 0;
  place(root, ['listen', 'component', String(count)], section);
}

function addressOf(term: ErlangTerm): string {
  if (term.kind !== 'tuple') return nameOf(term);
  const numbers = term.items.map((item) => (item.kind === 'number' ? item.value : 0));
  return numbers.length === 4 ? numbers.join('.') : numbers.map((part) => part.toString(16)).join(':');
}

function textsOf(term: ErlangTerm): readonly string[] {
  return term.kind === 'list' ? term.items.map(nameOf) : [nameOf(term)];
}

function nodeOf(term: ErlangTerm, key: string): OptionNode {
  if (term.kind === 'list' && term.items.some(isPair) && term.items.every((item) => isPair(item) || isAtom(item))) {
    return sectionOf(term.items, key, term.line);
  }
  return { kind: 'option', key, line: term.line, value: valueOf(term) };
}

/** A bare atom in a list of pairs means `true`. A name that comes twice makes a list of both. */
function sectionOf(items: readonly ErlangTerm[], key: string, line: number): OptionSection {
  const section = newSection(key, line);
  for (const item of items) {
    const [head, value] = item.kind === 'tuple' ? item.items : [item];
    const name = nameOf(head);
    if (name === '') continue;
    const inner = `${key}.${name}`;
    const node: OptionNode =
      value === undefined ? { kind: 'option', key: inner, line: item.line, value: true } : nodeOf(value, inner);
    const before = section.entries.get(name);
    if (before?.kind !== 'section' || node.kind !== 'section') {
      section.entries.set(name, node);
      continue;
    }
    const isList = before.entries.has('0');
    const list = isList ? before : newSection(before.key, before.line);
    if (!isList) list.entries.set('0', before);
    list.entries.set(String(list.entries.size), node);
    section.entries.set(name, list);
  }
  return section;
}

function isPair(term: ErlangTerm): boolean {
  return term.kind === 'tuple' && term.items.length === 2 && nameOf(term.items[0]) !== '';
}

function isAtom(term: ErlangTerm): boolean {
  return term.kind === 'atom';
}

function itemsOf(term: ErlangTerm | undefined): readonly ErlangTerm[] {
  return term?.kind === 'tuple' || term?.kind === 'list' ? term.items : [];
}

function nameOf(term: ErlangTerm | undefined): string {
  return term?.kind === 'atom' || term?.kind === 'text' ? term.text : '';
}

function valueOf(term: ErlangTerm): OptionValue {
  switch (term.kind) {
    case 'atom':
      return term.text === 'true' ? true : term.text === 'false' ? false : term.text;
    case 'text':
      return term.text;
    case 'number':
      return term.value;
    case 'list':
    case 'tuple':
      return term.items.map(valueOf);
    default:
      return unreachable(term);
  }
}
