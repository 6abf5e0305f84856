// Thread: any
/**
 * The frames of HTTP/2 as bytes (RFC 9113 §4.1, §6): names of types, flags, settings and error codes, and how a frame's
 * head is written. No state; used by the client and by our answering gateway.
 */

/** What a client sends first (§3.4). */
export const preface: Uint8Array = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

export const frameHeadBytes = 9;
/** An error code, a window's increment, a stream id. */
export const uint32Bytes = 4;
/** The whole payload of PING (§6.7), the least of GOAWAY (§6.8). */
export const pingBytes = 8;
export const goawayBytesMin = 8;

/** §6. */
export const frameTypes = {
  data: 0x0,
  headers: 0x1,
  priority: 0x2,
  resetStream: 0x3,
  settings: 0x4,
  pushPromise: 0x5,
  ping: 0x6,
  goaway: 0x7,
  windowUpdate: 0x8,
  continuation: 0x9,
} as const;

export const frameFlags = {
  /** DATA, HEADERS. */
  endStream: 0x1,
  /** SETTINGS, PING. */
  ack: 0x1,
  /** HEADERS, PUSH_PROMISE, CONTINUATION. */
  endHeaders: 0x4,
  /** DATA, HEADERS, PUSH_PROMISE. */
  padded: 0x8,
  /** HEADERS. */
  priority: 0x20,
} as const;

/** §6.5.2. */
export const settingIds = {
  headerTableSize: 0x1,
  enablePush: 0x2,
  maxConcurrentStreams: 0x3,
  initialWindowSize: 0x4,
  maxFrameSize: 0x5,
  maxHeaderListSize: 0x6,
} as const;

/** What holds until SETTINGS say otherwise (§6.5.2), and what a window can never pass (§6.9.1). */
export const headerTableBytesDefault = 4_096;
export const windowBytesDefault = 65_535;
export const windowBytesMax = 2_147_483_647;
export const frameBytesDefault = 16_384;
export const frameBytesMax = 16_777_215;
export const streamIdMax = 2_147_483_647;

/** §7. */
export const errorCodes = {
  noError: 0x0,
  protocolError: 0x1,
  internalError: 0x2,
  flowControlError: 0x3,
  settingsTimeout: 0x4,
  streamClosed: 0x5,
  frameSizeError: 0x6,
  refusedStream: 0x7,
  cancel: 0x8,
  compressionError: 0x9,
  connectError: 0xa,
  enhanceYourCalm: 0xb,
  inadequateSecurity: 0xc,
  http11Required: 0xd,
} as const;

const errorNames: readonly string[] = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
];

/** As the RFC writes it; the number for a code it does not know. */
export function errorName(code: number): string {
  return errorNames[code] ?? String(code);
}

/** `GOAWAY NAME debug`, for people: printable characters only, the first 120. */
export function goawayReason(code: number, debugData: Uint8Array): string {
  const said = Buffer.from(debugData.subarray(0, 120))
    .toString('latin1')
    .replace(/[^\x20-\x7e]/g, '');
  return `GOAWAY ${errorName(code)}${said === '' ? '' : ` ${said}`}`;
}

export interface FrameHead {
  length: number;
  type: number;
  flags: number;
  streamId: number;
}

/** Writes nine bytes; returns where the payload begins. */
export function writeFrameHead(bytes: Uint8Array, at: number, { length, type, flags, streamId }: FrameHead): number {
  bytes[at] = length >>> 16;
  bytes[at + 1] = length >>> 8;
  bytes[at + 2] = length;
  bytes[at + 3] = type;
  bytes[at + 4] = flags;
  writeUint32(bytes, at + 5, streamId);
  return at + frameHeadBytes;
}

export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Unsigned. */
export function readUint32(bytes: Uint8Array, at: number): number {
  const high = bytes[at] ?? 0;
  return high * 0x1000000 + (((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0));
}

/** Of lengths and stream ids: 24 bits. */
export function readUint24(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
}

/** A whole small frame, for what is sent seldom. */
export function smallFrame(type: number, flags: number, streamId: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(frameHeadBytes + payload.length);
  bytes.set(payload, writeFrameHead(bytes, 0, { length: payload.length, type, flags, streamId }));
  return bytes;
}

/** §6.5. */
export function settingsFrame(settings: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(settings.length * 6);
  settings.forEach(([id, value], index) => {
    payload.writeUInt16BE(id, index * 6);
    payload.writeUInt32BE(value, index * 6 + 2);
  });
  return smallFrame(frameTypes.settings, 0, 0, payload);
}
