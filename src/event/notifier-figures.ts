// Thread: main
/** What the event actor counts, from its last start on. */
export interface NotifierFigures {
  /** Of messages; those of presence are `statuses`. */
  readonly events: number;
  /** Events that ended without a publish. */
  readonly skipped: number;
  /** The same by the reason, in the words of `EventResult`: where to look when nothing arrives. */
  readonly skips: Readonly<Record<string, number>>;
  /** Users with at least one registration to publish to: of one event for a room there may be many. */
  readonly pushed: number;
  readonly statuses: number;
  /** Publishes that were begun. */
  readonly publishes: number;
  /** Registrations that are gone, whoever asked for it. */
  readonly removed: number;
  /** Dead registrations that could not be removed at once: the next publish finds them out again. */
  readonly unremoved: number;
  /** Publishes that have not ended. */
  readonly underWay: number;
}

/** Before the actor has started. */
export const noNotifierFigures: NotifierFigures = {
  events: 0,
  skipped: 0,
  skips: {},
  pushed: 0,
  statuses: 0,
  publishes: 0,
  removed: 0,
  unremoved: 0,
  underWay: 0,
};
