import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attribute, childOf, namespaceOf, textOf } from '../../../src/xmpp/xml.ts';
import { header, printed, reading, readingStream } from './stream-recorder.ts';

const ping = `<iq type='get' id='p1' from='a.lab' to='push.lab'><ping xmlns='urn:xmpp:ping'/></iq>`;
const pingLine = `stanza ${ping.length} ${ping.replace('/>', '></ping>')}`;

/** The only thing said about this text inside an open stream, after a ping that must be delivered. */
function ending(...text: readonly (string | Uint8Array)[]): string {
  const { lines } = readingStream([ping, ...text]);
  assert.equal(lines[0], pingLine);
  assert.equal(lines.length, 2, lines.join('\n'));
  return lines[1] ?? '';
}

test('1.2 the stream id is unescaped, whatever the order of attributes and the quotes', () => {
  const written =
    `<?xml version="1.0"?><stream:stream id="a&amp;b1" xmlns:stream='http://etherx.jabber.org/streams' ` +
    `from="x" xmlns="jabber:component:accept">`;
  const [opened] = reading([written]).headers;
  assert.ok(opened);
  assert.equal(attribute(opened, 'id'), 'a&b1');
  assert.equal(namespaceOf(opened), 'http://etherx.jabber.org/streams');
});

test('1.5 the acknowledgement and stanzas in one segment are delivered in their order', () => {
  const { lines } = reading([`${header}<handshake/>${ping}<message/>${ping}`]);
  assert.deepEqual(lines.slice(1), [
    'stanza 12 <handshake></handshake>',
    pingLine,
    'stanza 10 <message></message>',
    pingLine,
  ]);
});

test('1.5 a character cut in two arrives whole', () => {
  const bytes = Buffer.from('<message><body>é 😀</body></message>');
  for (let first = 0; first < bytes.length; first++) {
    for (let second = first; second < bytes.length; second += 3) {
      const { lines } = readingStream([
        bytes.subarray(0, first),
        bytes.subarray(first, second),
        bytes.subarray(second),
      ]);
      assert.deepEqual(lines, [`stanza ${bytes.length} <message><body>é 😀</body></message>`]);
    }
  }
});

test('1.6 an error beside a header with an empty id is delivered, and so is the end', () => {
  const error = `<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>`;
  const { lines, stanzas, headers } = reading([header.replace("id='1'", "id=''") + error + '</stream:stream>']);
  const [first] = stanzas;
  assert.ok(headers[0] && first);
  assert.equal(attribute(headers[0], 'id'), '');
  assert.equal(namespaceOf(first), 'http://etherx.jabber.org/streams');
  assert.ok(childOf(first, 'host-unknown', 'urn:ietf:params:xml:ns:xmpp-streams'));
  assert.equal(lines.at(-1), 'closed');
});

test('1.7 nothing is delivered after the end of the stream, and nothing is refused', () => {
  assert.deepEqual(readingStream(['</stream:stream>', ping, '<!DOCTYPE x>', Uint8Array.of(0xff)]).lines, ['closed']);
  assert.deepEqual(readingStream([`</stream:stream >${ping}`]).lines, ['closed']);
});

test('1.11, 8.14 text between stanzas is ignored', () => {
  assert.deepEqual(readingStream([`${ping}300`, ' \r\n\t ', `x&amp;y${ping}`, '<![CDATA[<z>]]>', ping]).lines, [
    pingLine,
    pingLine,
    pingLine,
  ]);
});

test('1.16 white space alone keeps nothing', () => {
  const { lines, stanzas } = readingStream([...Array.from({ length: 1000 }, () => ' '), ping]);
  assert.deepEqual(lines, [pingLine]);
  assert.equal(stanzas[0]?.parent?.children.length, 0);
});

