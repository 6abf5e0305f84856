// Thread: main
/**
 * What stores that hold all rows of one owner together do with changes, and the order of scans. Strings in JavaScript
 * compare by UTF-16 units, which is not the order of their UTF-8 bytes where surrogates are compared with U+E000 to
 * U+FFFF; databases and LMDB have the latter.
 */
import { limits } from '../core/limits.ts';
import type { EnabledRegistration } from '../core/enabled.ts';
import type { EnabledChange, EnabledKey } from './enabled-store.ts';
import type { BareJID } from '../core/ids.ts';

/** The changes of each owner, in order; owners in the order of their first change. */
export function changesByOwner(
  changes: readonly EnabledChange[],
): ReadonlyMap<BareJID, readonly [EnabledChange, ...EnabledChange[]]> {
  const byOwner = new Map<BareJID, [EnabledChange, ...EnabledChange[]]>();
  for (const change of changes) {
    const { owner } = change.kind === 'put' ? change.row : change.key;
    const earlier = byOwner.get(owner);
    if (earlier === undefined) byOwner.set(owner, [change]);
    else earlier.push(change);
  }
  return byOwner;
}

/** One owner's rows after changes of his, oldest first; past `limits.enabledPerOwnerMax` the oldest are dropped. */
export function changedRows(
  before: readonly EnabledRegistration[],
  changes: readonly EnabledChange[],
): readonly EnabledRegistration[] {
  const rows = [...before];
  for (const change of changes) {
    const key = change.kind === 'put' ? change.row : change.key;
    const at = rows.findIndex((row) => row.service === key.service && row.node === key.node);
    if (at !== -1) rows.splice(at, 1);
    if (change.kind === 'put') rows.push(change.row);
  }
  // Stable: of the same age, the one that was put later comes later.
  rows.sort((one, other) => one.enabledAtMs - other.enabledAtMs);
  return rows.slice(-limits.enabledPerOwnerMax);
}

/** The order of a scan: owner, service, node, as bytes of UTF-8. */
export function compareKeys(one: EnabledKey, other: EnabledKey): number {
  return (
    compareAsBytes(one.owner, other.owner) ||
    compareAsBytes(one.service, other.service) ||
    compareAsBytes(one.node, other.node)
  );
}

/** Negative, 0 or positive, as the UTF-8 bytes of the two compare. */
export function compareAsBytes(one: string, other: string): number {
  const length = Math.min(one.length, other.length);
  for (let at = 0; at < length; at++) {
    const left = one.charCodeAt(at);
    const right = other.charCodeAt(at);
    if (left !== right) return rank(left) - rank(right);
  }
  return one.length - other.length;
}

/** Surrogates stand for code points above U+FFFF: behind everything else. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
