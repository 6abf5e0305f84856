/**
 * One stanza text to one element, as the engine's own reader would deliver it inside a component stream.
 */
import { Parser } from '@xmpp/xml';
import type { XmlElement } from '../src/xmpp/xml.ts';

export function parseXml(text: string, streamNamespace = 'jabber:component:accept'): XmlElement {
  const found: XmlElement[] = [];
  const parser = new Parser();
  parser.on('element', (element) => found.push(element));
  parser.on('error', (error) => {
    throw error;
  });
  parser.write(`<stream:stream xmlns='${streamNamespace}' xmlns:stream='http://etherx.jabber.org/streams'>${text}`);
  const [element] = found;
  if (element === undefined || found.length !== 1)
    throw new Error(`expected one stanza, found ${found.length}: ${text}`);
  return element;
}
