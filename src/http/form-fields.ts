// Thread: main
/**
 * Forms as they come in bodies and in queries (WHATWG URL §5.1), read strictly: a field that came twice, or that is not
 * UTF-8, is an error that names it. What a lenient reader makes of those is a message to somebody else.
 */
import { limits } from '../core/limits.ts';
import { err, ok } from '../core/result.ts';
import { shortName } from './problem.ts';
import type { Result } from '../core/result.ts';

/** At most `limits.formFieldsMax` fields. The error names the field. */
export function parseForm(text: string): Result<ReadonlyMap<string, string>, string> {
  const fields = new Map<string, string>();
  for (let from = 0; from < text.length;) {
    const ampersand = text.indexOf('&', from);
    const to = ampersand === -1 ? text.length : ampersand;
    const pair = text.slice(from, to);
    from = to + 1;
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const rawName = equals === -1 ? pair : pair.slice(0, equals);
    const name = decoded(rawName);
    const value = equals === -1 ? '' : decoded(pair.slice(equals + 1));
    if (name === undefined || value === undefined)
      return err(`${shortName(name ?? rawName)}: not percent-encoded UTF-8`);
    if (fields.has(name)) return err(`${shortName(name)}: given twice`);
    if (fields.size === limits.formFieldsMax) return err(`more than ${limits.formFieldsMax} fields`);
    fields.set(name, value);
  }
  return ok(fields);
}

/** The fields of a URL's query; none if it has no query. */
export function parseQuery(url: string): Result<ReadonlyMap<string, string>, string> {
  const mark = url.indexOf('?');
  return parseForm(mark === -1 ? '' : url.slice(mark + 1));
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}
