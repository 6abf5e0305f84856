// Thread: any
/**
 * The bytes under one HTTP/2 connection, without what they travel on: a TLS socket in production, memory in tests. What
 * comes from the peer is told by `H2Connection.received` and `wireClosed`.
 */
export interface ByteWire {
  /** `bytes` belong to the wire until `written` is called: from a later turn, in order, never once it has ended. */
  write(bytes: Uint8Array, written: () => void): void;
  /** Sends what was written and closes. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
}
