// Thread: any
/**
 * Parses and prepares JIDs (RFC 7622 §3, RFC 6122 for what servers still do; xmpp 2.20, 8.19). Two spellings of one
 * address come out as one string, so that prepared JIDs are compared with `===`. Servers prepare `from` and `to`;
 * anything out of forms and attributes is prepared here. A JID in plain lower-case ASCII costs a regular expression
 * and no copy.
 */
import { isIPv6 } from 'node:net';
import { domainToUnicode } from 'node:url';
import { preparedBareJID, preparedFullJID } from './ids.ts';
import { limits } from './limits.ts';
import { err, ok } from './result.ts';
import type { BareJID, FullJID } from './ids.ts';
import type { Result } from './result.ts';

export interface JIDParts {
  /** `''` for a domain. */
  readonly local: string;
  /** Lower case, Unicode rather than `xn--`, no trailing dot; an IPv6 literal keeps its brackets. */
  readonly domain: string;
  /** `''` if there is none. */
  readonly resource: string;
}

export type JIDProblem = 'empty-part' | 'too-long' | 'bad-local' | 'bad-domain' | 'bad-resource';

/** Splits and prepares. The order of the two cuts matters: a resource may hold `@` and `/`. */
export function parseJID(text: string): Result<JIDParts, JIDProblem> {
  const slash = text.indexOf('/');
  const bare = slash === -1 ? text : text.slice(0, slash);
  const at = bare.indexOf('@');
  if (at === 0 || (slash !== -1 && slash === text.length - 1)) return err('empty-part');
  const domain = prepareDomain(bare.slice(at + 1));
  if (!domain.ok) return domain;
  const local = at === -1 ? nothing : prepareLocal(bare.slice(0, at));
  if (!local.ok) return local;
  const resource = slash === -1 ? nothing : prepareResource(text.slice(slash + 1));
  if (!resource.ok) return resource;
  return ok({ local: local.value, domain: domain.value, resource: resource.value });
}

/** The bare JID of any JID. */
export function bareJID(text: string): Result<BareJID, JIDProblem> {
  const bare = bareOf(text);
  if (isPlain(text)) return ok(preparedBareJID(bare));
  const parts = parseJID(text);
  if (!parts.ok) return parts;
  const { local, domain } = parts.value;
  return ok(preparedBareJID(local === '' ? domain : `${local}@${domain}`));
}

/** The whole JID, with its resource if it has one. */
export function fullJID(text: string): Result<FullJID, JIDProblem> {
  if (isPlain(text)) return ok(preparedFullJID(text));
  const parts = parseJID(text);
  if (!parts.ok) return parts;
  const { local, domain, resource } = parts.value;
  const bare = local === '' ? domain : `${local}@${domain}`;
  return ok(preparedFullJID(resource === '' ? bare : `${bare}/${resource}`));
}

/** The four below are for JIDs that are prepared, or whose sender has checked them; they check nothing. */
export function bareOf(jid: string): string {
  const slash = jid.indexOf('/');
  return slash === -1 ? jid : jid.slice(0, slash);
}

export function domainOf(jid: string): string {
  const bare = bareOf(jid);
  return bare.slice(bare.indexOf('@') + 1);
}

/** `''` for a domain. */
export function localOf(jid: string): string {
  const bare = bareOf(jid);
  const at = bare.indexOf('@');
  return at === -1 ? '' : bare.slice(0, at);
}

/** `''` if there is none. */
export function resourceOf(jid: string): string {
  const slash = jid.indexOf('/');
  return slash === -1 ? '' : jid.slice(slash + 1);
}

const nothing: Result<string, never> = ok('');

