/** docs/gateways.md against the code: its configurations are read, and its tables of reasons and messages are held. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { apnsReasons } from '../../src/provider/apns-reasons.ts';
import { fcmErrorCodes, fcmStatuses } from '../../src/provider/fcm-reasons.ts';
import { classifyMongoosePush } from '../../src/provider/mongoosepush-answers.ts';
import { outcomeKinds } from '../../src/core/outcome.ts';
import { assertCommands, assertMessages, blocksOf, pageOf } from './docs-page.ts';
import { configOf } from './tutorial-world.ts';

const page = pageOf('gateways.md');
const providers = blocksOf(page).filter(({ info }) => info === 'toml part');

/** Of the first two columns below this heading, where both are code. */
function rowsBelow(heading: string): readonly (readonly [reason: string, kind: string])[] {
  const [, section = ''] = page.split(`\n| ${heading} |`);
  const table = section.slice(0, section.indexOf('\n\n'));
  const rows = [...table.matchAll(/^\| `([^`]+)` \| `([^`]+)` \|/gm)];
  return rows.map(([, reason = '', kind = '']) => [reason, kind]);
}

describe('the page about gateways', () => {
  for (const { text, line } of providers) {
    it(`line ${line}: the configuration has no problem`, () => {
      assert.ok(configOf(text).providers.length > 0);
    });
  }

  it("shows each kind of gateway, both of Apple's credentials, and a proxy", () => {
    assert.ok(providers.length >= 7);
    const all = providers.flatMap(({ text }) => configOf(text).providers);
    assert.deepEqual(new Set(all.map(({ kind }) => kind)), new Set(['apns', 'fcm', 'mongoosepush']));
    const apns = all.filter((provider) => provider.kind === 'apns');
    assert.deepEqual(new Set(apns.map(({ auth }) => auth.kind)), new Set(['token', 'certificate']));
    assert.equal(apns.filter(({ proxyUrl }) => proxyUrl !== '').length, 1);
  });

  it("each of Apple's reasons that is about more than one notification has its row, with its outcome", () => {
    const rows = rowsBelow("Apple's reason");
    for (const [reason, kind] of rows) assert.equal(apnsReasons.get(reason)?.kind, kind, reason);
    const told = new Set(rows.map(([reason]) => reason));
    const others = [...apnsReasons].filter(([reason, { kind }]) => kind !== 'rejected' && !told.has(reason));
    assert.deepEqual(others, []);
  });

  it("each of Google's words has its row, with its outcome", () => {
    const rows = new Map(rowsBelow("Google's reason"));
    const known = [...fcmStatuses, ...fcmErrorCodes];
    for (const [reason, { kind }] of known) assert.equal(rows.get(reason), kind, reason);
    assert.equal(rows.size, new Set(known.map(([reason]) => reason)).size);
  });

  it("MongoosePush's words have the outcomes of their rows", () => {
    const rows = rowsBelow("MongoosePush's reason");
    assert.equal(rows.length, 13);
    for (const [reason, kind] of rows) {
      const body = JSON.stringify({ reason });
      // A status that alone would mean something else.
      const status = kind === 'unavailable' ? 400 : 503;
      assert.equal(classifyMongoosePush({ status, fields: {}, body, nowMs: 0 }).kind, kind, reason);
    }
  });

  it('every outcome has its row', () => {
    const [, section = ''] = page.split('\n| Outcome |');
    const table = section.slice(0, section.indexOf('\n\n'));
    const rows = [...table.matchAll(/^\| `([^`]+)`/gm)].map(([, kind]) => kind);
    assert.deepEqual(new Set(rows), new Set(outcomeKinds));
  });

  it('every message of the log, and every reason of ours, that is told of is written by the source', () => {
    const [, log = ''] = page.split('\n## What the log says\n');
    assert.ok(assertMessages(log) >= 17);
    const [, reasons = ''] = page.split('\n| Reason | It means |');
    assert.ok(assertMessages(reasons.slice(0, reasons.indexOf('\n\n'))) >= 5);
  });

  it('every command line is one of ours, with options that it has', { timeout: 60_000 }, async (t) => {
    assert.ok((await assertCommands(t, page)) >= 3);
  });
});
