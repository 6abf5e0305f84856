import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { limits } from '../../../src/core/limits.ts';
import { parseStanza } from '../../../src/xmpp/parse-stanza.ts';
import { childOf, namespaceOf, textOf } from '../../../src/xmpp/xml.ts';

function problemOf(text: string): string {
  const stanza = parseStanza(text);
  return stanza.ok ? '' : stanza.error;
}

const good = "<message to='anna@example.com'><body>hi &amp; bye</body></message>";

describe('one stanza as text', () => {
  it('8.1: is read in jabber:client unless it says otherwise', () => {
    for (const text of [good, ` \n${good}\r\n`, good.replace('<message', "<message xmlns='jabber:client'")]) {
      const stanza = parseStanza(text);
      assert.ok(stanza.ok);
      assert.equal(namespaceOf(stanza.value), 'jabber:client');
      const body = childOf(stanza.value, 'body', 'jabber:client');
      assert.ok(body !== undefined);
      assert.equal(textOf(body), 'hi & bye');
    }
  });

  const table: readonly [string, string, RegExp][] = [
    ['8.1: nothing', '  ', /^empty$/],
    ['8.1: no XML', 'hello', /more than one|without an end/],
    ['8.1: no end', '<message><body>', /^a stanza without an end$/],
    ['8.1: half a tag', '<message', /^a stanza without an end$/],
    ['8.1: two stanzas', good + good, /^more than one stanza$/],
    ['8.1: text behind it', `${good}text`, /^more than one stanza$/],
    ['8.1: text before it', `text${good}`, /^more than one stanza$/],
    ['8.1: a second one begins', `${good}<message>`, /^more than one stanza$/],
    ['8.1: the end of the stream', '</stream:stream>', /^the end of a stream$/],
    ['8.1: the end of the stream behind it', `${good}</stream:stream>`, /^the end of a stream$/],
    ['8.1: wrongly nested', '<message><body></message>', /^an end tag without its start tag$/],
    ['8.3: a document type', '<!DOCTYPE x><message/>', /^a comment or a document type$/],
    ['8.3: an entity', '<message>&boom;</message>', /^an unknown entity or character$/],
    ['8.3: a declaration', `<?xml version='1.0'?>${good}`, /^an XML declaration inside the stream$/],
    ['8.5: too deep', `${'<a>'.repeat(100)}${'</a>'.repeat(100)}`, /^nested too deep$/],
    ['8.5: too many elements', `<message>${'<a/>'.repeat(limits.elementsMax)}</message>`, /^too many elements$/],
    ['8.5: too large', `<message>${'x'.repeat(limits.stanzaBytesDefault)}</message>`, /^at most 262144 bytes$/],
  ];
  for (const [says, text, problem] of table) {
    it(`${says} is refused, and the next one goes on`, () => {
      assert.match(problemOf(text), problem);
      assert.equal(problemOf(good), '');
    });
  }

  it('8.5: the limits are those of each stanza, not of all together', () => {
    const half = `<message>${'<a/>'.repeat(limits.elementsMax / 2)}</message>`;
    for (let count = 0; count < 4; count++) assert.equal(problemOf(half), '');
    const large = `<message>${'x'.repeat(limits.stanzaBytesDefault / 2)}</message>`;
    for (let count = 0; count < 4; count++) assert.equal(problemOf(large), '');
  });
});
