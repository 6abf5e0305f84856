// Thread: main
/** What one router has done, counted in plain fields. */
export interface RouterFigures {
  readonly server: string;
  readonly streams: number;
  readonly online: number;
  /** IQs that wait for their answer. */
  readonly waiting: number;
  readonly answered: number;
  /** Of the answered: errors. */
  readonly errors: number;
  /** Answers that found no stream, and IQs that cannot be answered (no id, other domain). */
  readonly dropped: number;
  /** Messages, presence and unknown elements. */
  readonly ignored: number;
  /** Answered `wait/remote-server-timeout` because no outcome had come. */
  readonly timeouts: number;
  /** Refused because a table or mailbox was full. */
  readonly refusedFull: number;
  /** Stanzas that made a codec throw: 0 unless we have a defect. */
  readonly faults: number;
  /** IQs of our own that wait for their answer: pings, and publishes to push services. */
  readonly asking: number;
  /** Domains that have delegated their users' push registrations on this connection. */
  readonly delegating: readonly string[];
  /** Presence and revocations that found the event actor full. */
  readonly lost: number;
  readonly mailbox: { readonly depth: number; readonly capacity: number };
}
