/**
 * A sink that writes down what a stream parser tells it, in a form that two runs can be compared by.
 */
import { StreamParser } from '../../../src/xmpp/stream-parser.ts';
import { escapeXml } from '../../../src/xmpp/stanza.ts';
import type { StreamSink } from '../../../src/xmpp/stream-parser.ts';
import type { XmlElement } from '../../../src/xmpp/xml.ts';

export const header: string =
  `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' ` +
  `xmlns:stream='http://etherx.jabber.org/streams' id='1'>`;

/** The element as text, attributes in their order. */
export function printed(element: XmlElement): string {
  let text = `<${element.name}`;
  for (const [name, value] of Object.entries(element.attrs)) text += ` ${name}='${escapeXml(value)}'`;
  text += '>';
  for (const child of element.children) text += typeof child === 'string' ? escapeXml(child) : printed(child);
  return `${text}</${element.name}>`;
}

export interface Recorder extends StreamSink {
  readonly headers: XmlElement[];
  readonly stanzas: XmlElement[];
  readonly sizes: number[];
  /** Everything, one line each, in order. */
  readonly lines: string[];
}

export function recorder(): Recorder {
  const headers: XmlElement[] = [];
  const stanzas: XmlElement[] = [];
  const sizes: number[] = [];
  const lines: string[] = [];
  return {
    headers,
    stanzas,
    sizes,
    lines,
    opened(element) {
      headers.push(element);
      lines.push(`opened ${printed(element)}`);
    },
    stanza(element, bytes) {
      stanzas.push(element);
      sizes.push(bytes);
      lines.push(`stanza ${bytes} ${printed(element)}`);
    },
    oversized: (start, reason) => lines.push(`oversized ${printed(start)} ${reason}`),
    closed: () => lines.push('closed'),
    failed: (condition) => lines.push(`failed ${condition}`),
  };
}

/** What a fresh parser says to these writes. Text is sent as UTF-8. */
export function reading(writes: readonly (string | Uint8Array)[], stanzaBytesMax = 262_144): Recorder {
  const record = recorder();
  const parser = new StreamParser({ stanzaBytesMax }, record);
  for (const write of writes) parser.write(typeof write === 'string' ? Buffer.from(write) : write);
  return record;
}

/** The same inside an open component stream; the header is not among the lines. */
export function readingStream(writes: readonly (string | Uint8Array)[], stanzaBytesMax = 262_144): Recorder {
  const record = reading([header, ...writes], stanzaBytesMax);
  record.lines.shift();
  return record;
}
