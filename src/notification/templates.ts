// Thread: main
/**
 * `[[templates]]`: the words of a notification, by what it is, app and language. Read once; a notification costs a few
 * look-ups and one pass over the pieces of its template. Placeholders inside of a value are text.
 */
import { limits } from '../core/limits.ts';
import { truncateUtf8 } from '../core/utf8.ts';
import type { TemplateConfig } from '../../config/engine-config.ts';

export type TemplateKind = TemplateConfig['for'];

/** What placeholders stand for; what the content policy holds back is `''`. */
export interface TemplateFields {
  /** Bare JID; of somebody in a room the room's, with the nick. */
  readonly sender: string;
  readonly senderName: string;
  /** Bare JID, `''` outside of rooms. */
  readonly room: string;
  readonly roomName: string;
  readonly count: string;
  readonly app: string;
  readonly body: string;
}

/** `undefined`: the template does not say; `''`: nothing visible remains of what it says. */
export interface Wording {
  readonly title: string | undefined;
  readonly body: string | undefined;
}

/** Text and placeholders in turn, beginning with text. */
type Pieces = readonly string[];

interface Template {
  /** `undefined`: empty in the configuration. */
  readonly title: Pieces | undefined;
  readonly body: Pieces | undefined;
}

type Languages = ReadonlyMap<string, Template>;

// Longer than any language tag in use; more would only cost look-ups.
const languageCharsMax = 35;

export class Templates {
  /** By kind, app and language; `''` is every app, or every language. */
  readonly #kinds = new Map<TemplateKind, Map<string, Map<string, Template>>>();

  /** Of two for the same kind, app and language the first counts. */
  constructor(templates: readonly TemplateConfig[]) {
    for (const { for: kind, app, language, title, body } of templates) {
      const apps = entryOf(this.#kinds, kind);
      const languages = entryOf(apps, app);
      const tag = tagOf(language);
      if (!languages.has(tag)) languages.set(tag, { title: piecesOf(title), body: piecesOf(body) });
    }
  }

  /**
   * The words of the best match: app and language, else app, else language, else neither. `de-AT` is served by `de`.
   *
   * @returns `undefined` where no template matches.
   */
  word(kind: TemplateKind, app: string, language: string, fields: TemplateFields): Wording | undefined {
    const apps = this.#kinds.get(kind);
    if (apps === undefined) return undefined;
    const tag = tagOf(language);
    const own = app === '' ? undefined : apps.get(app);
    const every = apps.get('');
    const template = inLanguage(own, tag) ?? own?.get('') ?? inLanguage(every, tag) ?? every?.get('');
    if (template === undefined) return undefined;
    return { title: rendered(template.title, fields, false), body: rendered(template.body, fields, true) };
  }
}

function entryOf<K, L, V>(map: Map<K, Map<L, V>>, key: K): Map<L, V> {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = new Map<L, V>();
  map.set(key, made);
  return made;
}

/** Tags are compared without regard to case (RFC 5646 §2.1.1); some platforms write `de_AT`. */
function tagOf(language: string): string {
  return language === '' || language.length > languageCharsMax ? '' : language.toLowerCase().replaceAll('_', '-');
}

/** RFC 4647 §3.4: from the end of the tag, part by part. */
function inLanguage(languages: Languages | undefined, tag: string): Template | undefined {
  if (languages === undefined) return undefined;
  for (let range = tag; range !== ''; range = range.slice(0, Math.max(0, range.lastIndexOf('-')))) {
    const template = languages.get(range);
    if (template !== undefined) return template;
  }
  return undefined;
}

const placeholder = /\{(sender|sender_name|room|room_name|count|app|body)\}/;

/** A name in braces that is no placeholder is text. */
function piecesOf(text: string): Pieces | undefined {
  return text === '' ? undefined : text.split(placeholder);
}

// Line ends and tabs are text in a body only. Marks that turn the direction of writing would reach past the value they
// came with.
const unseen = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;
const lineEnds = /[\t\n]+/g;
const visible = /[^\p{Z}\p{C}]/u;
// What of a template's own text says something without any value: not `: ` or `()`.
const meaningful = /[\p{L}\p{N}\p{S}]/u;

function rendered(pieces: Pieces | undefined, fields: TemplateFields, hasLines: boolean): string | undefined {
  if (pieces === undefined) return undefined;
  let text = '';
  let says = pieces.length === 1;
  for (let index = 0; index < pieces.length; index++) {
    const piece = pieces[index] ?? '';
    const isText = index % 2 === 0;
    const value = isText ? piece : valueOf(piece, fields);
    text += isText || piece === 'body' ? value : value.replace(lineEnds, ' ');
    says ||= isText ? meaningful.test(piece) : value !== '';
  }
  const clean = hasLines ? text.replace(unseen, '') : text.replace(unseen, '').replace(lineEnds, ' ');
  return says && visible.test(clean) ? truncateUtf8(clean, limits.bodyBytesMax).trim() : '';
}

function valueOf(name: string, fields: TemplateFields): string {
  switch (name) {
    case 'sender':
      return fields.sender;
    case 'sender_name':
      return fields.senderName;
    case 'room':
      return fields.room;
    case 'room_name':
      return fields.roomName;
    case 'count':
      return fields.count;
    case 'app':
      return fields.app;
    default:
      return fields.body;
  }
}