test('a delivered stanza hangs on the header, which keeps no stanza', () => {
  const { stanzas, headers } = readingStream([ping, ping, ping]);
  assert.equal(stanzas.length, 3);
  for (const stanza of stanzas) assert.equal(stanza.parent, headers[0]);
  assert.equal(headers[0]?.children.length, 0);
  assert.equal(stanzas[0] && namespaceOf(stanzas[0]), 'jabber:component:accept');
});

test('the size of a stanza is that of its bytes, however it was cut', () => {
  const stanza = '<message><body>é😀ab&amp;</body></message>';
  const bytes = Buffer.from(`  ${stanza} ${stanza}`);
  for (let cut = 0; cut <= bytes.length; cut++) {
    assert.deepEqual(readingStream([bytes.subarray(0, cut), bytes.subarray(cut)]).sizes, [
      Buffer.byteLength(stanza),
      Buffer.byteLength(stanza),
    ]);
  }
});

const malformed: readonly string[] = [
  '<a></b>',
  '<a><b></a></b>',
  '</a>',
  '</stream>',
  '</stream:streams>',
  '<a><b></b',
  '<a <b/>',
  '<a b>',
  '<a b=>',
  '<a b=c>',
  "<a b='c>",
  `<a b='c">`,
  "<a b='c'd='e'/>",
  "<a b='<'/>",
  "<a / b='c'/>",
  '<a//>',
  '< a/>',
  '<1a/>',
  '<-a/>',
  '<a:/>',
  '<:a/>',
  '<stream:a:b/>',
  '<a =""/>',
  '<a b""/>',
  "<a b'c'/>",
  "<a &='c'/>",
  '<a>&nbsp;</a>',
  '<a>&</a>',
  '<a>& </a>',
  '<a>&amp</a>',
  '<a>&;</a>',
  '<a>&#;</a>',
  '<a>&#x;</a>',
  '<a>&#xg;</a>',
  '<a>&#1114112;</a>',
  '<a>&#X41;</a>',
  '<a>&AMP;</a>',
  '<a>&aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;</a>',
  "<a b='&bogus;'/>",
  "<a b='&'/>",
  '<a>]]></a>',
  '<a\u00d7/>',
  '<a></a b>',
  '<a></ a>',
  '<a></>',
  '<>',
  '<a>&bogus;',
];

for (const text of malformed) {
  test(`8.1 ${JSON.stringify(text)} closes the stream, and no part of it is delivered`, () => {
    // What is still open at the end of the input cannot be told from slow input: the next tag decides.
    assert.equal(ending(text, "<x y='z'/>", ' ></q>', '</q>'), 'failed not-well-formed');
  });
}

test('8.1 what was complete before the fault is delivered, whether or not it came in one piece', () => {
  assert.deepEqual(readingStream([`${ping}<a></b>${ping}`]).lines, [pingLine, 'failed not-well-formed']);
  assert.deepEqual(readingStream([`${ping}<a>\u0001</a>`]).lines, [pingLine, 'failed not-well-formed']);
  const bytes = Buffer.concat([Buffer.from(`${ping}<a>`), Uint8Array.of(0xc0, 0xaf), Buffer.from('</a>')]);
  assert.deepEqual(readingStream([bytes]).lines, [pingLine, 'failed not-well-formed']);
});

test('8.1 a stream that does not begin with a stream header is refused', () => {
  assert.deepEqual(reading(['<iq/>']).lines, ['failed bad-format']);
  assert.deepEqual(reading(['hello']).lines, ['failed not-well-formed']);
  assert.deepEqual(reading(['HTTP/1.1 400 Bad Request\r\n\r\n']).lines, ['failed not-well-formed']);
  assert.deepEqual(reading(["<stream xmlns='jabber:client'>"]).lines, ['failed invalid-namespace']);
  assert.deepEqual(reading(['<stream:stream>']).lines, ['failed not-well-formed']);
  assert.deepEqual(reading(['</stream:stream>']).lines, ['failed not-well-formed']);
  assert.deepEqual(reading(['<![CDATA[x]]>']).lines, ['failed not-well-formed']);
  assert.deepEqual(reading([`<stream:stream ${'x'.repeat(300_000)}`]).lines, ['failed policy-violation']);
});

