import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { issueText } from '../../../config/config-issue.ts';
import { parseConfig, parseConfigObject } from '../../../config/parse-config.ts';
import { limits } from '../../../src/core/limits.ts';
import { check, configOf, issuesOf, root, server, trial } from './config-fixture.ts';
import type { EngineConfigInput } from '../../../config/provider-schema.ts';

test('a provider alone is a configuration, and every other key has its default', () => {
  const config = configOf(trial);
  assert.deepEqual(config.servers, []);
  assert.equal(config.engine.dataDir, './data');
  assert.equal(config.engine.iqReplyMs, 4500);
  assert.equal(config.registrations.shards, 4);
  assert.equal(config.providers[0]?.creditMax, 2_048);
  assert.ok(config.workers.threads >= 1, 'zero threads means a number that fits the machine');
});

test('a server gets the defaults of the schema, which agree with the limits of the engine', () => {
  const [first] = configOf(server + trial).servers;
  assert.equal(first?.host, '127.0.0.1');
  assert.equal(first?.port, 5347);
  assert.equal(first?.stanzaBytesMax, limits.stanzaBytesDefault);
  assert.deepEqual(first?.tls, { mode: 'off', caFile: '', servername: '' });
});

for (const name of ['meerkat', 'ejabberd', 'prosody', 'mongooseim', 'openfire']) {
  test(`config/${name}.toml passes its own check as it is`, () => {
    const path = new URL(`config/${name}.toml`, root);
    const read = parseConfig({
      text: readFileSync(path, 'utf8'),
      path: path.pathname,
      env: {},
      readFile: () => assert.fail('it must not need another file'),
    });
    assert.deepEqual(read.ok ? [] : read.error, []);
  });
}

// Files that are not here, and alternatives that are shown side by side.
const expectedOfExamples = /cannot be read|names a file|never chosen: "(trial|apns-prod)"|beside \[\[push\.rules\]\]/;

