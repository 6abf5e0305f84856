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

/** Something in front of the gateway has answered in its place: neither empty nor an object of JSON. */
export function isForeign(body: string): boolean {
  return body !== '' && parseObject(body) === undefined;
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

// What JSON may not carry as it is (RFC 8259 §7), and half surrogate pairs, which UTF-8 cannot.
const needsEscape = /["\\\u0000-\u001f\ud800-\udfff]/;

/** As `JSON.stringify`, in less than half its time for the short texts of notifications (bench `render`). */
export function jsonString(text: string): string {
  return needsEscape.test(text) ? JSON.stringify(text) : `"${text}"`;
}

const visible = /^[\x21-\x7e]+$/;

/** Fit for a field as it stands. */
export function isFieldText(text: string): boolean {
  return visible.test(text);
}

/**
 * The JSON text of `build(title, body)` with the body, then the title, cut between graphemes until it has at most
 * `bytesMax` bytes. `undefined`: it is too large even without them. The work is bounded by `bytesMax`, whatever the
 * texts are.
 */
export function fitPayload(
  texts: { readonly title: string; readonly body: string },
  bytesMax: number,
  build: (title: string, body: string) => string,
): string | undefined {
  let title = boundedTo(texts.title, bytesMax);
  let body = boundedTo(texts.body, bytesMax);
  let json = build(title, body);
  body = shortenedBy(body, Buffer.byteLength(json) - bytesMax);
  json = build(title, body);
  title = shortenedBy(title, Buffer.byteLength(json) - bytesMax);
  json = build(title, body);
  return Buffer.byteLength(json) <= bytesMax ? json : undefined;
}

// A code unit takes a byte at least, so one longer than this is cut in any case; the two more show the code point
// behind the last that could fit, which decides whether a grapheme ends there.
function boundedTo(text: string, bytesMax: number): string {
  return text.length <= bytesMax + 2 ? text : text.slice(0, bytesMax + 2);
}

const ellipsis = '…';
let graphemes: Intl.Segmenter | undefined;

function shortenedBy(text: string, bytes: number): string {
  if (bytes <= 0 || text === '') return text;
  const room = jsonBytes(text) - bytes - Buffer.byteLength(ellipsis);
  if (room < 0) return '';
  const end = unitsWithin(text, room);
  graphemes ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  // One question instead of a walk over all graphemes, which costs a millisecond for 4 KiB.
  const start = graphemes.segment(text).containing(end)?.index ?? end;
  return `${text.slice(0, start)}${ellipsis}`;
}

// Without the quotes: what the text adds to a JSON document.
function jsonBytes(text: string): number {
  return Buffer.byteLength(jsonString(text)) - 2;
}

/** How many code units of the text fit into so many bytes of JSON; a code point is not divided. */
function unitsWithin(text: string, bytesMax: number): number {
  let bytes = 0;
  let end = 0;
  while (end < text.length) {
    const codePoint = text.codePointAt(end) ?? 0;
    bytes += jsonBytesOf(codePoint);
    if (bytes > bytesMax) break;
    end += codePoint > 0xffff ? 2 : 1;
  }
  return end;
}

const shortEscapes: ReadonlySet<number> = new Set([0x08, 0x09, 0x0a, 0x0c, 0x0d]);

function jsonBytesOf(codePoint: number): number {
  if (codePoint < 0x20) return shortEscapes.has(codePoint) ? 2 : 6;
  if (codePoint < 0x80) return codePoint === 0x22 || codePoint === 0x5c ? 2 : 1;
  if (codePoint < 0x800) return 2;
  if (codePoint > 0xffff) return 4;
  return codePoint >= 0xd800 && codePoint <= 0xdfff ? 6 : 3;
}
