// Thread: any
/**
 * Which prefixes are bound where (Namespaces in XML 1.0 §5, §6.3; xmpp 8.10). Tags with prefixes of their own are
 * rare, so nothing is kept: a look-up walks the open elements.
 */
import { attribute } from './xml.ts';
import type { XmlElement } from './xml.ts';

export interface Scope {
  /** The innermost open element; the outermost one of a stanza has no parent while it is open. */
  readonly cursor: XmlElement | null;
  /** The stream header. */
  readonly root: XmlElement | null;
}

/** The namespace a prefix stands for on a tag with these attributes, or `undefined`. */
export function boundTo(prefix: string, attrs: XmlElement['attrs'], scope: Scope): string | undefined {
  const declaration = `xmlns:${prefix}`;
  if (Object.hasOwn(attrs, declaration)) return attrs[declaration];
  for (let at = scope.cursor; at !== null; at = at.parent) {
    const value = attribute(at, declaration);
    if (value !== undefined) return value;
  }
  return scope.root === null ? undefined : attribute(scope.root, declaration);
}

/** Whether two attributes have the same name once their prefixes are resolved. All prefixes must be bound. */
export function hasTwins(attrs: XmlElement['attrs'], scope: Scope): boolean {
  const seen = new Set<string>();
  let count = 0;
  for (const name of Object.keys(attrs)) {
    const colon = name.indexOf(':');
    if (colon === -1 || name.startsWith('xmlns:') || name.startsWith('xml:')) continue;
    seen.add(`${name.slice(colon)} ${boundTo(name.slice(0, colon), attrs, scope) ?? ''}`);
    count++;
  }
  return seen.size < count;
}
