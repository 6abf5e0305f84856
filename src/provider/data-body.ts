// Thread: any
/**
 * The text of a message as custom data: silent notifications carry it for the app to show (mongooseim 4.3). Like a body
 * on the screen it may be cut, because a phone that is not woken at all for a long message loses more than its end.
 */
import { fitPayload } from './gateway-text.ts';

/** Its name in the data. */
export const dataBodyName = 'last-message-body';

/**
 * What `build` makes of that text, cut until it has at most `bytesMax` bytes; `undefined`: there is none,
 * or the rest alone is too large.
 */
export function fitDataBody(
  data: Readonly<Record<string, unknown>>,
  bytesMax: number,
  build: (body: string) => string,
): string | undefined {
  const body = data[dataBodyName];
  if (typeof body !== 'string') return undefined;
  return fitPayload({ title: '', body }, bytesMax, (_, short) => build(short));
}
