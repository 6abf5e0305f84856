/**
 * Frames of HTTP/2 for a scripted peer (RFC 9113 §4, §6): builders that also make frames no server should send, and a
 * reader of what a client writes. Made from the RFC and sharing nothing with the client.
 */
import { literals } from './h2-hpack.ts';
import type { Field } from './h2-hpack.ts';

export const clientPreface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/** §7. */
export const codes = {
  noError: 0,
  protocolError: 1,
  internalError: 2,
  flowControlError: 3,
  settingsTimeout: 4,
  streamClosed: 5,
  frameSizeError: 6,
  refusedStream: 7,
  cancel: 8,
  compressionError: 9,
  connectError: 10,
  enhanceYourCalm: 11,
  inadequateSecurity: 12,
  http11Required: 13,
} as const;

/** §6.5.2. */
export interface Settings {
  readonly headerTableSize?: number;
  readonly enablePush?: number;
  readonly maxConcurrentStreams?: number;
  readonly initialWindowSize?: number;
  readonly maxFrameSize?: number;
  readonly maxHeaderListSize?: number;
}

const settingIds: Readonly<Record<keyof Settings, number>> = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
};

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** Any frame: of an unknown type, with flags it does not have, whatever its payload. */
export function frame(type: number, flags: number, streamId: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

/** With another length than its payload has. */
export function headOf(length: number, type: number, flags: number, streamId: number): Buffer {
  const head = frame(type, flags, streamId);
  head.writeUIntBE(length, 0, 3);
  return head;
}

export interface PayloadOptions {
  readonly end?: boolean;
  /** Bytes of padding; the field that tells it is written too. */
  readonly padding?: number;
}

/** §6.1. */
export function data(streamId: number, body: Uint8Array | string, options: PayloadOptions = {}): Buffer {
  const { end = false, padding } = options;
  return frame(0, (end ? 0x1 : 0) | (padding === undefined ? 0 : 0x8), streamId, padded(bytesOf(body), padding));
}

export interface BlockOptions extends PayloadOptions {
  /** Stream dependency and weight before the block (§6.2). */
  readonly priority?: boolean;
  /** False: CONTINUATION must follow. */
  readonly endHeaders?: boolean;
}

/** §6.2: `block` as bytes, or fields as literals. */
export function headers(
  streamId: number,
  block: Uint8Array | readonly Field[],
  { end = false, padding, priority = false, endHeaders = true }: BlockOptions = {},
): Buffer {
  const flags = (end ? 0x1 : 0) | (endHeaders ? 0x4 : 0) | (padding === undefined ? 0 : 0x8) | (priority ? 0x20 : 0);
  const fields = block instanceof Uint8Array ? block : literals(...block);
  const payload = priority ? Buffer.concat([Buffer.from([0x80, 0, 0, 0, 0xff]), fields]) : fields;
  return frame(1, flags, streamId, padded(payload, padding));
}

/** §6.10. */
export function continuation(streamId: number, block: Uint8Array | readonly Field[], endHeaders: boolean): Buffer {
  return frame(9, endHeaders ? 0x4 : 0, streamId, block instanceof Uint8Array ? block : literals(...block));
}

/** §6.3. */
export function priorityFrame(streamId: number): Buffer {
  return frame(2, 0, streamId, Buffer.from([0, 0, 0, 0, 15]));
}

/** §6.4. */
export function reset(streamId: number, code: number): Buffer {
  return frame(3, 0, streamId, uint32(code));
}

/** §6.5; `more` are pairs of ids and values, for those that nobody knows. */
export function settings(values: Settings = {}, more: readonly (readonly [id: number, value: number])[] = []): Buffer {
  const pairs: (readonly [number, number])[] = [];
  for (const [name, value] of Object.entries(values) as [keyof Settings, number][])
    pairs.push([settingIds[name], value]);
  const payload = Buffer.concat(
    [...pairs, ...more].map(([id, value]) => {
      const pair = Buffer.alloc(6);
      pair.writeUInt16BE(id);
      pair.writeUInt32BE(value, 2);
      return pair;
    }),
  );
  return frame(4, 0, 0, payload);
}

export function settingsAck(): Buffer {
  return frame(4, 0x1, 0);
}

/** §6.6. */
export function pushPromise(streamId: number, promisedId: number, fields: readonly Field[]): Buffer {
  return frame(5, 0x4, streamId, Buffer.concat([uint32(promisedId), literals(...fields)]));
}

/** §6.7; `payload` of eight bytes. */
export function ping(payload = 'meerkat!', ack = false): Buffer {
  return frame(6, ack ? 0x1 : 0, 0, Buffer.from(payload, 'latin1'));
}

/** §6.8. */
export function goaway(lastStreamId: number, code: number, debugData = ''): Buffer {
  return frame(7, 0, 0, Buffer.concat([uint32(lastStreamId), uint32(code), Buffer.from(debugData, 'latin1')]));
}

/** §6.9. */
export function windowUpdate(streamId: number, increment: number): Buffer {
  return frame(8, 0, streamId, uint32(increment));
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function bytesOf(body: Uint8Array | string): Uint8Array {
  return typeof body === 'string' ? Buffer.from(body, 'utf8') : body;
}

function padded(payload: Uint8Array, padding: number | undefined): Uint8Array {
  return padding === undefined ? payload : Buffer.concat([Buffer.from([padding]), payload, Buffer.alloc(padding)]);
}

export function settingsOf({ payload }: Frame): Settings {
  if (payload.length % 6 !== 0) throw new Error(`SETTINGS of ${payload.length} bytes`);
  const found: { -readonly [name in keyof Settings]: number } = {};
  for (let at = 0; at < payload.length; at += 6) {
    const id = payload.readUInt16BE(at);
    for (const name of Object.keys(settingIds) as (keyof Settings)[]) {
      if (settingIds[name] === id) found[name] = payload.readUInt32BE(at + 2);
    }
  }
  return found;
}

const typeNames = 'DATA HEADERS PRIORITY RST_STREAM SETTINGS PUSH_PROMISE PING GOAWAY WINDOW_UPDATE CONTINUATION';

/** For the message of a failing test. */
export function nameOf({ type, flags, streamId, payload }: Frame): string {
  const name = typeNames.split(' ')[type] ?? `type ${type}`;
  return `${name} flags ${flags} stream ${streamId} ${payload.subarray(0, 24).toString('hex')} (${payload.length})`;
}

/** Cuts bytes into frames. */
export class FrameReader {
  #held: Buffer = Buffer.alloc(0);

  /** The whole frames there are now; the bytes may be used again afterwards. */
  push(bytes: Uint8Array): Frame[] {
    const all = Buffer.concat([this.#held, bytes]);
    const found: Frame[] = [];
    let at = 0;
    while (all.length - at >= 9) {
      const length = all.readUIntBE(at, 3);
      if (all.length - at < 9 + length) break;
      found.push({
        type: all[at + 3] ?? 0,
        flags: all[at + 4] ?? 0,
        streamId: all.readUInt32BE(at + 5),
        payload: all.subarray(at + 9, at + 9 + length),
      });
      at += 9 + length;
    }
    this.#held = all.subarray(at);
    return found;
  }

  /** Bytes of a frame that is not whole yet. */
  get rest(): number {
    return this.#held.length;
  }
}
