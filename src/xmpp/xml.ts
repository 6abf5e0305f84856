// Thread: any
/**
 * What the engine sees of a parsed element, and how it looks things up: by local name and namespace, whatever prefix
 * was used (xmpp 8.12). Elements live for one turn: a codec reads what it needs into flat values, and the element is
 * dropped. Only stream-parser.ts makes them.
 */
export interface XmlElement {
  /** As written, prefix included. */
  readonly name: string;
  /** As written, `xmlns` declarations included. Read it with `attribute`, which sees own keys only. */
  readonly attrs: Readonly<Record<string, string>>;
  readonly children: readonly (XmlElement | string)[];
  /** The stream header for a stanza; null for the header itself. */
  readonly parent: XmlElement | null;
}

/** The value of an attribute without a prefix, or `undefined`. */
export function attribute(element: XmlElement, name: string): string | undefined {
  const value: unknown = element.attrs[name];
  // What an object inherits is never a string; asking for own keys first would be a second look-up.
  return typeof value === 'string' ? value : undefined;
}

export function localName(element: XmlElement): string {
  const colon = element.name.indexOf(':');
  return colon === -1 ? element.name : element.name.slice(colon + 1);
}

/**
 * The namespace an element is in, `''` if none is declared for its prefix. Walks up; depth is bounded by the parser.
 */
export function namespaceOf(element: XmlElement): string {
  const colon = element.name.indexOf(':');
  return colon === -1 ? inheritance(element) : declared(element, `xmlns:${element.name.slice(0, colon)}`);
}

/** The namespace of an element without a prefix, and of its children that have neither prefix nor declaration. */
function inheritance(element: XmlElement): string {
  for (let at: XmlElement | null = element; at !== null; at = at.parent) {
    const value = at.attrs['xmlns'];
    if (value !== undefined) return value;
  }
  return '';
}

function declared(element: XmlElement, declaration: string): string {
  for (let at: XmlElement | null = element; at !== null; at = at.parent) {
    const value = at.attrs[declaration];
    if (value !== undefined) return value;
  }
  return '';
}

export function isElement(element: XmlElement, name: string, namespace: string): boolean {
  const written = element.name;
  if (written !== name) {
    // 58 is the colon; where it is missing, which is nearly always, nothing else needs a look.
    if (written.charCodeAt(written.length - name.length - 1) !== 58 || !written.endsWith(name)) return false;
  }
  return namespaceOf(element) === namespace;
}

/** Whether children that say nothing about their namespace are in this one: asked once for `isHeir` of each of them. */
export function bequeaths(element: XmlElement, namespace: string): boolean {
  return inheritance(element) === namespace;
}

/**
 * As `isElement`, for a child of an element that bequeaths that namespace, or does not. To walk up from each of the
 * twenty elements of a publish takes twice as long.
 */
export function isHeir(child: XmlElement, name: string, namespace: string, inherits: boolean): boolean {
  if (child.name !== name || child.attrs['xmlns'] !== undefined) return isElement(child, name, namespace);
  return inherits;
}

/** The first child element of that name and namespace. */
export function childOf(element: XmlElement, name: string, namespace: string): XmlElement | undefined {
  for (const child of element.children) {
    if (typeof child !== 'string' && isElement(child, name, namespace)) return child;
  }
  return undefined;
}

/** All child elements of that name and namespace, in document order. */
export function childrenOf(element: XmlElement, name: string, namespace: string): XmlElement[] {
  const found: XmlElement[] = [];
  for (const child of element.children) {
    if (typeof child !== 'string' && isElement(child, name, namespace)) found.push(child);
  }
  return found;
}

export function childElements(element: XmlElement): XmlElement[] {
  const found: XmlElement[] = [];
  for (const child of element.children) if (typeof child !== 'string') found.push(child);
  return found;
}

/** The text directly inside an element, without that of its children. */
export function textOf(element: XmlElement): string {
  const { children } = element;
  if (children.length === 1 && typeof children[0] === 'string') return children[0];
  let text = '';
  for (const child of children) if (typeof child === 'string') text += child;
  return text;
}