const illegalBytes: Readonly<Record<string, readonly number[]>> = {
  'a lone continuation byte': [0x80],
  'an overlong slash': [0xc0, 0xaf],
  'an overlong NUL': [0xc0, 0x80],
  'an overlong three-byte form': [0xe0, 0x80, 0xaf],
  'a surrogate': [0xed, 0xa0, 0x80],
  'a code point beyond U+10FFFF': [0xf4, 0x90, 0x80, 0x80],
  'a byte that is never used': [0xff],
  'a character without its end': [0xc3, 0x28],
  NUL: [0x00],
  'U+001F': [0x1f],
  'U+FFFE': [0xef, 0xbf, 0xbe],
  'U+FFFF': [0xef, 0xbf, 0xbf],
};

for (const [name, bytes] of Object.entries(illegalBytes)) {
  test(`8.2 ${name} closes the stream, in text, in an attribute and between stanzas`, () => {
    for (const [before, after] of [
      ['<a>', '</a>'],
      ["<a b='", "'/>"],
      [' ', ' '],
    ] as const) {
      assert.equal(ending(before, Uint8Array.from(bytes), after), 'failed not-well-formed');
      const whole = Buffer.concat([Buffer.from(before), Uint8Array.from(bytes), Buffer.from(after)]);
      assert.equal(ending(whole), 'failed not-well-formed');
    }
  });
}

for (const reference of ['&#0;', '&#x1F;', '&#xD800;', '&#xDFFF;', '&#xFFFE;', '&#65535;', '&#8;']) {
  test(`8.2 the reference ${reference} closes the stream`, () => {
    assert.equal(ending(`<a>${reference}</a>`), 'failed not-well-formed');
    assert.equal(ending(`<a b='${reference}'/>`), 'failed not-well-formed');
    assert.equal(ending(reference), 'failed not-well-formed');
  });
}

test('8.2 legal references are resolved in text and attributes', () => {
  const { stanzas } = readingStream([`<a b='&lt;&gt;&amp;&quot;&apos;&#65;&#x1F600;&#10;'>x&#x41;&amp;lt;</a>`]);
  assert.ok(stanzas[0]);
  assert.equal(attribute(stanzas[0], 'b'), `<>&"'A😀\n`);
  assert.equal(textOf(stanzas[0]), 'xA&lt;');
});

test('8.3 an encoding other than UTF-8 is refused', () => {
  const refused = ['failed unsupported-encoding'];
  assert.deepEqual(reading([`<?xml version='1.0' encoding='ISO-8859-1'?>`]).lines, refused);
  assert.deepEqual(reading([`<?xml version='1.0' encoding="utf-16"?>${header}`]).lines, refused);
  assert.deepEqual(reading([Buffer.from(`\ufeff${header}`, 'utf16le')]).lines, refused);
  assert.deepEqual(reading([Buffer.from(header, 'utf16le')]).lines, refused);
  assert.deepEqual(reading([Buffer.from(header, 'utf16le').swap16()]).lines, refused);
  assert.equal(reading([header.replace('?>', ` encoding='utf-8'?>`)]).headers.length, 1);
  assert.equal(reading([`\ufeff${header}`]).headers.length, 1);
});

