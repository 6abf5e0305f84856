/**
 * The reader against what real servers sent: every inbound stream of the captures, cut in every way.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Parser } from '@xmpp/xml';
import { StreamParser } from '../../../src/xmpp/stream-parser.ts';
import { header, printed, reading, recorder } from './stream-recorder.ts';

interface Read {
  readonly file: string;
  readonly stream: string;
  readonly dir: string;
  readonly data: string;
}

/** Inbound reads of each connection. A new header on the same name is a new connection. */
function connections(): string[][] {
  const found: string[][] = [];
  const open = new Map<string, string[]>();
  const text = readFileSync(new URL('../../../../test/fixtures/xmpp-captures.jsonl', import.meta.url), 'utf8');
  for (const line of text.trimEnd().split('\n')) {
    const read = JSON.parse(line) as Read;
    if (read.dir !== 'in') continue;
    const key = `${read.file} ${read.stream}`;
    let reads = open.get(key);
    if (reads === undefined || read.data.includes('<stream:stream ')) {
      reads = [];
      open.set(key, reads);
      found.push(reads);
    }
    reads.push(read.data);
  }
  return found.filter((reads) => reads.some((data) => data !== ''));
}

const captured = connections();

test('9.6 every captured inbound stream is read without a refusal', () => {
  let stanzas = 0;
  for (const reads of captured) {
    const record = reading(reads);
    assert.equal(record.headers.length, 1, reads.join(''));
    assert.ok(!record.lines.some((line) => /^(?:failed|oversized)/.test(line)), reads.join(''));
    stanzas += record.stanzas.length;
  }
  assert.equal(captured.length, 60);
  assert.equal(stanzas, 288);
});

test('1.5 a captured stream says the same byte by byte as read by read', () => {
  for (const reads of captured) {
    const bytes = Buffer.from(reads.join(''));
    const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
    assert.deepEqual(reading(single).lines, reading(reads).lines);
  }
});

/** Reads put together so that each piece ends between stanzas. */
function pieces(reads: readonly string[]): string[] {
  const found: string[] = [];
  let piece = '';
  for (const data of reads) {
    piece += data;
    const hasHeader = piece.includes('<stream:stream ');
    const { lines } = reading([...(hasHeader ? [] : [header]), piece, '</stream:stream>']);
    if (lines.at(-1) !== 'closed') continue;
    found.push(piece);
    piece = '';
  }
  assert.equal(piece, '');
  return found;
}

test('1.5 every captured read says the same cut at every byte', () => {
  const seen = new Set<string>();
  for (const piece of captured.flatMap(pieces)) {
    // Two reads that differ in ids and numbers only are cut alike.
    const shape = piece.replace(/ id='[^']*'/g, '').replace(/\d+/g, '0');
    if (seen.has(shape)) continue;
    seen.add(shape);
    const bytes = Buffer.from(piece);
    const before = piece.includes('<stream:stream ') ? [] : [header];
    // A header or an end needs a stream of its own; everything else can follow itself in one.
    const single = before.length === 0 || piece.includes('</stream:stream>');
    const expected = reading([...before, bytes]).lines.join('\n');
    const record = recorder();
    const parser = new StreamParser({ stanzaBytesMax: 262_144 }, record);
    if (!single) parser.write(Buffer.from(header));
    // A stanza of 20 KiB is cut at every 37th byte.
    for (let cut = 1; cut < bytes.length; cut += bytes.length > 8192 ? 37 : 1) {
      const parts = [bytes.subarray(0, cut), bytes.subarray(cut)];
      record.lines.length = Math.min(record.lines.length, 1);
      if (!single) for (const part of parts) parser.write(part);
      const actual = single ? reading([...before, ...parts]).lines.join('\n') : record.lines.join('\n');
      if (actual !== expected) assert.equal(actual, expected, `cut at ${cut}`);
    }
  }
});

test('the tree of every captured stanza is the one that the tokenizer of @xmpp/xml builds', () => {
  for (const reads of captured) {
    const theirs: string[] = [];
    const parser = new Parser();
    parser.on('element', (element) => theirs.push(printed(element)));
    parser.write(reads.join(''));
    assert.deepEqual(reading(reads).stanzas.map(printed), theirs);
  }
});
