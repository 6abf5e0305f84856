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

/** Ends an exhaustive `switch`: a new member of the union becomes a compile error here. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable: ${JSON.stringify(value)}`);
}
