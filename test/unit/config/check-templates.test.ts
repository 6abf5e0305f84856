import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertWrong, configOf, issuesOf, trial } from './config-fixture.ts';
import type { WrongRow } from './config-fixture.ts';

const template = (text: string): string => `[[templates]]\n${text}\n`;
const list = /\{sender\}, \{sender_name\}, \{room\}, \{room_name\}, \{count\}, \{app\}/;

test('every placeholder is known, and braces that enclose nothing are text', () => {
  const all = '{sender} {sender_name} {room} {room_name} {count} {app}';
  const text = template(`for = "group"\napp = "a"\nlanguage = "de"\ntitle = "${all}"\nbody = "${all} {body} :-} {"`);
  assert.deepEqual(configOf(text + trial).templates, [
    { for: 'group', app: 'a', language: 'de', title: all, body: `${all} {body} :-} {` },
  ]);
});

const wrong: readonly WrongRow[] = [
  ['an unknown placeholder', template('title = "{from}"'), 'templates.0.title', 2, /"\{from\}"/, list],
  ['an unknown placeholder in a body', template('body = "a {boby}"'), 'templates.0.body', 2, /\{boby\}/, /\{body\}/],
  ['a body in a title', template('title = "{body}"'), 'templates.0.title', 2, /only body may/, list],
  ['an empty placeholder', template('title = "{}"'), 'templates.0.title', 2, /"\{\}"/, list],
  ['another case', template('title = "{Sender}"'), 'templates.0.title', 2, /Sender/, list],
  ['spaces in a placeholder', template('title = "{ sender }"'), 'templates.0.title', 2, /sender/, list],
  ['doubled braces', template('title = "{{sender}}"'), 'templates.0.title', 2, /doubled/, /one on each side/],
  ['a language with an underscore', template('language = "de_DE"'), 'templates.0.language', 2, /de_DE/, /BCP 47/],
  ['a language in words', template('language = "german"'), 'templates.0.language', 2, /german/, /such as "de"/],
  ['another kind', template('for = "groupchat"'), 'templates.0.for', 2, /groupchat/, /"message", "group"/],
  ['a key that is not there', template('titel = "x"'), 'templates.0.titel', 2, /not a key/, /mean title\?/],
  [
    'the same wording twice',
    template('app = "a"\nlanguage = "de-AT"') + template('language = "de"') + template('app = "a"\nlanguage = "DE-at"'),
    'templates.2',
    6,
    /templates\.0/,
    /Remove one/,
  ],
  ['two without any key', template('') + template(''), 'templates.1', 3, /templates\.0/, /Remove one/],
];

for (const row of wrong) test(`${row[0]} in a template is a problem`, () => assertWrong(row));

test('templates for other kinds, apps or languages are not the same', () => {
  const text = ['', 'for = "call"', 'app = "a"', 'language = "de"', 'language = "zh-Hant-TW"'].map(template);
  assert.deepEqual(issuesOf(text.join('') + trial), []);
});
