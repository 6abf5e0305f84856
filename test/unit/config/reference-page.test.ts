import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { problemOf } from '../../../config/check-value.ts';
import { configSections } from '../../../config/config-sections.ts';
import { referencePage } from '../../../config/reference-page.ts';
import { root } from './config-fixture.ts';

test('reference.md is fresh: npm run docs makes it anew', () => {
  assert.equal(readFileSync(new URL('config/reference.md', root), 'utf8'), referencePage());
});

test('every default and every example passes the check of its own key', () => {
  for (const { path, keys } of configSections) {
    for (const [name, key] of Object.entries(keys)) {
      const place = `${path}.${name}`;
      const isSettled = key.required === true || key.optional === true || key.default !== undefined;
      assert.ok(isSettled, `${place} has a default, is required, or may be left out`);
      if (key.default !== undefined) assert.equal(problemOf(key, key.default), undefined, place);
      if (key.example !== undefined) assert.equal(problemOf(key, key.example), undefined, place);
      assert.match(key.says, /\.$/, `${place} has a sentence`);
    }
  }
});

test('the default file mentions every key', () => {
  const text = readFileSync(new URL('config/meerkat.toml', root), 'utf8');
  const rarelySet = new Set([
    'host', 'allow_multiple', 'servername', 'certificate', 'certificate_key', 'project_id', 'client_email',
    'private_key', 'private_key_id', 'token_url', 'connections', 'services', 'stall_share', 'stall_ms',
  ]); // prettier-ignore
  for (const { path, keys } of configSections) {
    for (const name of Object.keys(keys)) {
      assert.ok(rarelySet.has(name) || new RegExp(`\\b${name}(_file)? = `).test(text), `${path}.${name}`);
    }
  }
});
