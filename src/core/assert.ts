// Thread: any
/**
 * Broken invariants. Inside an actor the throw reaches the supervisor: whoever waits is told, and the actor starts
 * anew.
 */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/**
 * Ends an exhaustive `switch`: a new member of the union becomes a compile error here. Of an object only its kind is
 * told: the rest may be a token or a secret, and errors are logged.
 */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable: ${shown(value)}`);
}

function shown(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return 'kind' in value ? `kind ${String(value.kind)}` : 'an object';
}
