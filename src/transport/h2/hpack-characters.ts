// Thread: any
/**
 * What may not stand in the names and values of header fields (RFC 9113 §8.2.1), as a table over the bytes, so that a
 * string is looked at while it is read.
 */

/** Bits of `characterFlags`: where this byte may not stand. */
export const notInName = 1;
export const notInValue = 2;
/** May not begin or end a value. */
export const whiteSpace = 4;

const colon = 0x3a;

function flagsOf(byte: number): number {
  // A colon begins the names of pseudo fields, and stands nowhere else: who reads names knows where he is.
  const inName = byte > 0x20 && byte < 0x7f && (byte < 0x41 || byte > 0x5a) && byte !== colon;
  const inValue = byte !== 0 && byte !== 0x0a && byte !== 0x0d;
  return (inName ? 0 : notInName) | (inValue ? 0 : notInValue) | (byte === 0x20 || byte === 0x09 ? whiteSpace : 0);
}

export const characterFlags: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => flagsOf(byte));
