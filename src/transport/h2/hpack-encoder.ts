// Thread: worker
/**
 * Header blocks of requests, from templates (RFC 7541). Fields that come again enter the dynamic table once; from then
 * on their bytes, one index each, are copied. The path holds a device token: it is never indexed (§7.1.3). Fields of
 * one request stay out of the table as well, names and all: a name in full costs seven bytes more than an index, an
 * index that moves with each insertion would have to be looked up for every request.
 */
import { limits } from '../../core/limits.ts';
import type { GatewayRequest } from '../gateway-session.ts';
import { headerTableBytesDefault } from './frames.ts';
import { HpackDynamicTable, entryBytes } from './hpack-dynamic-table.ts';
import {
  fieldBytesMax,
  isCarriedName,
  isCarriedPath,
  isCarriedValue,
  isConstantPseudoName,
  isSecretName,
  requestField,
  staticNameIndexOf,
} from './hpack-request-fields.ts';
import type { RequestField } from './hpack-request-fields.ts';
import { staticFields } from './hpack-tables.ts';
import { HpackWriter, integerBytesMax, representations } from './hpack-writer.ts';

const pathName = ':path';
const pathIndex = staticNameIndexOf(pathName);
const noBytes = Buffer.alloc(0);

/** The constant fields together with one object of shared fields. */
interface Template {
  /** What stands behind `:path`. */
  readonly fields: readonly RequestField[];
  /** HTTP/2 can carry it. */
  readonly carried: boolean;
  readonly bytesMax: number;
  readonly listBytes: number;
  /** What was written last, before and behind `:path`, and at which `#generation` of the table; -1 = never. */
  head: Buffer;
  tail: Buffer;
  generation: number;
  /** A field of it waits to enter a table that is full. */
  waits: boolean;
}

/** The beginning of a field of one request: all but its value. */
interface FieldStart {
  readonly bytes: Buffer;
  readonly carried: boolean;
}

export class HpackEncoder {
  readonly #pseudo: readonly RequestField[];
  readonly #constant: readonly RequestField[];
  readonly #constantCarried: boolean;
  readonly #table = new HpackDynamicTable<RequestField>(headerTableBytesDefault);
  readonly #writer = new HpackWriter(noBytes);
  readonly #templates = new Map<GatewayRequest['shared'], Template>();
  readonly #starts = new Map<string, FieldStart>();

  #lastShared: GatewayRequest['shared'] | undefined;
  #lastTemplate: Template | undefined;
  /** Counts what moves indices: insertions and evictions. */
  #generation = 0;
  /** Requests since the last insertion. */
  #sinceInsertion = 0;
  /** The table's size that the peer is told next, and the smallest he asked for since he was told. */
  #sizeNext = headerTableBytesDefault;
  #sizeLeast = headerTableBytesDefault;

  /** `constant`: pseudo fields but `:path`, and fields of every request. */
  constructor(constant: Readonly<Record<string, string>>) {
    const fields = Object.entries(constant).map(([name, value]) => requestField(name, value));
    this.#pseudo = fields.filter((field) => isConstantPseudoName(field.name));
    this.#constant = fields.filter((field) => !isConstantPseudoName(field.name));
    this.#constantCarried =
      this.#constant.every((field) => isCarriedName(field.name)) &&
      fields.every((field) => isCarriedValue(field.value));
  }

  /**
   * The peer's SETTINGS_HEADER_TABLE_SIZE, at any time; more than 4096 is not used. Told at the beginning of the next
   * block, and the smallest in between as well (RFC 7541 §4.2).
   */
  setTableBytesMax(bytes: number): void {
    this.#sizeNext = Math.min(bytes, headerTableBytesDefault);
    this.#sizeLeast = Math.min(this.#sizeLeast, this.#sizeNext);
  }

  /**
   * At least what `write` needs for this request; -1: HTTP/2 cannot carry one of its fields (RFC 9113 §8.2.1, §8.3.1).
   * The table does not change.
   */
  boundOf(request: GatewayRequest): number {
    const template = this.#templateOf(request.shared);
    if (!template.carried || !isCarriedPath(request.path)) return -1;
    let bound = template.bytesMax + request.path.length;
    const { fields } = request;
    for (const name in fields) {
      const value = fields[name] ?? '';
      const start = this.#startOf(name);
      if (!start.carried || !isCarriedValue(value)) return -1;
      bound += start.bytes.length + integerBytesMax + value.length;
    }
    return bound;
  }

  /** Sum of name, value and 32 over the fields, for the peer's MAX_HEADER_LIST_SIZE (RFC 9113 §6.5.2). */
  listBytesOf(request: GatewayRequest): number {
    let sum = this.#templateOf(request.shared).listBytes + request.path.length;
    for (const name in request.fields) sum += name.length + (request.fields[name] ?? '').length + entryBytes;
    return sum;
  }

