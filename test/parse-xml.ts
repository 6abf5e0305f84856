/**
 * Stanzas as text to elements, read by the engine's own parser inside a component stream.
 */
import { StreamParser } from '../src/xmpp/stream-parser.ts';
import type { XmlElement } from '../src/xmpp/xml.ts';

/** Exactly one stanza. */
export function parseXml(text: string, streamNamespace = 'jabber:component:accept'): XmlElement {
  const found = stanzasOf(text, streamNamespace);
  const [element] = found;
  if (element === undefined || found.length !== 1) {
    throw new Error(`expected one stanza, found ${found.length}: ${text}`);
  }
  return element;
}

/** All stanzas of a segment. */
export function stanzasOf(text: string, streamNamespace = 'jabber:component:accept'): XmlElement[] {
  const found: XmlElement[] = [];
  const trouble: string[] = [];
  const parser = new StreamParser(
    { stanzaBytesMax: 16_777_216 },
    {
      opened: () => undefined,
      stanza: (element) => found.push(element),
      oversized: (_, reason) => trouble.push(reason),
      closed: () => trouble.push('the stream was closed'),
      failed: (condition, reason) => trouble.push(`${condition}: ${reason}`),
    },
  );
  const header = `<stream:stream xmlns='${streamNamespace}' xmlns:stream='http://etherx.jabber.org/streams'>`;
  parser.write(Buffer.from(header + text));
  if (trouble.length > 0) throw new Error(`${trouble.join(', ')}: ${text}`);
  return found;
}
