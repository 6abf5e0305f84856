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
  readonly mailbox: { readonly depth: number; readonly capacity: number };
}
