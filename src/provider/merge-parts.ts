// Thread: any
/**
 * Parts of a gateway's own message over what was rendered from a notification's fields, as RFC 7396 §2 merges: objects
 * member by member, `null` takes a member away, everything else, lists too, replaces.
 */
import { limits } from '../core/limits.ts';
import { isObject } from './gateway-text.ts';

/** What a program without types may give: it ends the merge. Cycles end at the bound of depth. */
export const notJSON: unique symbol = Symbol('not JSON');

/** @returns `undefined`: the member goes. */
export function mergedValue(
  before: unknown,
  patch: unknown,
  depth: number = limits.notificationPartsDepthMax,
): unknown {
  if (patch === null || patch === undefined) return undefined;
  if (typeof patch === 'bigint' || typeof patch === 'function' || typeof patch === 'symbol' || depth === 0) {
    return notJSON;
  }
  if (Array.isArray(patch)) {
    const values = patch.map((value: unknown) => (value === null ? null : mergedValue(undefined, value, depth - 1)));
    return values.includes(notJSON) ? notJSON : values;
  }
  if (!isObject(patch)) return patch;
  // Without a prototype: `__proto__` is a member like any other.
  const merged: Record<string, unknown> = { __proto__: null, ...(isObject(before) ? before : {}) };
  for (const [name, part] of Object.entries(patch)) {
    const value = mergedValue(merged[name], part, depth - 1);
    if (value === notJSON) return notJSON;
    if (value === undefined) delete merged[name];
    else merged[name] = value;
  }
  return merged;
}
