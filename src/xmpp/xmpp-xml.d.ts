// Thread: any
/**
 * What we use of @xmpp/xml, which ships no types: its Parser as the builder of the tree. It is told of every tag and
 * text by stream-parser.ts, its only importer; the tokenizer that would tell it otherwise accepts what RFC 6120
 * forbids.
 */
declare module '@xmpp/xml' {
  export interface ParsedElement {
    readonly name: string;
    attrs: Record<string, string>;
    readonly children: (ParsedElement | string)[];
    readonly parent: ParsedElement | null;
  }

  export class Parser {
    /** The stream header, once it was read. */
    root: ParsedElement | null;
    /** The innermost open element. */
    cursor: ParsedElement | null;
    /** The stream header; a child of it that is complete; the header again at its end; a wrong end tag. */
    on(event: 'start' | 'element' | 'end', listener: (element: ParsedElement) => void): this;
    on(event: 'error', listener: (error: Error) => void): this;
    onStartElement(name: string, attrs?: Record<string, string>): void;
    onEndElement(name: string): void;
    onText(text: string): void;
    /** Its own tokenizer: the second opinion of the tests. */
    write(text: string): void;
  }
}
