// Thread: worker
/**
 * Cuts what comes from the peer into frames (RFC 9113 §4.1), in place: only a frame that arrives in two pieces is
 * copied. A frame longer than we allow is seen by its head, before anything of it is kept (§4.2).
 */
import { frameBytesDefault, frameHeadBytes, readUint24, readUint32, streamIdMax } from './frames.ts';
import type { FrameHead } from './frames.ts';

export interface FrameHandler {
  /**
   * One whole frame; its payload is `bytes[at, at + length)` and is gone after the call. False: the connection has
   * ended, and what follows is not for us.
   */
  frame(head: Readonly<FrameHead>, bytes: Buffer, at: number): boolean;
  /** A frame longer than SETTINGS_MAX_FRAME_SIZE. Nothing follows. */
  frameTooLong(): void;
}

export class FrameReader {
  readonly #handler: FrameHandler;
  /** One object for all frames of the connection. */
  readonly #head: FrameHead = { length: 0, type: 0, flags: 0, streamId: 0 };
  /** The beginning of a frame whose rest has not come. */
  readonly #rest = Buffer.allocUnsafeSlow(frameHeadBytes + frameBytesDefault);
  #restBytes = 0;

  constructor(handler: FrameHandler) {
    this.#handler = handler;
  }

  read(bytes: Buffer): void {
    let at = this.#restBytes === 0 ? 0 : this.#completeRest(bytes);
    while (at !== -1 && bytes.length - at >= frameHeadBytes) {
      const length = readUint24(bytes, at);
      if (length > frameBytesDefault) return this.#handler.frameTooLong();
      const end = at + frameHeadBytes + length;
      if (end > bytes.length) break;
      if (!this.#tell(bytes, at, length)) return;
      at = end;
    }
    if (at !== -1 && at < bytes.length) this.#restBytes = bytes.copy(this.#rest, 0, at);
  }

  /** Where in `bytes` the next frame begins; -1: there is none. */
  #completeRest(bytes: Buffer): number {
    let at = this.#fill(bytes, 0, frameHeadBytes);
    if (this.#restBytes < frameHeadBytes) return -1;
    const length = readUint24(this.#rest, 0);
    if (length > frameBytesDefault) {
      this.#handler.frameTooLong();
      return -1;
    }
    at = this.#fill(bytes, at, frameHeadBytes + length);
    if (this.#restBytes < frameHeadBytes + length) return -1;
    this.#restBytes = 0;
    return this.#tell(this.#rest, 0, length) ? at : -1;
  }

  #fill(bytes: Buffer, from: number, wanted: number): number {
    if (this.#restBytes >= wanted) return from;
    const copied = bytes.copy(this.#rest, this.#restBytes, from, from + wanted - this.#restBytes);
    this.#restBytes += copied;
    return from + copied;
  }

  #tell(bytes: Buffer, at: number, length: number): boolean {
    const head = this.#head;
    head.length = length;
    head.type = bytes[at + 3] ?? 0;
    head.flags = bytes[at + 4] ?? 0;
    // The first bit is reserved (§4.1).
    head.streamId = readUint32(bytes, at + 5) & streamIdMax;
    return this.#handler.frame(head, bytes, at + frameHeadBytes);
  }
}
