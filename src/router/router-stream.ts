// Thread: main
/**
 * What the router needs of a component stream; `ComponentStream` is one. Benchmarks and the simulator give streams
 * without a socket.
 */
export interface RouterStream {
  readonly state: 'connecting' | 'handshaking' | 'online' | 'waiting' | 'closing' | 'closed';
  /** Monotonic ms of the last byte that arrived. */
  readonly lastInboundMs: number;
  open(): void;
  /** These bytes have left the mailbox: parse them now, calling back for each stanza. */
  parse(bytes: Uint8Array): void;
  /** The mailbox has room again: hand over the chunk that was kept, read on. */
  resume(): void;
  /** Appends to this turn's output; false when it cannot go out on this stream. */
  send(stanza: string): boolean;
  /** One write for all that was sent in this turn. */
  flush(): void;
  /** Closes the connection and opens a new one. */
  recycle(reason: string): void;
  close(): Promise<void>;
}
