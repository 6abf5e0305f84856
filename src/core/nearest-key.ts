// Thread: any
/**
 * "Did you mean": the known name that is the fewest edits away from a wrong one. Only ever asked about names in a
 * configuration or a refused event, so the plain table (Wagner and Fischer) is fast enough.
 */

// A name over this length is not compared: the table would cost its square.
const nameLengthMax = 100;

/** `undefined` when nothing is near: more than two edits, or more than a third of the name. */
export function nearestKey(name: string, known: readonly string[]): string | undefined {
  if (name.length > nameLengthMax) return undefined;
  const wanted = name.toLowerCase().replaceAll('-', '_');
  let nearest: string | undefined;
  let fewest = Math.max(2, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of known) {
    const edits = editDistance(wanted, candidate);
    if (edits < fewest) {
      fewest = edits;
      nearest = candidate;
    }
  }
  if (nearest !== undefined) return nearest;
  // The same word with another unit: iq_reply_seconds for iq_reply_ms.
  const stem = wanted.slice(0, Math.max(3, wanted.lastIndexOf('_')));
  return known.find((candidate) => candidate.startsWith(stem));
}

function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (previous[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[to.length] ?? 0;
}
