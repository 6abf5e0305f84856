// Thread: main
/**
 * Whether a message of a room mentions one of its members (xmpp 7.55): by reference (XEP-0372), as the answer to a
 * message of his (XEP-0461), or by his nick as a word of the text.
 */
import type { Answered, MessageEvent } from '../core/event.ts';
import { bareOf } from '../core/jid.ts';

/** @param nick of the recipient in that room, `''` if it is not known: then the answer may be `unknown`. */
export function mentionOf(event: MessageEvent, nick: string): Answered {
  if (event.isMentioned !== 'unknown') return event.isMentioned;
  const { mentions } = event;
  if (mentions.length > 0) {
    const user = bareOf(event.to);
    const occupant = nick === '' ? '' : `${bareOf(event.from)}/${nick}`;
    for (const mention of mentions) {
      if (mention === occupant || bareOf(mention) === user) return 'yes';
    }
  }
  if (nick === '' || event.encryption !== 'none') return 'unknown';
  return holdsWord(event.body, nick) ? 'yes' : 'no';
}

const partOfWord = /[\p{L}\p{M}\p{N}_]/u;

/** Upper and lower case are one; `Ann` is not in `Anna`. */
function holdsWord(text: string, word: string): boolean {
  const folded = text.toLowerCase();
  const wanted = word.toLowerCase();
  for (let at = folded.indexOf(wanted); at !== -1; at = folded.indexOf(wanted, at + 1)) {
    if (isEdge(charBefore(folded, at), wanted) && isEdge(charAfter(folded, at + wanted.length), wanted)) return true;
  }
  return false;
}

function isEdge(neighbour: string, word: string): boolean {
  // A nick of signs alone, such as an emoji, has no words around it to be taken apart from.
  return neighbour === '' || !partOfWord.test(neighbour) || !partOfWord.test(word);
}

function charBefore(text: string, at: number): string {
  if (at === 0) return '';
  const low = text.charCodeAt(at - 1);
  return low >= 0xdc00 && low <= 0xdfff && at > 1 ? text.slice(at - 2, at) : text.slice(at - 1, at);
}

function charAfter(text: string, at: number): string {
  const code = text.codePointAt(at);
  return code === undefined ? '' : String.fromCodePoint(code);
}
