// Thread: any
/**
 * Text on its way to and from gateways: what may stand in a path or a field, JSON that is only hoped to be an object,
 * Retry-After (RFC 9110 §10.2.3), and texts shortened so that a payload fits.
 */

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `undefined` for anything that is not the JSON text of an object: gateways in trouble answer with HTML. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  if (text === '') return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const reasonPattern = /^[\w.-]{1,64}$/;

/** A reason that may become a metric label and a log line; anything else becomes `status-500`. */
export function reasonOr(status: number, reason: unknown): string {
  return typeof reason === 'string' && reasonPattern.test(reason) ? reason : `status-${status}`;
}

/** Milliseconds; 0 if the field is absent, malformed or past. */
export function retryAfterMs(value: string | undefined, nowMs: number): number {
  if (value === undefined || value === '') return 0;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1_000;
  const atMs = Date.parse(value);
  return Number.isNaN(atMs) ? 0 : Math.max(0, atMs - nowMs);
}

/** The field `date` (RFC 9110 §6.6.1) as epoch ms; 0 if it is absent or malformed. */
export function dateMs(value: string | undefined): number {
  const atMs = value === undefined ? Number.NaN : Date.parse(value);
  return Number.isNaN(atMs) ? 0 : atMs;
}

const plainSegment = /^[\w~-]+$/;

/** One segment of a path: percent-encoded, dots too, so that no token can be read as `..`. */
export function pathSegment(text: string): string {
  if (plainSegment.test(text)) return text;
  // Through UTF-8 and back: half a surrogate pair cannot be percent-encoded.
  return encodeURIComponent(Buffer.from(text).toString()).replaceAll('.', '%2E');
}

// Printable ASCII without quote and backslash: JSON as it stands.
const plainString = /^[ !#-[\]-~]*$/;

/** As `JSON.stringify`, at a fraction of its cost for the short texts of notifications. */
export function jsonString(text: string): string {
  return plainString.test(text) ? `"${text}"` : JSON.stringify(text);
}

const visible = /^[\x21-\x7e]+$/;

/** Fit for a field as it stands. */
export function isFieldText(text: string): boolean {
  return visible.test(text);
}

/**
 * The JSON text of `build(title, body)` with the body, then the title, cut between graphemes until it has at most
 * `bytesMax` bytes. `undefined`: it is too large even without them.
 */
export function fitPayload(
  texts: { readonly title: string; readonly body: string },
  bytesMax: number,
  build: (title: string, body: string) => string,
): string | undefined {
  let { title, body } = texts;
  let json = build(title, body);
  body = shortenedBy(body, Buffer.byteLength(json) - bytesMax);
  json = build(title, body);
  title = shortenedBy(title, Buffer.byteLength(json) - bytesMax);
  json = build(title, body);
  return Buffer.byteLength(json) <= bytesMax ? json : undefined;
}

const ellipsis = '…';
let graphemes: Intl.Segmenter | undefined;

function shortenedBy(text: string, bytes: number): string {
  if (bytes <= 0 || text === '') return text;
  graphemes ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  let room = jsonBytes(text) - bytes - Buffer.byteLength(ellipsis);
  if (room < 0) return '';
  let end = 0;
  for (const { segment } of graphemes.segment(text)) {
    room -= jsonBytes(segment);
    if (room < 0) break;
    end += segment.length;
  }
  return `${text.slice(0, end)}${ellipsis}`;
}

// Without the quotes: what the text adds to a JSON document.
function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) - 2;
}
