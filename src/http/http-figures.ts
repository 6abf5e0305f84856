// Thread: main
/** What the HTTP server counts: in place of a line for each request. All but the first two since it was opened. */
export interface HttpFigures {
  connections: number;
  /** Requests that have not been answered. */
  inFlight: number;
  /** Connections over the bound, closed at once. */
  droppedConnections: number;
  requests: number;
  /** Events that were given to the engine, whatever became of them. */
  events: number;
  /** Answered 401. */
  unauthorized: number;
  /** Answered another 4xx, or not readable as HTTP. */
  invalid: number;
  /** Answered 503. */
  refused: number;
  /** Answered 500. */
  failed: number;
  /** Events of MongooseIM's pusher that the engine refused after their caller had been told that they were taken. */
  refusedLate: number;
}

export function noFigures(): HttpFigures {
  return {
    connections: 0,
    inFlight: 0,
    droppedConnections: 0,
    requests: 0,
    events: 0,
    unauthorized: 0,
    invalid: 0,
    refused: 0,
    failed: 0,
    refusedLate: 0,
  };
}

/** Counts an answer by its status. */
export function countStatus(figures: HttpFigures, status: number): void {
  if (status === 401) figures.unauthorized++;
  else if (status === 503) figures.refused++;
  else if (status >= 500) figures.failed++;
  else if (status >= 400) figures.invalid++;
}
