// Thread: worker
/**
 * What goes to the peer, gathered into one write for each turn of the event loop: a write costs more than the twenty
 * requests in it. Buffers are used again as soon as the wire has let go of them.
 */
import type { Clock } from '../../core/clock.ts';
import type { ByteWire } from './byte-wire.ts';

// Four TLS records of the largest size. What is larger (the body of one request can be) gets a buffer of its own.
const chunkBytes = 65_536;
const sparesMax = 4;

export class OutputBuffer {
  readonly #wire: ByteWire;
  readonly #clock: Clock;
  readonly #flushed: () => void;
  readonly #spares: Buffer[] = [];
  #bytes: Buffer = Buffer.allocUnsafeSlow(chunkBytes);
  #at = 0;
  #scheduled = false;
  #backlogBytes = 0;
  #closed = false;
  #flushes = 0;

  /** @param flushed the wire has taken something: `backlogBytes` has become less. */
  constructor(wire: ByteWire, clock: Clock, flushed: () => void) {
    this.#wire = wire;
    this.#clock = clock;
    this.#flushed = flushed;
  }

  /** Given to the wire and not yet taken by it. */
  get backlogBytes(): number {
    return this.#backlogBytes;
  }

  /** Where to write next; valid until the next `reserve`. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Makes room for so many bytes and says where they go. `advanceTo` must follow. */
  reserve(count: number): number {
    if (this.#at + count > this.#bytes.length) {
      this.flush();
      if (count > this.#bytes.length) this.#bytes = Buffer.allocUnsafeSlow(count);
    }
    return this.#at;
  }

  /** What was written ends here. It leaves at the end of the turn. */
  advanceTo(end: number): void {
    this.#at = end;
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#clock.soon(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  append(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    this.#bytes.set(bytes, at);
    this.advanceTo(at + bytes.length);
  }

  /** Now, for what must leave before the wire is closed. */
  flush(): void {
    const count = this.#at;
    this.#at = 0;
    if (count === 0 || this.#closed) return;
    this.#flushes += 1;
    const bytes = this.#bytes;
    this.#bytes = this.#spares.pop() ?? Buffer.allocUnsafeSlow(chunkBytes);
    this.#backlogBytes += count;
    this.#wire.write(bytes.subarray(0, count), () => this.#written(bytes, count));
  }

  /** How often something has left: what was appended since then is still here. */
  get flushes(): number {
    return this.#flushes;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Nothing leaves any more. */
  close(): void {
    this.#closed = true;
  }

  #written(bytes: Buffer, count: number): void {
    this.#backlogBytes -= count;
    if (bytes.length === chunkBytes && this.#spares.length < sparesMax) this.#spares.push(bytes);
    if (!this.#closed) this.#flushed();
  }
}
