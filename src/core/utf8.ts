// Thread: any
/** Bounds of texts are in bytes of UTF-8, as gateways and databases count them. */

/** The longest prefix of at most that many bytes of UTF-8 that splits no code point. */
export function truncateUtf8(text: string, bytesMax: number): string {
  if (text.length * 3 <= bytesMax) return text;
  // One code unit takes at least one byte: what lies beyond cannot fit and is not encoded.
  const bytes = Buffer.from(text.length > bytesMax ? text.slice(0, bytesMax) : text);
  if (bytes.length <= bytesMax) return text.length > bytesMax ? bytes.toString() : text;
  let end = bytesMax;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}