const laughs = Array.from({ length: 9 }, (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`).join('');
const payloads: readonly string[] = [
  `<!DOCTYPE l [<!ENTITY l0 "ha">${laughs}]><l>&l9;</l>`,
  `<!DOCTYPE q [<!ENTITY q "${'q'.repeat(50_000)}">]><q>${'&q;'.repeat(50_000)}</q>`,
  `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>`,
  `<!DOCTYPE x [<!ENTITY e SYSTEM "http://127.0.0.1:1/">]><x>&e;</x>`,
  `<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x.dtd"> %p;]><x/>`,
  `<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><x/>`,
  `<!DOCTYPE x PUBLIC "-//X//X//EN" "x.dtd"><x/>`,
  `<!DOCTYPE x [<!ENTITY a "&b;"><!ENTITY b "&a;">]><x>&a;</x>`,
  `<!DOCTYPE x [<!ATTLIST x y CDATA "${'z'.repeat(10_000)}">]><x/>`,
  `<!ENTITY x "y">`,
];

for (const [index, payload] of payloads.entries()) {
  test(`8.4 entity payload ${index + 1} is refused at its first token, inside and before the stream`, () => {
    assert.equal(ending(payload), 'failed restricted-xml');
    assert.equal(ending('<iq>', payload), 'failed restricted-xml');
    assert.equal(ending(payload.slice(0, 3), payload.slice(3)), 'failed restricted-xml');
    assert.equal(ending(payload.slice(0, 3)), 'failed restricted-xml');
    assert.deepEqual(reading([payload]).lines, ['failed restricted-xml']);
    assert.deepEqual(reading([`<?xml version='1.0'?>${payload}`]).lines, ['failed restricted-xml']);
  });
}

test('8.5 comments and processing instructions close the stream', () => {
  for (const text of ['<!-- x -->', '<!---->', '<!-', '<!x', '<?php x ?>', '<?x', '<?xml-stylesheet x?>', '<?']) {
    for (const before of ['', '<iq>', '<iq><a/>text']) {
      assert.equal(ending(`${before}${text}`, ' ?>'), 'failed restricted-xml', text);
    }
  }
  assert.deepEqual(reading(['<!-- x -->']).lines, ['failed restricted-xml']);
  assert.deepEqual(reading(['<?php ?>']).lines, ['failed restricted-xml']);
});

test('8.5 CDATA is text, joined with the text around it', () => {
  const stanza = '<a>x<![CDATA[<b>&amp;]] >]]>y<![CDATA[]]></a>';
  for (let cut = 0; cut < stanza.length; cut++) {
    const { stanzas } = readingStream([stanza.slice(0, cut), stanza.slice(cut)]);
    assert.ok(stanzas[0]);
    assert.deepEqual(stanzas[0].children, ['x<b>&amp;]] >y']);
  }
});

test('8.6 a second XML declaration or stream header closes the stream', () => {
  assert.equal(ending(`<?xml version='1.0'?>`), 'failed not-well-formed');
  assert.equal(ending(header), 'failed not-well-formed');
  assert.equal(ending(header.slice(header.indexOf('<stream'))), 'failed bad-format');
  assert.equal(ending(`<s:stream xmlns:s='http://etherx.jabber.org/streams'/>`), 'failed bad-format');
  assert.deepEqual(reading([` ${header}`]).lines, ['failed not-well-formed']);
  assert.deepEqual(reading([`<?xml version='1.0'?>${header}`]).lines, ['failed not-well-formed']);
  assert.deepEqual(reading([`<?xml version='2.0'?>`]).lines, ['failed not-well-formed']);
  assert.deepEqual(reading([`<?xml ${' '.repeat(1000)}`]).lines, ['failed not-well-formed']);
});

const unbound: readonly string[] = [
  `<a b='1' b='1'/>`,
  `<a b='1' c='2' d='3' b='4'/>`,
  `<a xmlns='x' xmlns='x'/>`,
  `<p:a/>`,
  `<a p:b='1'/>`,
  `<a><b xmlns:p='x'/><p:c/></a>`,
  `<a xmlns:xml='x'/>`,
  `<a xmlns:xmlns='http://www.w3.org/2000/xmlns/'/>`,
  `<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>`,
  `<a xmlns:p='http://www.w3.org/2000/xmlns/'/>`,
  `<a xmlns='http://www.w3.org/XML/1998/namespace'/>`,
  `<a xmlns:p=''/>`,
  `<xmlns:a/>`,
  `<a xmlns:p='x' xmlns:q='x' p:b='1' q:b='2'/>`,
];

for (const text of unbound) {
  test(`8.10 ${text} closes the stream`, () => {
    assert.equal(ending(text), 'failed not-well-formed');
  });
}

test('8.10 prefixes that are bound, and attributes that only look alike, are accepted', () => {
  for (const text of [
    `<p:a p:b='1' b='2' xmlns:p='x'></p:a>`,
    `<a xmlns:p='x'><b><p:c></p:c></b></a>`,
    `<a xml:lang='en' lang='x' xmlns:xml='http://www.w3.org/XML/1998/namespace'></a>`,
    `<a xmlns:p='x' xmlns:q='y' p:b='1' q:b='2'></a>`,
    `<stream:x stream:y='1'></stream:x>`,
    `<a xmlns=''></a>`,
    `<é ü='1'></é>`,
  ]) {
    assert.deepEqual(readingStream([text]).lines, [`stanza ${Buffer.byteLength(text)} ${text}`]);
  }
});

test('8.10 a duplicate is found among names that share a place in the table of known names', () => {
  const names = Array.from('abcdef', (first) => Array.from('_abcdefghijklm', (second) => first + second)).flat();
  for (const name of names) {
    for (const other of names) {
      if (name === other) continue;
      assert.deepEqual(readingStream([`<a ${name}='' ${other}='' ${name}=''/>`]).lines, ['failed not-well-formed']);
    }
  }
});

test('8.11 names of the language change nothing but themselves', () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'];
  for (const name of names) {
    const { stanzas } = readingStream([`<${name} ${name}='1' xmlns:${name}='y'><${name}:x>1</${name}:x></${name}>`]);
    assert.ok(stanzas[0], name);
    assert.equal(attribute(stanzas[0], 'hasOwnProperty'), name === 'hasOwnProperty' ? '1' : undefined);
    const [child] = stanzas[0].children;
    assert.ok(typeof child === 'object');
    assert.equal(namespaceOf(child), 'y');
  }
  assert.equal(Object.getPrototypeOf({}), Object.prototype);
  assert.equal(Object.keys(Object.prototype).length, 0);
});

