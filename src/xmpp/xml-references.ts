// Thread: any
/**
 * The references XMPP knows: five names and characters by number (RFC 6120 §11.1, XML 1.0 §4.1). Nothing can be
 * declared, so nothing can expand (xmpp 8.4).
 */

/** `&#x10FFFF;` with leading zeros: anything longer is refused. */
export const referenceCharsMax = 16;

/** The text with every reference resolved, or null when one is unknown, unfinished or names an illegal character. */
export function resolveReferences(text: string): string | null {
  let result = '';
  let from = 0;
  for (let at = text.indexOf('&'); at !== -1; at = text.indexOf('&', from)) {
    const end = text.indexOf(';', at);
    if (end === -1 || end - at > referenceCharsMax) return null;
    const character = characterOf(text.slice(at + 1, end));
    if (character === null) return null;
    result += text.slice(from, at) + character;
    from = end + 1;
  }
  return result + text.slice(from);
}

function characterOf(name: string): string | null {
  switch (name) {
    case 'lt':
      return '<';
    case 'gt':
      return '>';
    case 'amp':
      return '&';
    case 'quot':
      return '"';
    case 'apos':
      return "'";
    default:
      return numbered(name);
  }
}

function numbered(name: string): string | null {
  const found = /^#(?:x([0-9a-fA-F]+)|([0-9]+))$/.exec(name);
  if (found === null) return null;
  const [, hex, decimal] = found;
  const code = hex === undefined ? Number.parseInt(decimal ?? '', 10) : Number.parseInt(hex, 16);
  return isXmlCharacter(code) ? String.fromCodePoint(code) : null;
}

function isXmlCharacter(code: number): boolean {
  if (code < 0x20) return code === 0x9 || code === 0xa || code === 0xd;
  return code <= 0xd7ff || (code >= 0xe000 && code <= 0xfffd) || (code >= 0x10000 && code <= 0x10ffff);
}
