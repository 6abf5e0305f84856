// Thread: any
/**
 * Header blocks of responses, as a client takes them: status, content-length and the few fields somebody wants, and
 * whether the list may be believed (RFC 9113 §8.1 to 8.3, §10.3). The dynamic table stays in step whatever is wrong
 * with a list (RFC 7541 §4), short of a compression error.
 */
import { fieldTraits } from './hpack-fields.ts';
import type { HpackField } from './hpack-fields.ts';
import { HpackReader } from './hpack-reader.ts';
import { headerTableBytesDefault } from './frames.ts';

/**
 * `malformed`: a stream error; `too-large`: over `listBytesMax`; `compression-error`: ends the connection (RFC 9113
 * §4.3).
 */
export type BlockVerdict = 'ok' | 'malformed' | 'too-large' | 'compression-error';

const noFields: Readonly<Record<string, string>> = Object.freeze({});

export class HpackDecoder {
  readonly #reader: HpackReader;
  readonly #listBytesMax: number;

  #status = 0;
  #contentLength = -1;
  #fields: Record<string, string> | undefined;
  #listBytes = 0;
  #malformed = false;
  /** No pseudo field may follow: one that is not has been seen, or these are trailers. */
  #regular = false;

  /**
   * `wanted`: lower-case names of the fields that are given. `listBytesMax`: over all fields of a list, as RFC 9113
   * §6.5.2 counts them.
   */
  constructor({ wanted, listBytesMax }: { readonly wanted: readonly string[]; readonly listBytesMax: number }) {
    this.#reader = new HpackReader(wanted, headerTableBytesDefault);
    this.#listBytesMax = listBytesMax;
  }

  /** Of the last block, as all that follows; 0 = none, as in trailers. */
  get status(): number {
    return this.#status;
  }

  /** -1 = not said. */
  get contentLength(): number {
    return this.#contentLength;
  }

  /** The wanted ones that came. A field that came more than once is joined with `, ` (RFC 9110 §5.3). */
  get fields(): Readonly<Record<string, string>> {
    return this.#fields ?? noFields;
  }

  /**
   * One complete header block, bytes [start, end). The table changes with it in every case. In trailers pseudo fields
   * are malformed; elsewhere `:status` must be there (§8.1, §8.3.2).
   */
  decode(bytes: Uint8Array, start: number, end: number, trailers: boolean): BlockVerdict {
    this.#status = 0;
    this.#contentLength = -1;
    this.#fields = undefined;
    this.#listBytes = 0;
    this.#malformed = false;
    this.#regular = trailers;
    const reader = this.#reader;
    reader.begin(bytes, start, end);
    while (reader.next()) this.#take(reader.field);
    if (reader.broken) return 'compression-error';
    if (this.#listBytes > this.#listBytesMax) return 'too-large';
    return this.#malformed || (this.#status === 0 && !trailers) ? 'malformed' : 'ok';
  }

  #take(field: HpackField): void {
    this.#listBytes += field.listBytes;
    const { traits } = field;
    if ((traits & fieldTraits.status) !== 0) {
      if (this.#regular || this.#status !== 0) this.#malformed = true;
      this.#status = field.number;
    } else {
      this.#regular = true;
    }
    if (traits === 0) return;
    if ((traits & (fieldTraits.malformed | fieldTraits.pseudo)) !== 0) this.#malformed = true;
    if ((traits & fieldTraits.contentLength) !== 0) {
      if (this.#contentLength !== -1 && this.#contentLength !== field.number) this.#malformed = true;
      this.#contentLength = field.number;
    }
    if ((traits & fieldTraits.wanted) !== 0) this.#keep(field);
  }

  #keep(field: HpackField): void {
    // Nobody sees a list that is too large; joining its fields would cost the square of what the peer sends.
    if (this.#listBytes > this.#listBytesMax) return;
    const fields = (this.#fields ??= {});
    const name = field.name.text;
    const before = fields[name];
    fields[name] = before === undefined ? field.value : `${before}, ${field.value}`;
  }
}