test('config/meerkat.toml still passes when every commented example is switched on', () => {
  const text = readFileSync(new URL('config/meerkat.toml', root), 'utf8');
  const keys = [...text.matchAll(/^# (\w+) = /gm)].map((match) => match[1]);
  assert.ok(keys.length > 40, `${keys.length} examples`);
  const on = text.replaceAll(/^# (?=\w+ = |\[\[)/gm, '');
  const problems = issuesOf(on).filter((issue) => !expectedOfExamples.test(issue.problem));
  assert.deepEqual(problems, []);
});

for (const name of ['ejabberd', 'prosody', 'mongooseim']) {
  test(`config/${name}.toml still passes when its commented examples are switched on`, () => {
    const text = readFileSync(new URL(`config/${name}.toml`, root), 'utf8');
    const on = text.replaceAll(/^# (?=\w+ = |\[)/gm, '');
    assert.notEqual(on, text);
    const problems = issuesOf(on).filter((issue) => !expectedOfExamples.test(issue.problem));
    assert.deepEqual(problems, []);
  });
}

/** Text, line, key, and what the problem and the remedy must say. */
const wrong: readonly (readonly [string, string, number, string, RegExp, RegExp])[] = [
  ['an unknown key', '[engine]\nlog_levle = "info"\n', 2, 'engine.log_levle', /not a key/, /mean log_level\?$/],
  [
    'a key with another unit',
    '[engine]\niq_reply_seconds = 5\n',
    2,
    'engine.iq_reply_seconds',
    /not a key/,
    /iq_reply_ms/,
  ],
  ['an unknown section', '\n[notificatons]\n', 2, 'notificatons', /not a section/, /mean notifications\?/],
  ['an unknown key of a server', `${server}prt = 1\n`, 5, 'servers.0.prt', /not a key/, /port/],
  [
    'text for a number',
    '[engine]\niq_reply_ms = "5s"\n',
    2,
    'engine.iq_reply_ms',
    /is text/,
    /Write 5000 \(milliseconds\)/,
  ],
  ['a size in words', '[registrations]\nmap_bytes = "2GiB"\n', 2, 'registrations.map_bytes', /is text/, /2147483648/],
  ['a fraction', '[engine]\nstop_ms = 1.5\n', 2, 'engine.stop_ms', /not a whole number/, /from 0 to 120000/],
  ['a number out of bounds', `${server}port = 65536\n`, 5, 'servers.0.port', /is 65536/, /from 1 to 65535/],
  ['a number for text', '[engine]\ndata_dir = 5\n', 2, 'engine.data_dir', /is a number, not text/, /path of a folder/],
  ['text for a flag', '[push_nodes]\ncreate = "yes"\n', 2, 'push_nodes.create', /is text/, /true or false/],
  ['an unknown choice', '[engine]\nlog_level = "all"\n', 2, 'engine.log_level', /is "all"/, /"debug", "info"/],
  ['text for a list', '[push_nodes]\nallowed_domains = "a"\n', 2, 'push_nodes.allowed_domains', /is text/, /list/],
  ['a date', '[engine]\nsecret_key = 2026-01-01\n', 2, 'engine.secret_key', /is a date/, /text/],
  ['a short key', '[engine]\nsecret_key = "fifteen-bytes-x"\n', 2, 'engine.secret_key', /shorter than 16/, /text/],
  ['a table where a list of tables must be', '[servers]\nname = "a"\n', 1, 'servers', /not a list/, /\[\[servers\]\]/],
  ['a value where a section must be', 'engine = 5\n', 1, 'engine', /not a table/, /\[engine\]/],
  ['shards of another number', '[registrations]\nshards = 3\n', 2, 'registrations.shards', /power of two/, /1 to 256/],
];

for (const [what, text, line, key, problem, remedy] of wrong) {
  test(`${what} is reported with its line and what to write instead`, () => {
    const found = issuesOf(text + trial);
    assert.equal(found.length, 1, JSON.stringify(found));
    assert.equal(found[0]?.line, line);
    assert.equal(found[0]?.key, key);
    assert.match(found[0]?.problem ?? '', problem);
    assert.match(found[0]?.remedy ?? '', remedy);
  });
}

test('every problem is reported at once, in the order of the file', () => {
  const found = issuesOf(
    '[engine]\nstop_ms = -1\nlog_level = 1\n[[servers]]\nport = 0\n[[providers]]\nkind = "apns"\n',
  );
  assert.deepEqual(
    found.map(({ line, key }) => `${line} ${key}`),
    [
      '2 engine.stop_ms',
      '3 engine.log_level',
      '4 servers.0.name',
      '4 servers.0.domain',
      '4 servers.0.secret',
      '5 servers.0.port',
      '6 providers.0.name',
      '6 providers.0',
    ],
  );
});

test('text that is not TOML is reported with its line, without quoting the line', () => {
  const found = issuesOf('[engine]\nsecret_key = hunter2hunter2hunter2\n');
  assert.equal(found.length, 1);
  assert.equal(found[0]?.line, 2);
  assert.match(found[0]?.problem ?? '', /not TOML/);
  assert.doesNotMatch(JSON.stringify(found), /hunter2/);
});

test('a key that would reach the prototype of an object is refused', () => {
  assert.match(JSON.stringify(issuesOf('[engine.__proto__]\npolluted = true\n')), /not TOML/);
  assert.equal('polluted' in {}, false);
});

test('a configuration without providers is told how to get one', () => {
  const found = issuesOf(server);
  assert.equal(found.length, 1);
  assert.match(found[0]?.remedy ?? '', /\[\[providers\]\].*blackhole/);
});

test('a problem is printed as file, line, key, problem and remedy', () => {
  const [issue] = issuesOf(`[engine]\nstop_ms = -1\n${trial}`);
  assert.ok(issue !== undefined);
  assert.equal(
    issueText(issue, 'a.toml'),
    'a.toml:2: engine.stop_ms: is -1. Write a number from 0 to 120000 (milliseconds).',
  );
});

test('an object in the shape of the file passes the same checks, without lines', () => {
  const input: EngineConfigInput = {
    engine: { log_level: 'warn' },
    providers: [{ name: 'trial', kind: 'blackhole', stall_share: 0.5 }],
  };
  const good = parseConfigObject(input);
  assert.ok(good.ok);
  assert.deepEqual(good.ok && good.value, configOf(`[engine]\nlog_level = "warn"\n${trial}stall_share = 0.5\n`));
  const bad = parseConfigObject({ engine: { log_level: 'loud' }, providers: 5 });
  assert.deepEqual(bad.ok ? [] : bad.error.map(({ line, key }) => [line, key]), [
    [0, 'engine.log_level'],
    [0, 'providers'],
  ]);
});

test('an object that is no table is a problem, not an exception', () => {
  for (const raw of [null, 5, 'x', [], undefined]) assert.equal(parseConfigObject(raw).ok, false);
});

test('a file of more than a million characters is not read', () => {
  const result = check('#'.repeat(1_048_577));
  assert.equal(result.ok, false);
});
