/**
 * Stanzas over a limit: skipped to their end, not built, and told to the sink with their start tag.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../../src/core/limits.ts';
import { StreamParser } from '../../../src/xmpp/stream-parser.ts';
import { header, readingStream, recorder } from './stream-recorder.ts';

const start = `<iq type='set' id='big' from='a.lab' to='push.lab'>`;
const after = `<iq id='after'/>`;
const afterLine = `stanza ${after.length} <iq id='after'></iq>`;

function skippedLines(stanza: string, stanzaBytesMax?: number): string[] {
  const { lines } = readingStream([after + stanza + after], stanzaBytesMax);
  const half = Math.floor(stanza.length / 2);
  const cut = readingStream([after, stanza.slice(0, half), stanza.slice(half), after], stanzaBytesMax).lines;
  assert.deepEqual(cut, lines);
  assert.equal(lines[0], afterLine);
  assert.equal(lines.at(-1), afterLine);
  return lines.slice(1, -1);
}

const iqSkipped = (reason: string): string => `oversized ${start}</iq> ${reason}`;

test('8.7 a stanza is over the limit by its bytes, not its characters', () => {
  const stanza = `${start}<a>${'é'.repeat(100)}</a></iq>`;
  const size = Buffer.byteLength(stanza);
  assert.deepEqual(skippedLines(stanza, size - 1), [iqSkipped('too large')]);
  assert.match(skippedLines(stanza, size)[0] ?? '', /^stanza /);
});

test('8.7 wherever the limit falls and the stanza is cut, it is told once and the next one is read', () => {
  const stanza = `${start}<a b='>/'>x&amp;y<![CDATA[</a></iq>]]></a><c/>z</iq>`;
  for (let max = start.length; max < stanza.length; max++) {
    for (let cut = 0; cut < stanza.length; cut += 3) {
      const { lines } = readingStream([after, stanza.slice(0, cut), stanza.slice(cut), after], max);
      assert.deepEqual(lines, [afterLine, iqSkipped('too large'), afterLine], `limit ${max}, cut ${cut}`);
    }
  }
});

test('8.7 a skipped stanza that comes byte by byte ends where it ends', () => {
  const stanza = `${start}<a b='>/'>x&amp;y<![CDATA[</a></iq>]]]></a><c d="/>"/>z</iq>`;
  const { lines } = readingStream(Array.from(`${after}${stanza}${after}`), start.length + 3);
  assert.deepEqual(lines, [afterLine, iqSkipped('too large'), afterLine]);
});

test('8.7 a stanza that is over the limit by its only tag is told with what could be read', () => {
  const whole = `<iq id='7' c='${'x'.repeat(200)}'/>`;
  assert.deepEqual(readingStream([whole + after], 100).lines, [
    `oversized ${whole.slice(0, -2)}></iq> too large`,
    afterLine,
  ]);
  const { lines } = readingStream([`<iq id='7' c='${'x'.repeat(100)}`, `${'x'.repeat(100)}'>`, `</iq>${after}`], 100);
  assert.deepEqual(lines, [`oversized <iq id='7'></iq> too large`, afterLine]);
});

/** Writes `piece` until `bytes` are out, and returns by how much the process grew at the most. */
function growthWhileWriting(parser: StreamParser, piece: Buffer, bytes: number): number {
  const before = process.memoryUsage.rss();
  let most = before;
  for (let written = 0; written < bytes; written += piece.length) {
    parser.write(piece);
    if (written % 4_194_304 === 0) most = Math.max(most, process.memoryUsage.rss());
  }
  return most - before;
}

test('8.7 a stanza of 100 MiB ends the stream at 16 MiB and is never held', () => {
  const record = recorder();
  const parser = new StreamParser({ stanzaBytesMax: limits.stanzaBytesDefault }, record);
  parser.write(Buffer.from(header));
  const piece = Buffer.from('x'.repeat(65_536));
  parser.write(Buffer.from('<message><body>'));
  const growth = growthWhileWriting(parser, piece, 104_857_600);
  assert.deepEqual(record.lines.slice(1), ['failed policy-violation']);
  assert.ok(growth < 16_777_216, `grew by ${growth}`);
});

test('8.7 15 MiB are skipped without being held, in text, in an attribute and in CDATA', () => {
  for (const [open, close] of [
    ['<body>', '</body>'],
    [`<body x='`, `'/>`],
    ['<body><![CDATA[', ']]></body>'],
  ] as const) {
    const record = recorder();
    const parser = new StreamParser({ stanzaBytesMax: limits.stanzaBytesDefault }, record);
    parser.write(Buffer.from(`${header}<message id='m'>${open}`));
    const growth = growthWhileWriting(parser, Buffer.from('x'.repeat(65_536)), 15_728_640);
    parser.write(Buffer.from(`${close}</message>${after}`));
    assert.deepEqual(record.lines.slice(1), [`oversized <message id='m'></message> too large`, afterLine]);
    assert.ok(growth < 12_582_912, `grew by ${growth}`);
  }
});

