// Thread: any
/**
 * The dynamic table of HPACK (RFC 7541 §2.3.2, §4): newest entry first, evicted from the other end, counted in bytes. A
 * ring, so that an insertion moves nothing. Entries keep what their side needs; the table asks for their size only.
 */

/** What each entry counts besides its text (§4.1). */
export const entryBytes = 32;

export interface TableEntry {
  /** Name, value and `entryBytes`. */
  readonly listBytes: number;
}

export class HpackDynamicTable<Entry extends TableEntry> {
  readonly #ring: (Entry | undefined)[];
  readonly #mask: number;
  /** Where the newest entry is. */
  #newest = 0;
  #count = 0;
  #bytes = 0;
  #bytesMax: number;
  #inserted = 0;

  /** @param bytesMax what it begins with, and the most it may ever be resized to. */
  constructor(bytesMax: number) {
    // An entry has at least `entryBytes`. A power of two, so that going round is a mask.
    const slots = 2 ** Math.ceil(Math.log2(Math.max(1, bytesMax / entryBytes)));
    this.#ring = Array.from({ length: slots }, () => undefined);
    this.#mask = slots - 1;
    this.#bytesMax = bytesMax;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get bytesMax(): number {
    return this.#bytesMax;
  }

  /** Entries ever inserted: the newest of them is `at(0)`. */
  get inserted(): number {
    return this.#inserted;
  }

  /** 0 is the newest. */
  at(index: number): Entry | undefined {
    return index < this.#count ? this.#ring[(this.#newest + index) & this.#mask] : undefined;
  }

  /** §4.4: an entry larger than the table empties it and is not an error. */
  insert(entry: Entry): void {
    this.#evictTo(this.#bytesMax - entry.listBytes);
    if (entry.listBytes > this.#bytesMax) return;
    this.#newest = (this.#newest - 1) & this.#mask;
    this.#ring[this.#newest] = entry;
    this.#count++;
    this.#bytes += entry.listBytes;
    this.#inserted++;
  }

  /** §4.3. */
  resize(bytesMax: number): void {
    this.#bytesMax = bytesMax;
    this.#evictTo(bytesMax);
  }

  #evictTo(bytes: number): void {
    while (this.#bytes > bytes && this.#count > 0) {
      this.#count--;
      const oldest = (this.#newest + this.#count) & this.#mask;
      this.#bytes -= this.#ring[oldest]?.listBytes ?? 0;
      this.#ring[oldest] = undefined;
    }
  }
}
