// Thread: any
/**
 * What we use of @xmpp/xml, which ships no types: the parser of a stream. Only stream-parser.ts imports it. The emitter's
 * events are `start` (the header), `element` (a child of the header, complete), `end` and `error`.
 */
declare module '@xmpp/xml' {
  export interface ParsedElement {
    readonly name: string;
    readonly attrs: Record<string, string>;
    children: (ParsedElement | string)[];
    parent: ParsedElement | null;
  }

  export class Parser {
    /** The header, once it was read. */
    root: ParsedElement | null;
    on(event: 'start' | 'element' | 'end', listener: (element: ParsedElement) => void): this;
    on(event: 'error', listener: (error: Error) => void): this;
    /** Throws on an undefined entity or an illegal character reference. */
    write(text: string): void;
  }
}