test('8.7 a skipped stanza is still refused for what the stream may not carry', () => {
  const long = `${start}${'x'.repeat(200)}`;
  assert.deepEqual(readingStream([long, '<!-- -->'], 100).lines, ['failed restricted-xml']);
  assert.deepEqual(readingStream([long, '<!', 'DOCTYPE'], 100).lines, ['failed restricted-xml']);
  assert.deepEqual(readingStream([long, '<?x ?>'], 100).lines, ['failed restricted-xml']);
  assert.deepEqual(readingStream([long, '<a <b>'], 100).lines, ['failed not-well-formed']);
  assert.deepEqual(readingStream([long, '\u0000'], 100).lines, ['failed not-well-formed']);
});

test('8.8 64 levels below the stanza are built, 65 are not', () => {
  const nested = (levels: number): string => `${start}${'<a>'.repeat(levels)}${'</a>'.repeat(levels)}</iq>`;
  assert.match(skippedLines(nested(64))[0] ?? '', /^stanza /);
  assert.deepEqual(skippedLines(nested(65)), [iqSkipped('nested too deep')]);
});

test('8.8 a million open elements are skipped, and the stream goes on', () => {
  const record = recorder();
  const parser = new StreamParser({ stanzaBytesMax: 4_194_304 }, record);
  parser.write(Buffer.from(header + start));
  for (const [tag, times] of [
    ['<a>', 1000],
    ['</a>', 1000],
  ] as const) {
    const piece = Buffer.from(tag.repeat(1000));
    for (let time = 0; time < times; time++) parser.write(piece);
  }
  parser.write(Buffer.from(`</iq>${after}`));
  assert.deepEqual(record.lines.slice(1), [iqSkipped('nested too deep'), afterLine]);
});

test('8.9 64 attributes are read, 65 are not', () => {
  const attributes = (count: number): string => Array.from({ length: count }, (_, n) => ` a${n}=''`).join('');
  assert.match(skippedLines(`${start}<x${attributes(64)}/></iq>`)[0] ?? '', /^stanza /);
  assert.deepEqual(skippedLines(`${start}<x${attributes(65)}/></iq>`), [iqSkipped('too many attributes')]);
});

test('8.9 an attribute of 16 KiB is read, a longer one is not', () => {
  const value = 'é'.repeat(limits.attributeBytesMax / 2);
  assert.match(skippedLines(`${start}<x a='${value}'/></iq>`)[0] ?? '', /^stanza /);
  assert.deepEqual(skippedLines(`${start}<x a='${value}y'/></iq>`), [iqSkipped('an attribute is too long')]);
});

test('8.9 a start tag over a limit is told without what was over it, so that it can be answered', () => {
  const stanza = `<iq type='set' x='${'y'.repeat(20_000)}' id='big' from='a.lab' to='push.lab'><a/></iq>`;
  assert.deepEqual(skippedLines(stanza), [iqSkipped('an attribute is too long')]);
});

test('8.9 a name of 256 bytes is read, a longer one is not', () => {
  const name = 'n'.repeat(limits.elementNameBytesMax);
  assert.match(skippedLines(`${start}<${name} ${name}=''/></iq>`)[0] ?? '', /^stanza /);
  assert.deepEqual(skippedLines(`${start}<${name}n/></iq>`), [iqSkipped('an element name is too long')]);
  assert.deepEqual(skippedLines(`${start}<x ${name}n=''/></iq>`), [iqSkipped('an attribute is too long')]);
});

test('8.9 4096 elements are built, 4097 are not', () => {
  assert.match(skippedLines(`${start}${'<a/>'.repeat(limits.elementsMax - 1)}</iq>`)[0] ?? '', /^stanza /);
  assert.deepEqual(skippedLines(`${start}${'<a/>'.repeat(limits.elementsMax)}</iq>`), [iqSkipped('too many elements')]);
});

test('a tag that never ends is given up after 64 KiB', () => {
  const record = recorder();
  const parser = new StreamParser({ stanzaBytesMax: 4_194_304 }, record);
  parser.write(Buffer.from(`${header}<iq id='1' x='`));
  growthWhileWriting(parser, Buffer.from('y'.repeat(16_384)), 131_072);
  parser.write(Buffer.from(`'></iq>${after}`));
  assert.deepEqual(record.lines.slice(1), [`oversized <iq id='1'></iq> too large`, afterLine]);
});

test('an end tag that never ends closes the stream', () => {
  assert.deepEqual(readingStream([`</stream:stream${' '.repeat(70_000)}`]).lines, ['failed policy-violation']);
  assert.deepEqual(readingStream([`<![CDATA[${'x'.repeat(300_000)}`]).lines, ['failed policy-violation']);
});
