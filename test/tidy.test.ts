/**
 * The house rules. First each rule against samples that break it, so that a rule which finds nothing is known to be
 * able to; then all of them against the project.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { codeRules } from './tidy/code-rules.ts';
import { importRules } from './tidy/import-rules.ts';
import { pageRules } from './tidy/page-rules.ts';
import { badSamples, goodSamples } from './tidy/samples.ts';
import { sizeRules } from './tidy/size-rules.ts';
import { sourceFile } from './tidy/source-file.ts';
import { readTree } from './tidy/tree.ts';
import type { Tree } from './tidy/tree.ts';

const rules = [...importRules, ...codeRules, ...sizeRules, ...pageRules];

function treeOf(texts: Readonly<Record<string, string>>): Tree {
  const entries = Object.entries(texts);
  return {
    files: entries.filter(([path]) => /\.(?:ts|mjs)$/.test(path)).map(([path, text]) => sourceFile(path, text)),
    pages: entries.filter(([path]) => !/\.(?:ts|mjs)$/.test(path)).map(([path, text]) => ({ path, text })),
    paths: new Set(entries.map(([path]) => path)),
  };
}

describe('tidy: every rule can fail', () => {
  for (const rule of rules) {
    it(rule.name, () => {
      const samples = badSamples.filter((sample) => sample.rule === rule.name);
      assert.ok(samples.length > 0, 'this rule has no bad sample');
      for (const sample of samples) {
        const lines = rule.check(treeOf(sample.files)).map(({ path, line }) => `${path}:${line}`);
        assert.deepEqual(lines, sample.found, JSON.stringify(sample.files));
      }
    });
  }

  it('finds nothing where nothing is wrong', () => {
    for (const files of goodSamples) {
      for (const rule of rules)
        assert.deepEqual(rule.check(treeOf(files)), [], `${rule.name}: ${JSON.stringify(files)}`);
    }
  });
});

describe('tidy: the project keeps its rules', () => {
  const tree = readTree();
  for (const rule of rules) {
    it(rule.name, () => {
      const found = rule.check(tree).map(({ path, line, message }) => `${path}:${line}  ${message}`);
      assert.equal(found.length, 0, `\n${found.join('\n')}\n`);
    });
  }
});
