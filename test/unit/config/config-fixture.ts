/** A configuration that passes, and the pieces to spoil it with. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseConfig } from '../../../config/parse-config.ts';
import type { ConfigResult } from '../../../config/parse-config.ts';
import type { ConfigIssue } from '../../../config/config-issue.ts';
import type { EngineConfig } from '../../../config/engine-config.ts';

export const ecKey: string = generateKeyPairSync('ec', {
  namedCurve: 'prime256v1',
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
}).privateKey;

export const rsaKey: string = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
}).privateKey;

export const root: URL = new URL('../../../../', import.meta.url);
const fixture = (name: string): string => readFileSync(new URL(`test/fixtures/config/${name}`, root), 'utf8');
export const clientCertificate: string = fixture('client-certificate.pem');
export const clientKey: string = fixture('client-key.pem');

export const trial = '[[providers]]\nname = "trial"\nkind = "blackhole"\n';
export const server = '[[servers]]\nname = "a"\ndomain = "push.example.net"\nsecret = "s"\n';

export interface World {
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
}

export function check(text: string, { env = {}, files = {} }: World = {}): ConfigResult {
  return parseConfig({
    text,
    env,
    path: 'meerkat.toml',
    readFile(path) {
      const content = files[path];
      if (content === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
      return content;
    },
  });
}

export function issuesOf(text: string, world?: World): readonly ConfigIssue[] {
  const result = check(text, world);
  return result.ok ? [] : result.error;
}

export function configOf(text: string, world?: World): EngineConfig {
  const result = check(text, world);
  if (result.ok) return result.value;
  throw new Error(`the configuration has problems: ${JSON.stringify(result.error)}`);
}

/** Text, place, line (0: not looked at), and what the problem and the remedy must say. */
export type WrongRow = readonly [
  what: string,
  text: string,
  place: string,
  line: number,
  problem: RegExp,
  remedy: RegExp,
];

/** That the text, with a provider behind it, has this one problem. */
export function assertWrong([, text, place, line, problem, remedy]: WrongRow, world?: World): void {
  const found = issuesOf(text + trial, world);
  assert.equal(found.length, 1, JSON.stringify(found));
  assert.equal(found[0]?.key, place);
  if (line !== 0) assert.equal(found[0]?.line, line);
  assert.match(found[0]?.problem ?? '', problem);
  assert.match(found[0]?.remedy ?? '', remedy);
}