// Needs no preparation: every part is in its final form. Shorter than any part may be, so lengths need no look.
const plainCharsMax = 255;
const label = '[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?';
const plainLocal = /^[a-z0-9!#$%()*+,.;=?[\]^_`{|}~-]+$/;
const plainDomain = new RegExp(`^(?!.*xn--)${label}(?:\\.${label})*$`);
const plainResource = /^[\x20-\x7e]+$/;
// The three in one: a resource that looks like an encoded label takes the long way, too.
const [localPart, domainPart, resourcePart] = [plainLocal, plainDomain, plainResource].map((part) =>
  part.source.slice(1, -1),
);
const plainJID = new RegExp(`^(?:${localPart}@)?${domainPart}(?:/${resourcePart})?$`);

// RFC 6122 §A.5: what a localpart may not hold, besides white space and control characters.
const localForbidden = /["&'/:<>@]/;
// RFC 3454 C.1.2 to C.9: spaces, controls, private use, non-characters, lone surrogates, marks that change or deprecate
// the presentation of others.
const neverInLocal = new RegExp(
  `[\\p{Zs}\\p{Zl}\\p{Zp}\\p{Cc}\\p{Co}\\p{Cs}\\p{Noncharacter_Code_Point}\\u{340}\\u{341}\\u{6dd}\\u{70f}\\u{180e}` +
    `\\u{200e}\\u{200f}\\u{202a}-\\u{202e}\\u{2060}-\\u{2063}\\u{206a}-\\u{206f}\\u{fff9}-\\u{fffd}]`,
  'u',
);
const neverInResource = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u;
// RFC 3454 B.1: mapped to nothing.
const invisible =
  /\u{ad}|\u{34f}|\u{1806}|[\u{180b}-\u{180d}]|[\u{200b}-\u{200d}]|\u{2060}|[\u{fe00}-\u{fe0f}]|\u{feff}/gu;
// What the URL rules would take for something else than a name: escapes, ports, paths, credentials.
const domainForbidden = /[\x00-\x2c/:-@[-^`{-\x7f]/;

function isPlain(text: string): boolean {
  return text.length <= plainCharsMax && plainJID.test(text);
}

function prepareLocal(text: string): Result<string, JIDProblem> {
  if (isTooLong(text)) return err('too-long');
  if (plainLocal.test(text)) return ok(text);
  // Folding can undo the normal form, which can undo folding: twice is enough (RFC 3454 §B.2).
  const folded = folding(folding(text.replace(invisible, '')));
  if (folded === '' || localForbidden.test(folded) || neverInLocal.test(folded)) return err('bad-local');
  return isTooLong(folded) ? err('too-long') : ok(folded);
}

/** Lower case is not folding: two letters differ (RFC 3454 §B.2, as the servers do it). */
function folding(text: string): string {
  return text.normalize('NFKC').toLowerCase().replaceAll('ß', 'ss').replaceAll('ς', 'σ');
}

function prepareDomain(text: string): Result<string, JIDProblem> {
  if (text === '') return err('empty-part');
  if (isTooLong(text)) return err('too-long');
  if (text.startsWith('[')) return prepareAddress(text);
  const lower = (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase();
  if (plainDomain.test(lower)) return ok(lower);
  if (domainForbidden.test(lower) || !/[^\x00-\x7f]|xn--/.test(lower)) return err('bad-domain');
  // To ASCII and back: both spellings of an international domain become its Unicode one.
  const unicode = domainToUnicode(lower);
  const prepared = unicode.endsWith('.') ? unicode.slice(0, -1) : unicode;
  // A label that is no encoding of anything: Node.js 20 gives '' for it, 24 gives it back.
  if (prepared === '' || prepared.split('.').some(isBadLabel)) return err('bad-domain');
  return isTooLong(prepared) ? err('too-long') : ok(prepared);
}

function isBadLabel(text: string): boolean {
  return text === '' || text.startsWith('xn--');
}

function prepareAddress(text: string): Result<string, JIDProblem> {
  const lower = text.toLowerCase();
  return lower.endsWith(']') && isIPv6(lower.slice(1, -1)) && !lower.includes('%') ? ok(lower) : err('bad-domain');
}

/** As it is, but in one normal form (RFC 7622 §3.4). */
function prepareResource(text: string): Result<string, JIDProblem> {
  if (isTooLong(text)) return err('too-long');
  if (plainResource.test(text)) return ok(text);
  const prepared = text.normalize('NFC');
  if (neverInResource.test(prepared)) return err('bad-resource');
  return isTooLong(prepared) ? err('too-long') : ok(prepared);
}

function isTooLong(part: string): boolean {
  return part.length * 3 > limits.jidPartBytesMax && Buffer.byteLength(part) > limits.jidPartBytesMax;
}
