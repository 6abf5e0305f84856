import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attributeOf, elementName, StanzaScanner, unescapeXml } from '../../../src/fake/stanza-scanner.ts';

function scan(chunks: readonly Uint8Array[]): string[] {
  const scanner = new StanzaScanner();
  const found: string[] = [];
  for (const chunk of chunks) {
    scanner.write(chunk, (scanned) => {
      found.push(scanned.kind === 'element' ? scanned.text : scanned.kind);
      return scanned.kind !== 'malformed' && scanned.kind !== 'end';
    });
  }
  return found;
}

const stanzas = [
  `<iq type='result' id='1'/>`,
  `<iq type="error" id="2"><error><iq><iq/></iq></error></iq>`,
  `<message id='ü😀'><body>a &amp; b</body ></message>`,
];

test('1.5 elements are found whatever the cut, inside a UTF-8 sequence too', () => {
  const bytes = Buffer.from(` ${stanzas.join('\n300')}</stream:stream>`);
  for (let cut = 0; cut <= bytes.length; cut++) {
    assert.deepEqual(scan([bytes.subarray(0, cut), bytes.subarray(cut)]), [...stanzas, 'end'], `${cut}`);
  }
  assert.deepEqual(scan(Array.from(bytes, (byte) => Uint8Array.of(byte))), [...stanzas, 'end']);
});

for (const text of ['<a><b></a></b>', '<!DOCTYPE x>', '<a>&nope;</a>', '</iq>', '<a><!-- --></a>']) {
  test(`1.10 ${text} is malformed, and nothing after it is read`, () => {
    assert.deepEqual(scan([Buffer.from(`<x/>${text}<y/>`)]), ['<x/>', 'malformed']);
  });
}

test('1.10 comments and instructions between stanzas are told apart', () => {
  assert.deepEqual(scan([Buffer.from('<!-- <x/> --><?pi x?><y/>')]), ['aside', 'aside', '<y/>']);
});

test('attributes are those of the opening tag, in either quote, unescaped', () => {
  const iq = `<iq to='a' id="x&apos;&#x41;&#66;&lt;" type='set'><query node='n'/></iq>`;
  assert.equal(elementName(iq), 'iq');
  assert.equal(attributeOf(iq, 'id'), `x'AB<`);
  assert.equal(attributeOf(iq, 'type'), 'set');
  assert.equal(attributeOf(iq, 'node'), undefined);
  assert.equal(unescapeXml('&quot;&gt;&amp;amp;'), '">&amp;');
});
