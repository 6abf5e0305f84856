// Thread: any
/**
 * Device tokens as clients register them, checked for each service before anything else sees them (xmpp 5.30, 5.34,
 * 8.25): Apple's end up in the path of a URL, so whatever is not hex or base64 is refused here, `..`, `/`, CR and LF
 * included.
 */
import type { Service } from '../core/registration.ts';
import { err, ok } from '../core/result.ts';
import type { Result } from '../core/result.ts';

const hexOnly = /^[0-9a-f]+$/i;
const base64 = /^[A-Za-z0-9+/]+={0,2}$/;
const fcmToken = /^[A-Za-z0-9_:-]{20,4096}$/;

// Apple: 32 bytes today, "do not hard-code this size"; 100 is what Apple's own documents allow for.
const apnsBytesMin = 32;
const apnsBytesMax = 100;

/** Apple's tokens come out in lower-case hex, whether they came in hex or base64; Google's unchanged. */
export function parseDeviceToken(service: Service, text: string): Result<string, 'malformed'> {
  if (service === 'fcm') return fcmToken.test(text) ? ok(text) : err('malformed');
  if (hexOnly.test(text)) {
    const fits = text.length % 2 === 0 && text.length >= 2 * apnsBytesMin && text.length <= 2 * apnsBytesMax;
    return fits ? ok(text.toLowerCase()) : err('malformed');
  }
  // Four thirds of the bytes; the bound keeps a huge value from being decoded at all.
  if (text.length % 4 !== 0 || text.length > 2 * apnsBytesMax || !base64.test(text)) return err('malformed');
  const bytes = Buffer.from(text, 'base64');
  return bytes.length >= apnsBytesMin && bytes.length <= apnsBytesMax ? ok(bytes.toString('hex')) : err('malformed');
}
