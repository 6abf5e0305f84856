// Thread: any
/**
 * What the engine sees of a parsed element, and how it looks things up. Elements live for one turn: a codec reads what it
 * needs into flat values, and the element is dropped. Only stream-parser.ts makes them.
 */
export interface XmlElement {
  /** As written, prefix included. */
  readonly name: string;
  /** As written, `xmlns` declarations included. A null-prototype object or one that is only read by own keys. */
  readonly attrs: Readonly<Record<string, string>>;
  readonly children: readonly (XmlElement | string)[];
  readonly parent: XmlElement | null;
}
