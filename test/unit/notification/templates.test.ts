import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { limits } from '../../../src/core/limits.ts';
import { Templates } from '../../../src/notification/templates.ts';
import type { TemplateConfig } from '../../../config/engine-config.ts';
import type { TemplateFields } from '../../../src/notification/templates.ts';

const fields: TemplateFields = {
  sender: 'room@muc.example/Juliet',
  senderName: 'Juliet',
  room: 'room@muc.example',
  roomName: 'room',
  count: '3',
  app: 'net.example.chat',
  body: 'Wherefore art thou',
};

function template(over: Partial<TemplateConfig>): TemplateConfig {
  return { for: 'message', app: '', language: '', title: '', body: '', ...over };
}

function body(text: string, over: Partial<TemplateFields> = {}): string | undefined {
  return new Templates([template({ body: text })]).word('message', '', '', { ...fields, ...over })?.body;
}

function title(text: string, over: Partial<TemplateFields> = {}): string | undefined {
  return new Templates([template({ title: text })]).word('message', '', '', { ...fields, ...over })?.title;
}

describe('which template', () => {
  const templates = new Templates([
    template({ body: 'neither' }),
    template({ language: 'de', body: 'language' }),
    template({ language: 'de-CH', body: 'language of a country' }),
    template({ app: 'a', body: 'app' }),
    template({ app: 'a', language: 'de', body: 'app and language' }),
    template({ app: 'b', language: 'fr', body: 'other app' }),
    template({ for: 'call', body: 'call' }),
    template({ body: 'never: the first of two counts' }),
  ]);
  const rows: readonly (readonly [app: string, language: string, body: string])[] = [
    ['', '', 'neither'],
    ['x', '', 'neither'],
    ['x', 'en', 'neither'],
    ['', 'de', 'language'],
    ['x', 'de', 'language'],
    ['b', 'de', 'language'],
    ['b', 'en', 'neither'],
    ['b', 'fr-CA', 'other app'],
    ['a', '', 'app'],
    ['a', 'en', 'app'],
    ['a', 'de', 'app and language'],
    ['a', 'de-CH', 'app and language'],
    ['', 'de-AT', 'language'],
    ['', 'de_AT', 'language'],
    ['', 'DE-latn-AT', 'language'],
    ['', 'de-CH', 'language of a country'],
    ['', 'DE-ch-1996', 'language of a country'],
    ['', 'd', 'neither'],
    ['', '-', 'neither'],
    ['', `de-${'x'.repeat(40)}`, 'neither'],
    ['', '__proto__', 'neither'],
  ];
  for (const [app, language, expected] of rows) {
    it(`app "${app}" and language "${language.slice(0, 12)}": ${expected}`, () => {
      assert.equal(templates.word('message', app, language, fields)?.body, expected);
    });
  }

  it('only those of its kind, and none is no wording', () => {
    assert.equal(templates.word('call', 'a', 'de', fields)?.body, 'call');
    assert.equal(templates.word('group', 'a', 'de', fields), undefined);
    assert.equal(new Templates([template({ app: 'a', body: 'x' })]).word('message', 'b', '', fields), undefined);
  });
});

describe('what a template says', () => {
  const rows: readonly (readonly [placeholder: string, value: string])[] = [
    ['{sender}', 'room@muc.example/Juliet'],
    ['{sender_name}', 'Juliet'],
    ['{room}', 'room@muc.example'],
    ['{room_name}', 'room'],
    ['{count}', '3'],
    ['{app}', 'net.example.chat'],
    ['{body}', 'Wherefore art thou'],
  ];
  for (const [placeholder, value] of rows) {
    it(`${placeholder} is ${value}`, () => {
      assert.equal(body(`<${placeholder}${placeholder}>`), `<${value}${value}>`);
      assert.equal(title(placeholder), value);
    });
  }

  it('leaves text in braces that is no placeholder, and placeholders inside of values', () => {
    assert.equal(body('{} {x} {{body}} {body'), '{} {x} {Wherefore art thou} {body');
    assert.equal(body('{sender_name}: {body}', { senderName: '{body}', body: '{room} $& $1' }), '{body}: {room} $& $1');
  });

  it('is undefined of what the template leaves empty', () => {
    assert.equal(title(''), undefined);
    assert.equal(new Templates([template({ title: 'x' })]).word('message', '', '', fields)?.body, undefined);
  });

  it('is empty when nothing visible remains', () => {
    const nothing = { senderName: '', body: '', count: '' };
    for (const text of ['{body}', ' {body} ', '{sender_name}: {body}', '({count})'])
      assert.equal(body(text, nothing), '', text);
    assert.equal(body('{body}', { body: '\u200b \u0007' }), '');
    assert.equal(body('{count} new', nothing), 'new');
    assert.equal(body('{body}', { body: '?!' }), '?!');
    assert.equal(body('{body}✉', nothing), '✉');
    assert.equal(body('...'), '...');
  });

  it('strips control characters and marks that turn the writing; lines end in the body alone', () => {
    assert.equal(body('{body}', { body: 'a\u0000b\u001bc\u202ed\ne\tf' }), 'abcd\ne\tf');
    assert.equal(title('{body}', { body: 'a\n\nb\tc' }), 'a b c');
    assert.equal(body('{sender_name}: {body}', { senderName: 'Eve\nAnna\u202e' }), 'Eve Anna: Wherefore art thou');
  });

  it('is at most as long as a body may be, and splits no character', () => {
    const long = body('{body}{body}', { body: '😀'.repeat(1000) }) ?? '';
    assert.equal(long, '😀'.repeat(limits.bodyBytesMax / 4));
    assert.ok(Buffer.byteLength(title('x{sender}', { sender: 'ä'.repeat(4000) }) ?? '') <= limits.bodyBytesMax);
  });
});
