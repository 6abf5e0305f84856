import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bareJID, bareOf, domainOf, fullJID, localOf, parseJID, resourceOf } from '../../../src/core/jid.ts';
import type { JIDProblem } from '../../../src/core/jid.ts';

const k1023 = 'a'.repeat(1023);
// 255 labels of 3 and the dots between them: 1019 characters.
const longDomain = Array.from({ length: 255 }, () => 'abc').join('.');

/** Text, then localpart, domain and resource as prepared. */
const good: readonly (readonly [string, string, string, string])[] = [
  ['example.com', '', 'example.com', ''],
  ['anna@example.com', 'anna', 'example.com', ''],
  ['anna@example.com/phone', 'anna', 'example.com', 'phone'],
  ['example.com/phone', '', 'example.com', 'phone'],
  ['Anna@Example.COM/Phone', 'anna', 'example.com', 'Phone'],
  ['anna@example.com/a@b', 'anna', 'example.com', 'a@b'],
  ['anna@example.com/a/b', 'anna', 'example.com', 'a/b'],
  ['example.com/a@b.org', '', 'example.com', 'a@b.org'],
  ['example.com//', '', 'example.com', '/'],
  ['anna@example.com/ two  words', 'anna', 'example.com', ' two  words'],
  ['anna@example.com/<&>"\'', 'anna', 'example.com', '<&>"\''],
  ['anna@example.com.', 'anna', 'example.com', ''],
  ['anna@example.com./x', 'anna', 'example.com', 'x'],
  ['localhost', '', 'localhost', ''],
  ['push.123', '', 'push.123', ''],
  ['Push.123', '', 'push.123', ''],
  ['192.0.2.7', '', '192.0.2.7', ''],
  ['[2001:DB8::1]', '', '[2001:db8::1]', ''],
  ['anna@[::1]/r', 'anna', '[::1]', 'r'],
  ['push_1.example.com', '', 'push_1.example.com', ''],
  ['Bücher.example', '', 'bücher.example', ''],
  ['xn--bcher-kva.example', '', 'bücher.example', ''],
  ['XN--BCHER-KVA.EXAMPLE', '', 'bücher.example', ''],
  ['bu\u0308cher.example', '', 'bücher.example', ''],
  ['anna@пример.рф', 'anna', 'пример.рф', ''],
  ['anna@xn--e1afmkfd.xn--p1ai', 'anna', 'пример.рф', ''],
  ['a。example', '', 'a.example', ''],
  ['ａｂ.example', '', 'ab.example', ''],
  ['Ünal@example.com', 'ünal', 'example.com', ''],
  ['u\u0308nal@example.com', 'ünal', 'example.com', ''],
  ['ＡＮＮＡ@example.com', 'anna', 'example.com', ''],
  ['ΣΊΣΥΦΟΣ@example.com', 'σίσυφοσ', 'example.com', ''],
  ['Fuß@example.com', 'fuss', 'example.com', ''],
  ['an\u00adna@example.com', 'anna', 'example.com', ''],
  ['d\\27artagnan@example.com', 'd\\27artagnan', 'example.com', ''],
  ['a.b+c-d_e!#$%()*,;=?[]^`{|}~@example.com', 'a.b+c-d_e!#$%()*,;=?[]^`{|}~', 'example.com', ''],
  ['anna@example.com/Ünïçode', 'anna', 'example.com', 'Ünïçode'],
  ['anna@example.com/u\u0308', 'anna', 'example.com', 'ü'],
  ['anna@example.com/👩\u200d💻', 'anna', 'example.com', '👩\u200d💻'],
  [`${k1023}@example.com/${k1023}`, k1023, 'example.com', k1023],
  [longDomain, '', longDomain, ''],
  ['__proto__@constructor', '__proto__', 'constructor', ''],
];

const bad: readonly (readonly [string, JIDProblem])[] = [
  ['', 'empty-part'],
  ['@example.com', 'empty-part'],
  ['anna@', 'empty-part'],
  ['anna@/phone', 'empty-part'],
  ['/phone', 'empty-part'],
  ['example.com/', 'empty-part'],
  ['anna@example.com/', 'empty-part'],
  ['@@bad@@', 'empty-part'],
  ['anna@bob@example.com', 'bad-domain'],
  ['an na@example.com', 'bad-local'],
  ['a"b@example.com', 'bad-local'],
  ["a'b@example.com", 'bad-local'],
  ['a&b@example.com', 'bad-local'],
  ['a:b@example.com', 'bad-local'],
  ['<a>@example.com', 'bad-local'],
  ['a\u0000@example.com', 'bad-local'],
  ['a\u00a0b@example.com', 'bad-local'],
  ['a\u202eb@example.com', 'bad-local'],
  ['\u00ad@example.com', 'bad-local'],
  ['a\ud800@example.com', 'bad-local'],
  ['a\ufffe@example.com', 'bad-local'],
  ['a／b@example.com', 'bad-local'],
  ['exa mple.com', 'bad-domain'],
  ['.', 'bad-domain'],
  ['.example.com', 'bad-domain'],
  ['example..com', 'bad-domain'],
  ['example.com..', 'bad-domain'],
  ['-example.com', 'bad-domain'],
  ['example.com:5222', 'bad-domain'],
  ['ex%61mple.com', 'bad-domain'],
  ['bücher.example:80', 'bad-domain'],
  ['xn--zzzz', 'bad-domain'],
  ['[::1', 'bad-domain'],
  ['[1.2.3.4]', 'bad-domain'],
  ['[fe80::1%eth0]', 'bad-domain'],
  ['[::g]', 'bad-domain'],
  ['anna@example.com/a\nb', 'bad-resource'],
  ['anna@example.com/a\u0085', 'bad-resource'],
  ['anna@example.com/\udc00', 'bad-resource'],
  [`${k1023}a@example.com`, 'too-long'],
  [`${'ü'.repeat(512)}@example.com`, 'too-long'],
  // Short as written, too long once the sign for metre is spelled out.
  [`${'\u334d'.repeat(100)}@example.com`, 'too-long'],
  [`anna@example.com/${k1023}a`, 'too-long'],
  [`${longDomain}.abcd`, 'too-long'],
];

for (const [text, local, domain, resource] of good) {
  const shown = text.length > 60 ? `${text.slice(0, 20)} of ${text.length} characters` : JSON.stringify(text);
  test(`2.20 ${shown} is prepared`, () => {
    const parts = parseJID(text);
    assert.deepEqual(parts, { ok: true, value: { local, domain, resource } });
    const bare = local === '' ? domain : `${local}@${domain}`;
    const full = resource === '' ? bare : `${bare}/${resource}`;
    assert.deepEqual(bareJID(text), { ok: true, value: bare });
    assert.deepEqual(fullJID(text), { ok: true, value: full });
    // What is prepared stays as it is, and its parts can be cut out again.
    assert.deepEqual(fullJID(full), { ok: true, value: full });
    assert.equal(bareOf(full), bare);
    assert.deepEqual([localOf(full), domainOf(full), resourceOf(full)], [local, domain, resource]);
  });
}

for (const [text, problem] of bad) {
  const shown = text.length > 60 ? `${text.length} characters` : JSON.stringify(text);
  test(`8.19 ${shown} is refused: ${problem}`, () => {
    assert.deepEqual(parseJID(text), { ok: false, error: problem });
    assert.deepEqual(bareJID(text), { ok: false, error: problem });
    assert.deepEqual(fullJID(text), { ok: false, error: problem });
  });
}
