/**
 * Random damage to real streams: whatever comes, nothing is thrown, cuts do not matter, and the end is the end.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { seededRandom } from '../../../src/core/random.ts';
import { attribute, namespaceOf } from '../../../src/xmpp/xml.ts';
import { escapeXml } from '../../../src/xmpp/stanza.ts';
import { parseXml } from '../../parse-xml.ts';
import { header, printed, reading, readingStream } from './stream-recorder.ts';
import type { Random } from '../../../src/core/random.ts';
import type { XmlElement } from '../../../src/xmpp/xml.ts';

const inbound: string[] = readFileSync(
  new URL('../../../../test/fixtures/xmpp-captures.jsonl', import.meta.url),
  'utf8',
)
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as { dir: string; data: string })
  .filter((read) => read.dir === 'in' && /^<(?:iq|message|presence)\b/.test(read.data) && read.data.length < 4096)
  .map((read) => read.data);

function below(random: Random, bound: number): number {
  return Math.floor(random.unit() * bound);
}

const tokens = [
  '<',
  '>',
  '/',
  "'",
  '"',
  '&',
  ';',
  ']]>',
  '<![CDATA[',
  '<!',
  '<?',
  '=',
  ' ',
  'xmlns:',
  '</iq>',
  '\u0000',
];

function damaged(random: Random, bytes: Buffer): Buffer {
  const at = below(random, bytes.length);
  const head = bytes.subarray(0, at);
  switch (below(random, 5)) {
    case 0: // one bit
      return Buffer.concat([head, Uint8Array.of((bytes[at] ?? 0) ^ (1 << below(random, 8))), bytes.subarray(at + 1)]);
    case 1: // a piece is gone
      return Buffer.concat([head, bytes.subarray(at + 1 + below(random, 20))]);
    case 2: // a piece comes twice
      return Buffer.concat([bytes.subarray(0, at + below(random, 50)), bytes.subarray(at)]);
    case 3: // markup where it does not belong
      return Buffer.concat([head, Buffer.from(tokens[below(random, tokens.length)] ?? ''), bytes.subarray(at)]);
    default: // noise
      return Buffer.concat([head, random.bytes(1 + below(random, 4)), bytes.subarray(at)]);
  }
}

function cutUp(random: Random, bytes: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + below(random, random.unit() < 0.5 ? 8 : 400);
    parts.push(bytes.subarray(at, end));
    at = end;
  }
  return parts;
}

test('8.2 damaged streams end in one way, whatever the cuts, and nothing is thrown', () => {
  const random = seededRandom(82);
  let refused = 0;
  for (let round = 0; round < 4000; round++) {
    const picked = [0, 1, 2].map(() => inbound[below(random, inbound.length)] ?? '').join('');
    let bytes: Buffer = Buffer.from(header + picked);
    for (let times = below(random, 3); times >= 0; times--) bytes = damaged(random, bytes);
    const stanzaBytesMax = random.unit() < 0.3 ? 300 : 262_144;
    const { lines } = reading([bytes], stanzaBytesMax);
    assert.deepEqual(reading(cutUp(random, bytes), stanzaBytesMax).lines, lines, bytes.toString('latin1'));
    const ends = lines.findIndex((line) => line.startsWith('failed') || line === 'closed');
    assert.ok(ends === -1 || ends === lines.length - 1, lines.join('\n'));
    if (ends !== -1) refused++;
  }
  assert.ok(refused > 1000 && refused < 4000, String(refused));
});

/** What an element means, without regard to how its namespaces were written. */
function meaning(element: XmlElement): unknown {
  const attrs = Object.entries(element.attrs).filter(([name]) => name !== 'xmlns' && !name.startsWith('xmlns:'));
  return {
    name: element.name.slice(element.name.indexOf(':') + 1),
    namespace: namespaceOf(element),
    attrs: Object.fromEntries(attrs),
    children: element.children.map((child) => (typeof child === 'string' ? child : meaning(child))),
  };
}

/** The same with a prefix on every element. */
function prefixed(element: XmlElement, depth = 0): string {
  const prefix = `p${depth % 3}`;
  const name = `${prefix}:${element.name.slice(element.name.indexOf(':') + 1)}`;
  let text = `<${name}`;
  for (const [key, value] of Object.entries(element.attrs)) {
    if (key !== 'xmlns' && !key.startsWith('xmlns:')) text += ` ${key}="${escapeXml(value)}"`;
  }
  text += ` xmlns:${prefix}='${namespaceOf(element)}'>`;
  for (const child of element.children)
    text += typeof child === 'string' ? escapeXml(child) : prefixed(child, depth + 1);
  return `${text}</${name}>`;
}

test('8.12 every captured stanza means the same with prefixes instead of default namespaces', () => {
  let compared = 0;
  for (const data of inbound) {
    for (const element of readingStream([data]).stanzas) {
      const rewritten = prefixed(element);
      assert.match(rewritten, /^<p0:/);
      assert.deepEqual(meaning(parseXml(rewritten)), meaning(element));
      compared++;
    }
  }
  assert.ok(compared > 150, String(compared));
});

test('8.13 unknown elements and attributes are delivered as they are', () => {
  const text = `<iq xmlns:u='urn:unknown' u:x='1' y='2'><u:z xmlns='urn:other'><w></w></u:z></iq>`;
  assert.equal(printed(parseXml(text)), text);
  assert.equal(attribute(parseXml(text), 'y'), '2');
});