test('8.32 a stanza whose end never comes is not delivered', () => {
  for (let cut = 0; cut < ping.length; cut++) assert.deepEqual(readingStream([ping.slice(0, cut)]).lines, []);
});

test('8.33 stream ids may be empty, long, or full of references', () => {
  for (const id of ['', 'x'.repeat(10_240), '&lt;&#x41;&amp;&quot;']) {
    const [opened] = reading([header.replace("id='1'", `id='${id}'`)]).headers;
    assert.ok(opened);
    assert.equal(attribute(opened, 'id'), id.startsWith('&') ? '<A&"' : id);
  }
});

test('8.34 any xml:lang is carried as it is', () => {
  const lang = `"&gt;&lt;script>${'x'.repeat(1024)}`;
  const { stanzas } = readingStream([`<iq xml:lang='${lang}'/>`]);
  assert.equal(stanzas[0]?.attrs['xml:lang'], `"><script>${'x'.repeat(1024)}`);
});

test('line ends are normalised as XML wants it, across writes too', () => {
  const { stanzas } = readingStream(['<a>1\r', '\n2\r\n3\r4&#13;\n</a>']);
  assert.equal(stanzas[0] && textOf(stanzas[0]), '1\n2\n3\n4\r\n');
});

test('white space inside tags is allowed where XML allows it', () => {
  const { stanzas } = readingStream([`<a\n b = '1'\tc="2" ><d\n/></a\n>`]);
  assert.equal(stanzas[0] && printed(stanzas[0]), `<a b='1' c='2'><d></d></a>`);
});