  /**
   * Writes the header block at `at` and returns its end. There must be room for `boundOf`, and that must not have been
   * -1. The block must be sent, and before the next one: the table has changed with it.
   */
  write(bytes: Buffer, at: number, request: GatewayRequest): number {
    const writer = this.#writer;
    const { fields } = request;
    const template = this.#templateOf(request.shared);
    writer.begin(bytes, at);
    if (this.#sizeNext !== this.#table.bytesMax || this.#sizeLeast < this.#table.bytesMax) this.#tellSize();
    this.#sinceInsertion++;
    const ready = template.generation === this.#generation && !(template.waits && this.#mayEvict());
    if (ready) this.#copy(template, request.path);
    else this.#compose(template, request.path);
    for (const name in fields) {
      writer.again(this.#startOf(name).bytes);
      writer.text(fields[name] ?? '');
    }
    writer.begin(noBytes, writer.at);
    return writer.at;
  }

  /** RFC 7541 §4.2, §6.3. */
  #tellSize(): void {
    const least = this.#sizeLeast;
    const next = this.#sizeNext;
    const sizes = least < next && least < this.#table.bytesMax ? [least, next] : [next];
    for (const size of sizes) {
      this.#writer.index(representations.tableSize, size);
      this.#table.resize(size);
    }
    this.#sizeLeast = next;
    this.#generation++;
  }

  #copy(template: Template, path: string): void {
    this.#writer.again(template.head);
    this.#path(path);
    this.#writer.again(template.tail);
  }

  /** Field by field; kept for the next request if nothing has entered the table meanwhile. */
  #compose(template: Template, path: string): void {
    const writer = this.#writer;
    const inserted = this.#table.inserted;
    const mayEvict = this.#mayEvict();
    template.waits = false;
    const start = writer.at;
    for (const field of this.#pseudo) this.#field(field, template, mayEvict);
    const head = writer.copyFrom(start);
    this.#path(path);
    const afterPath = writer.at;
    for (const field of template.fields) this.#field(field, template, mayEvict);
    if (this.#table.inserted !== inserted) {
      this.#generation++;
      this.#sinceInsertion = 0;
      return;
    }
    template.head = head;
    template.tail = writer.copyFrom(afterPath);
    template.generation = this.#generation;
  }

  #path(path: string): void {
    this.#writer.index(representations.never, pathIndex);
    this.#writer.text(path);
  }

  /**
   * Against thrashing: when there are more fields than the table holds, each insertion would push out what the next
   * request needs.
   */
  #mayEvict(): boolean {
    return this.#sinceInsertion >= limits.hpackEvictAfterRequests;
  }

  #field(field: RequestField, template: Template, mayEvict: boolean): void {
    const writer = this.#writer;
    const index = field.indexing === 'may' ? this.#indexOf(field) : 0;
    if (index !== 0) {
      writer.index(representations.indexed, index);
      return;
    }
    const table = this.#table;
    const fits = field.indexing === 'may' && field.listBytes <= table.bytesMax;
    const enters = fits && (mayEvict || table.bytes + field.listBytes <= table.bytesMax);
    if (fits && !enters) template.waits = true;
    const unindexed = field.indexing === 'never' ? representations.never : representations.plain;
    const representation = enters ? representations.incremental : unindexed;
    if (field.staticNameIndex === 0) writer.name(representation, field.name);
    else writer.index(representation, field.staticNameIndex);
    writer.text(field.value);
    if (enters) table.insert(field);
  }

  /** In both tables; 0 = it is in none. */
  #indexOf(field: RequestField): number {
    if (field.staticIndex !== 0) return field.staticIndex;
    for (let index = 0; index < this.#table.count; index++) {
      const entry = this.#table.at(index);
      if (entry !== undefined && entry.name === field.name && entry.value === field.value) {
        return staticFields.length + 1 + index;
      }
    }
    return 0;
  }

  #templateOf(shared: GatewayRequest['shared']): Template {
    if (shared === this.#lastShared && this.#lastTemplate !== undefined) return this.#lastTemplate;
    let template = this.#templates.get(shared);
    if (template === undefined) {
      template = this.#newTemplate(shared);
      this.#templates.set(shared, template);
      if (this.#templates.size > limits.hpackTemplatesMax) {
        for (const oldest of this.#templates.keys()) {
          this.#templates.delete(oldest);
          break;
        }
      }
    }
    this.#lastShared = shared;
    this.#lastTemplate = template;
    return template;
  }

  #newTemplate(shared: GatewayRequest['shared']): Template {
    const own = Object.entries(shared).map(([name, value]) => requestField(name, value));
    const fields = [...this.#constant, ...own];
    const all = [...this.#pseudo, ...fields];
    const pathStart = 1 + integerBytesMax;
    return {
      fields,
      carried: this.#constantCarried && own.every((field) => isCarriedName(field.name) && isCarriedValue(field.value)),
      // Two changes of the table's size may stand before the fields.
      bytesMax: all.reduce((sum, field) => sum + fieldBytesMax(field), 2 * integerBytesMax + pathStart),
      listBytes: all.reduce((sum, field) => sum + field.listBytes, pathName.length + entryBytes),
      head: noBytes,
      tail: noBytes,
      generation: -1,
      waits: false,
    };
  }

  #startOf(name: string): FieldStart {
    const known = this.#starts.get(name);
    if (known !== undefined) return known;
    const carried = isCarriedName(name);
    const writer = new HpackWriter(Buffer.alloc(1 + integerBytesMax + name.length));
    const representation = isSecretName(name) ? representations.never : representations.plain;
    const index = staticNameIndexOf(name);
    if (index === 0) writer.name(representation, name);
    else writer.index(representation, index);
    const start = { bytes: writer.copyFrom(0), carried };
    if (this.#starts.size < limits.hpackNamesMax) this.#starts.set(name, start);
    return start;
  }
}
