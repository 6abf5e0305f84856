// Thread: main
/**
 * One stanza that came as text, through the same guard as everything that comes over a stream: what would end a stream
 * is refused here, and so is anything but exactly one stanza.
 */
import { limits } from '../core/limits.ts';
import { err, ok } from '../core/result.ts';
import type { Result } from '../core/result.ts';
import { ns } from './namespaces.ts';
import { StreamParser } from './stream-parser.ts';
import type { XmlElement } from './xml.ts';

const header = Buffer.from(`<stream:stream xmlns='${ns.client}' xmlns:stream='${ns.stream}'>`);

/** What one text was read as; `bytes` shows whether all of it belonged to the stanza. */
const read: { element: XmlElement | undefined; bytes: number; count: number; trouble: string } = {
  element: undefined,
  bytes: 0,
  count: 0,
  trouble: '',
};

// A parser whose last text was one whole stanza stands where it stood before it: it is kept.
let kept: StreamParser | undefined;

/**
 * @param text at most `limits.stanzaBytesDefault` bytes; in jabber:client where it declares nothing.
 * @returns an element to be read at once, or what is wrong with the text.
 */
export function parseStanza(text: string): Result<XmlElement, string> {
  const bytes = Buffer.from(text.trim().replaceAll('\r\n', '\n'));
  if (bytes.length === 0) return err('empty');
  if (bytes.length > limits.stanzaBytesDefault) return err(`at most ${limits.stanzaBytesDefault} bytes`);
  const parser = kept ?? opened();
  kept = undefined;
  forget();
  parser.write(bytes);
  const { element, count, trouble } = read;
  const isWhole = read.bytes === bytes.length;
  forget();
  if (trouble !== '') return err(trouble);
  if (element === undefined) return err('a stanza without an end');
  if (count !== 1 || !isWhole) return err('more than one stanza');
  kept = parser;
  return ok(element);
}

function forget(): void {
  read.element = undefined;
  read.bytes = 0;
  read.count = 0;
  read.trouble = '';
}

function opened(): StreamParser {
  const parser = new StreamParser(
    { stanzaBytesMax: limits.stanzaBytesDefault },
    {
      opened: () => undefined,
      stanza(element, bytes) {
        read.element ??= element;
        read.bytes += bytes;
        read.count += 1;
      },
      oversized(_, reason) {
        read.trouble ||= reason;
      },
      closed() {
        read.trouble ||= 'the end of a stream';
      },
      failed(_, reason) {
        read.trouble ||= reason;
      },
    },
  );
  parser.write(header);
  return parser;
}
