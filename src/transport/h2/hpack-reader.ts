// Thread: any
/**
 * Reads the fields of header blocks one after the other, and keeps the dynamic table in step (RFC 7541 §3, §5, §6). It
 * knows nothing of requests and responses: `HpackDecoder` judges whole lists.
 */
import { characterFlags, notInValue } from './hpack-characters.ts';
import { HpackDynamicTable } from './hpack-dynamic-table.ts';
import { HpackFields } from './hpack-fields.ts';
import type { FieldName, HpackField } from './hpack-fields.ts';
import { HuffmanReader, huffmanRoom } from './huffman.ts';
import { staticFields } from './hpack-tables.ts';

// §5.1 wants a bound: 28 bits are more than a block that is taken in can have.
const integerShiftMax = 21;
const noBytes = new Uint8Array(0);
// A longer string gets a room of its own, which is let go with the block: the bound is that of the block.
const roomBytes = 4_096;

export class HpackReader {
  readonly #static: readonly HpackField[];
  readonly #table: HpackDynamicTable<HpackField>;
  readonly #tableBytesMax: number;
  readonly #fields: HpackFields;
  readonly #huffman = new HuffmanReader();

  #bytes: Uint8Array = noBytes;
  #at = 0;
  #end = 0;
  #broken = false;
  #field: HpackField;

  /** The string that was read last. */
  readonly #room: Buffer = Buffer.allocUnsafeSlow(roomBytes);
  #text: Buffer = this.#room;
  #textEnd = 0;
  #textForbidden = false;

  /**
   * @param wanted lower-case names of the fields that are given as text; `all`: every field is.
   * @param tableBytesMax what our SETTINGS_HEADER_TABLE_SIZE says.
   */
  constructor(wanted: readonly string[] | 'all', tableBytesMax: number) {
    this.#fields = new HpackFields(wanted);
    this.#table = new HpackDynamicTable(tableBytesMax);
    this.#tableBytesMax = tableBytesMax;
    this.#static = staticFields.map(([name, value]) => {
      const known = this.#fields.nameOf(Buffer.from(name, 'latin1'), name.length);
      return this.#fields.fieldOf(known, Buffer.from(value, 'latin1'), value.length, false);
    });
    this.#field = this.#fields.fieldOf({ text: '', bytes: 0, traits: 0 }, this.#room, 0, false);
  }

  /** The field that `next` has read. */
  get field(): HpackField {
    return this.#field;
  }

  /** A compression error (§2.3.3, §5, §6): nothing of this connection can be read any more. */
  get broken(): boolean {
    return this.#broken;
  }

  /** Size of the dynamic table (§4.1). */
  get tableBytes(): number {
    return this.#table.bytes;
  }

  /** Entry of the dynamic table, 0 is the newest. */
  tableField(index: number): HpackField | undefined {
    return this.#table.at(index);
  }

  /** One complete header block: bytes [start, end), which must stay as they are until `next` is false. */
  begin(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    // Changes of the table's size stand at the beginning, and nowhere else (§4.2).
    while (!this.#broken && this.#at < end && ((bytes[this.#at] ?? 0) & 0xe0) === 0x20) {
      const size = this.#integer(0x1f);
      if (size > this.#tableBytesMax) this.#broken = true;
      else if (size !== -1) this.#table.resize(size);
    }
  }

  /** Reads one field. False: there is no more, or `broken`. */
  next(): boolean {
    if (this.#at >= this.#end || this.#broken) {
      // What was read of the socket is not held until the next block comes.
      this.#bytes = noBytes;
      return false;
    }
    const byte = this.#bytes[this.#at] ?? 0;
    if (byte >= 0x80) {
      const field = this.#fieldAt(this.#integer(0x7f));
      if (field === undefined) return this.#break();
      this.#field = field;
      return true;
    }
    if (byte >= 0x40) return this.#literal(0x3f, true);
    return byte < 0x20 ? this.#literal(0x0f, false) : this.#break();
  }

  #literal(prefix: number, entersTable: boolean): boolean {
    const index = this.#integer(prefix);
    const name = index === 0 ? this.#name() : this.#fieldAt(index)?.name;
    if (name === undefined || !this.#string()) return this.#break();
    this.#field = this.#fields.fieldOf(name, this.#text, this.#textEnd, this.#textForbidden);
    this.#text = this.#room;
    if (entersTable) this.#table.insert(this.#field);
    return true;
  }

  #break(): boolean {
    this.#broken = true;
    return false;
  }

  /** §2.3.3. */
  #fieldAt(index: number): HpackField | undefined {
    return index <= staticFields.length ? this.#static[index - 1] : this.#table.at(index - staticFields.length - 1);
  }

  #name(): FieldName | undefined {
    return this.#string() ? this.#fields.nameOf(this.#text, this.#textEnd) : undefined;
  }

  /** §5.1; -1 and `broken` if it is cut off or too large. */
  #integer(prefix: number): number {
    const bytes = this.#bytes;
    let number = (bytes[this.#at++] ?? 0) & prefix;
    if (number < prefix) return number;
    for (let shift = 0; shift <= integerShiftMax && this.#at < this.#end; shift += 7) {
      const byte = bytes[this.#at++] ?? 0;
      number += (byte & 0x7f) << shift;
      if (byte < 0x80) return number;
    }
    this.#broken = true;
    return -1;
  }

  /** §5.2, into `#text`. */
  #string(): boolean {
    if (this.#at >= this.#end) return false;
    const coded = ((this.#bytes[this.#at] ?? 0) & 0x80) !== 0;
    const length = this.#integer(0x7f);
    const start = this.#at;
    const end = start + length;
    if (length === -1 || end > this.#end) return false;
    this.#at = end;
    const room = coded ? huffmanRoom(length) : length;
    const text = room <= roomBytes ? this.#room : Buffer.allocUnsafe(room);
    this.#text = text;
    if (coded) {
      this.#textEnd = this.#huffman.read(this.#bytes, start, end, text);
      this.#textForbidden = this.#huffman.forbidden;
      return this.#textEnd !== -1;
    }
    let flags = 0;
    for (let from = start, to = 0; from < end; from++, to++) {
      const byte = this.#bytes[from] ?? 0;
      text[to] = byte;
      flags |= characterFlags[byte] ?? 0;
    }
    this.#textEnd = length;
    this.#textForbidden = (flags & notInValue) !== 0;
    return true;
  }
}
