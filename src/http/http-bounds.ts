// Thread: main
/** The bounds of the HTTP server by their names in `limits`; tests give smaller ones. */
import { limits } from '../core/limits.ts';

export interface HttpBounds {
  readonly httpBodyBytesMax: number;
  readonly httpHeaderBytesMax: number;
  readonly httpHeadersMax: number;
  readonly httpDrainBytesMax: number;
  readonly httpEventsMax: number;
  readonly httpRequestsMax: number;
  readonly httpConnectionsMax: number;
  readonly httpHeadersMs: number;
  readonly httpRequestMs: number;
  readonly httpCheckMs: number;
  readonly httpKeepaliveMs: number;
  readonly httpSilenceMs: number;
}

export const httpBounds: HttpBounds = {
  httpBodyBytesMax: limits.httpBodyBytesMax,
  httpHeaderBytesMax: limits.httpHeaderBytesMax,
  httpHeadersMax: limits.httpHeadersMax,
  httpDrainBytesMax: limits.httpDrainBytesMax,
  httpEventsMax: limits.httpEventsMax,
  httpRequestsMax: limits.httpRequestsMax,
  httpConnectionsMax: limits.httpConnectionsMax,
  httpHeadersMs: limits.httpHeadersMs,
  httpRequestMs: limits.httpRequestMs,
  httpCheckMs: limits.httpCheckMs,
  httpKeepaliveMs: limits.httpKeepaliveMs,
  httpSilenceMs: limits.httpSilenceMs,
};
