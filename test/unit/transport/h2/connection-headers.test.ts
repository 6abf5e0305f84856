/** What a response's header block may be, RFC 9113 §6.2, §6.10, §8 and RFC 7541; against a scripted peer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  codes,
  continuation,
  data,
  frame,
  headers,
  ping,
  priorityFrame,
  reset,
  windowUpdate,
} from '../../../peers/h2-frames.ts';
import { huffmanLiteral, indexed, indexing, literals, tableSize } from '../../../peers/h2-hpack.ts';
import { answer, openWorld } from '../../../peers/h2-world.ts';
import type { Field } from '../../../peers/h2-hpack.ts';

const ok: Field = [':status', '200'];

test('§8.3.1: a request carries its pseudo-fields first, then the fields of the connection, shared and own', () => {
  const { start, peer } = openWorld();
  const { id } = start(0, {
    path: '/3/device/ab',
    shared: { authorization: 'bearer abc', 'apns-topic': 'org.example' },
    fields: { 'apns-id': '7' },
  });
  const { block, body, fields } = peer.expectRequest(id);
  assert.deepEqual(
    block
      .slice(0, 4)
      .map(({ name }) => name)
      .sort(),
    [':authority', ':method', ':path', ':scheme'],
  );
  assert.equal(fields[':method'], 'POST');
  assert.equal(fields[':scheme'], 'https');
  assert.equal(fields[':authority'], 'gateway.example');
  assert.equal(fields[':path'], '/3/device/ab');
  const plain = block.slice(4).filter(({ name }) => name !== 'content-length');
  assert.deepEqual(
    plain.map(({ name, value }) => [name, value]),
    [
      ['content-type', 'application/json'],
      ['authorization', 'bearer abc'],
      ['apns-topic', 'org.example'],
      ['apns-id', '7'],
    ],
  );
  assert.equal(body, '{"aps":{}}');
  assert.equal(fields['content-length'] ?? String(body.length), String(body.length));
});

test('RFC 7541 §2.3: shared fields come from the table the second time; own fields never enter it', () => {
  const { start } = openWorld();
  const shared = { 'apns-topic': 'org.example.app', 'apns-push-type': 'alert' };
  start(0, { shared, fields: { 'apns-id': 'first' } });
  for (let slot = 1; slot < 4; slot++) {
    const { block } = start(slot, { shared, fields: { 'apns-id': `id-${slot}` }, path: `/3/device/${slot}` });
    const form = (name: string): string | undefined => block.find((field) => field.name === name)?.form;
    assert.equal(form('apns-topic'), 'indexed');
    assert.equal(form('apns-push-type'), 'indexed');
    assert.equal(form('content-type'), 'indexed');
    assert.match(form('apns-id') ?? '', /without|never/);
    assert.match(form(':path') ?? '', /without|never/);
  }
});

test('RFC 7541 §7.1.3: the path, which names a device, is a literal that never enters a table', () => {
  const { start } = openWorld();
  const { block } = start(0, { path: '/3/device/00ff' });
  assert.match(block.find(({ name }) => name === ':path')?.form ?? '', /without|never/);
});

test('§8.2: a field that cannot be written is refused, and nothing goes out', () => {
  const { clock, peer, send, works } = openWorld();
  for (const [index, changes] of [
    { fields: { 'x-line': 'a\r\nb' } },
    { fields: { 'x-nul': 'a\0b' } },
    { fields: { 'x-lf': 'a\nb' } },
    { shared: { 'x-line': 'a\rb' } },
    { path: '/3/device/a\nb' },
  ].entries()) {
    assert.equal(send(index, changes), 'invalid', JSON.stringify(changes));
  }
  clock.settle();
  assert.equal(peer.streams.size, 0);
  works();
});

const blocks: readonly (readonly [what: string, block: Buffer])[] = [
  ['literals', literals(ok, ['apns-id', 'a-1'])],
  ['an indexed status', Buffer.concat([indexed(8), literals(['apns-id', 'a-1'])])],
  ['Huffman code', Buffer.concat([indexed(8), huffmanLiteral(['apns-id', 'a-1'])])],
  ['a literal with an indexed name', Buffer.concat([Buffer.from('0803323030', 'hex'), literals(['apns-id', 'a-1'])])],
  ['a table size before it', Buffer.concat([tableSize(0), tableSize(100), indexed(8), indexing(['apns-id', 'a-1'])])],
  ['a second field of the same name', literals(ok, ['apns-id', 'a-1'], ['x-other', '1'], ['x-other', '2'])],
  ['an empty value', literals(ok, ['x-empty', ''], ['apns-id', 'a-1'])],
  ['a value outside ASCII', literals(ok, ['x-text', 'caf\u00e9 \u00ff'], ['apns-id', 'a-1'])],
  ['a value with tabs and spaces inside', literals(ok, ['x-text', 'a \t b'], ['apns-id', 'a-1'])],
];
for (const [what, block] of blocks) {
  test(`RFC 7541 §6: a response as ${what} is read, whole or cut at each byte into CONTINUATION`, () => {
    const { peer, start, responded, works } = openWorld();
    const expected = { kind: 'responded', status: 200, fields: { 'apns-id': 'a-1' }, body: '' };
    peer.send(headers(start(0).id, block, { end: true }));
    assert.deepEqual(responded(0), expected);
    for (let at = 0; at <= block.length; at++) {
      const { id } = start(at + 1);
      peer.send(headers(id, block.subarray(0, at), { end: true, endHeaders: false }));
      peer.send(continuation(id, block.subarray(at), true));
      assert.deepEqual(responded(at + 1), expected);
    }
    works();
  });
}

test('RFC 7541 §2.3.2: fields a response puts into the table are found by the next', () => {
  const { peer, start, responded } = openWorld();
  peer.send(headers(start(0).id, indexing(ok, ['apns-id', 'dynamic'], ['retry-after', '5']), { end: true }));
  peer.send(headers(start(1).id, Buffer.concat([64, 63, 62].map(indexed)), { end: true }));
  assert.deepEqual(responded(1).fields, { 'apns-id': 'dynamic', 'retry-after': '5' });
});

test('only the fields that were asked for are told', () => {
  const { peer, start, responded } = openWorld();
  peer.send(answer(start(0).id, '400', ['server', 'x'], ['apns-id', 'i'], ['x-apns-id', 'j'], ['__proto__', 'k']));
  const { status, fields } = responded(0);
  assert.deepEqual([status, fields], [400, { 'apns-id': 'i' }]);
});

for (const status of ['200', '204', '304', '400', '410', '429', '500', '503', '599', '999']) {
  test(`§8.1: a response ${status} without a body ends its stream`, () => {
    const { peer, start, responded } = openWorld();
    peer.send(answer(start(0).id, status));
    assert.deepEqual(responded(0), { kind: 'responded', status: Number(status), fields: {}, body: '' });
  });
}

test('§6.2: padding and PRIORITY fields of HEADERS are skipped', () => {
  const { peer, start, responded } = openWorld();
  for (const [slot, options] of [
    { padding: 0 },
    { padding: 255 },
    { priority: true },
    { priority: true, padding: 7 },
  ].entries()) {
    peer.send(headers(start(slot).id, [ok, ['apns-id', `${slot}`]], { ...options, end: true }));
    assert.deepEqual(responded(slot).fields, { 'apns-id': `${slot}` });
  }
});

test('§6.2, §6.10: a padded block goes on in CONTINUATION, also in empty ones', () => {
  const { peer, start, responded } = openWorld();
  const { id } = start(0);
  const block = literals(ok, ['apns-id', 'three parts']);
  peer.send(headers(id, block.subarray(0, 1), { end: true, endHeaders: false, padding: 9, priority: true }));
  peer.send(continuation(id, Buffer.alloc(0), false), continuation(id, block.subarray(1, 9), false));
  peer.send(continuation(id, block.subarray(9), false), continuation(id, Buffer.alloc(0), true));
  assert.deepEqual(responded(0).fields, { 'apns-id': 'three parts' });
});

const broken: readonly (readonly [what: string, bytes: (id: number) => Buffer, code: readonly number[]])[] = [
  ['§6.2: padding as long as HEADERS', (id) => frame(1, 0xc, id, Buffer.from([2, 0x88])), [codes.protocolError]],
  [
    '§6.2: HEADERS too short for the length of its padding',
    (id) => frame(1, 0xc, id),
    [codes.frameSizeError, codes.protocolError],
  ],
  [
    '§6.2: HEADERS too short for its PRIORITY fields',
    (id) => frame(1, 0x24, id, Buffer.alloc(4)),
    [codes.frameSizeError, codes.protocolError],
  ],
  [
    '§6.2: HEADERS whose padding leaves no room for its PRIORITY fields',
    (id) => frame(1, 0x2c, id, Buffer.from([2, 0, 0, 0, 0, 0, 0])),
    [codes.frameSizeError, codes.protocolError],
  ],
  ...(
    [
      ['a PING', ping()],
      ['WINDOW_UPDATE', windowUpdate(0, 1)],
      ['a frame of unknown type', frame(0xbb, 0, 0)],
      ['DATA of the same stream', data(1, 'x')],
      ['RST_STREAM of the same stream', reset(1, 8)],
      ['HEADERS of the same stream', headers(1, [ok])],
      ['CONTINUATION of another stream', continuation(3, [ok], true)],
    ] as const
  ).map(
    ([what, between]) =>
      [
        `§6.10: ${what} within a header block`,
        (id: number): Buffer => Buffer.concat([headers(id, [ok], { endHeaders: false }), between]),
        [codes.protocolError],
      ] as const,
  ),
  ...(
    [
      ['an index of nothing', '80'],
      ['an index above both tables', 'be'],
      ['an index far above both tables', 'ffffffff0f'],
      ['an integer without end', 'ffffffffffffffffffffffffffff7f'],
      ['a string longer than the block', '00056162'],
      ['a name without a value', '000161'],
      ['a block that ends within an integer', '88ff'],
      ['Huffman padding of zeros', '0081180161'],
      ['Huffman padding of eight bits', '00821fff0161'],
      ['EOS in a Huffman string', '0084ffffffff0161'],
      ['a table larger than we allow', '3fffffff0f'],
      ['a table size after a field', '8820'],
    ] as const
  ).map(
    ([what, hex]) =>
      [
        `RFC 7541: ${what}`,
        (id: number): Buffer => headers(id, Buffer.from(hex, 'hex')),
        [codes.compressionError],
      ] as const,
  ),
];
for (const [what, bytes, allowed] of broken) {
  test(`${what} is a connection error`, () => {
    const { peer, start, clock, failsWith } = openWorld();
    const { id } = start(0);
    start(1);
    peer.send(bytes(id));
    clock.settle();
    const code = peer.goaways[0]?.code ?? -1;
    assert.ok(allowed.includes(code), `GOAWAY ${code}`);
    failsWith(code);
  });
}

const malformed: readonly (readonly [what: string, fields: readonly Field[]])[] = [
  ['§8.3.2: no status', [['apns-id', 'x']]],
  ['§8.3.2: no field at all', []],
  ['§8.3: two statuses', [ok, ok]],
  ['§8.3: the status after another field', [['apns-id', 'x'], ok]],
  ['§8.3: an unknown pseudo-field', [ok, [':other', 'x']]],
  ['§8.3: a pseudo-field of requests', [ok, [':path', '/']]],
  ['§8.3.2: a status of two digits', [[':status', '20']]],
  ['§8.3.2: a status of four digits', [[':status', '2000']]],
  ['§8.3.2: a status that is no number', [[':status', 'abc']]],
  ['§8.3.2: a negative status', [[':status', '-20']]],
  ['§8.3.2: an empty status', [[':status', '']]],
  ['§8.2.1: a name in upper case', [ok, ['Apns-Id', 'x']]],
  ['§8.2.1: an empty name', [ok, ['', 'x']]],
  ['§8.2.1: a name with a space', [ok, ['a b', 'x']]],
  ['§8.2.1: a name with a colon inside', [ok, ['a:b', 'x']]],
  ['§8.2.1: a name outside ASCII', [ok, ['caf\u00e9', 'x']]],
  ['§8.2.1: a name with DEL', [ok, ['a\x7f', 'x']]],
  ['§8.2.1: a value with CR', [ok, ['a', 'x\ry']]],
  ['§8.2.1: a value with LF', [ok, ['a', 'x\ny']]],
  ['§8.2.1: a value with NUL', [ok, ['a', 'x\0y']]],
  ['§8.2.1: a value that begins with a space', [ok, ['a', ' x']]],
  ['§8.2.1: a value that ends with a tab', [ok, ['a', 'x\t']]],
  ['§8.2.2: Connection', [ok, ['connection', 'close']]],
  ['§8.2.2: Keep-Alive', [ok, ['keep-alive', 'timeout=5']]],
  ['§8.2.2: Proxy-Connection', [ok, ['proxy-connection', 'close']]],
  ['§8.2.2: Transfer-Encoding', [ok, ['transfer-encoding', 'chunked']]],
  ['§8.2.2: Upgrade', [ok, ['upgrade', 'h2c']]],
  ['§8.1.1: a content-length that is no number', [ok, ['content-length', 'x']]],
  ['§8.1.1: two content-lengths that differ', [ok, ['content-length', '0'], ['content-length', '1']]],
  ['§8.6: 101', [[':status', '101']]],
];
for (const [what, fields] of malformed) {
  test(`${what}: the response is malformed, its stream alone ends (§8.1.1)`, () => {
    const { peer, start, responded, failsStream } = openWorld();
    const { id } = start(0);
    const other = start(1).id;
    peer.send(headers(id, fields));
    peer.send(answer(other));
    assert.equal(responded(1).status, 200);
    failsStream(id, 0, codes.protocolError);
  });

  test(`${what}: likewise when the block ends the stream, and what it put in the table stays`, () => {
    const { peer, start, lost, responded } = openWorld();
    const { id } = start(0);
    peer.send(headers(id, indexing(['retry-after', '77'], ...fields), { end: true }));
    const { reason, unprocessed } = lost(0);
    assert.equal(unprocessed, false);
    assert.ok(reason.length > 0);
    const next = start(1).id;
    peer.send(headers(next, Buffer.concat([indexed(8), indexed(62 + fields.length)]), { end: true }));
    assert.deepEqual(responded(1).fields, { 'retry-after': '77' });
  });
}

test('§8.1.1: DATA whose sum is not the content-length is malformed: more, less, none', () => {
  const { peer, start, clock, lost, works } = openWorld();
  for (const [slot, [length, parts]] of (
    [
      ['3', ['four']],
      ['5', ['fo', 'ur']],
      ['4', ['fo', '']],
      ['1', ['']],
    ] as const
  ).entries()) {
    const { id } = start(slot);
    peer.send(headers(id, [ok, ['content-length', length]]));
    for (const [index, part] of parts.entries()) {
      clock.settle();
      if (peer.expectHeaders(id).resetCode === undefined)
        peer.send(data(id, part, { end: index === parts.length - 1 }));
    }
    assert.equal(lost(slot).unprocessed, false);
  }
  const { id } = start(9);
  peer.send(answer(id, '200', ['content-length', '4']));
  assert.equal(lost(9).unprocessed, false);
  works();
});

test('§8.1.1: a content-length that holds, also over padded DATA and with trailers, is no matter', () => {
  const { peer, start, responded } = openWorld();
  const first = start(0).id;
  peer.send(headers(first, [ok, ['content-length', '4']]), data(first, 'fo', { padding: 20 }));
  peer.send(data(first, 'ur', { end: true }));
  assert.equal(responded(0).body, 'four');
  const second = start(1).id;
  peer.send(headers(second, [ok, ['content-length', '2']]), data(second, 'ok'));
  peer.send(headers(second, [['x-trailer', 'y']], { end: true }));
  assert.equal(responded(1).body, 'ok');
  peer.send(answer(start(2).id, '200', ['content-length', '0']));
  assert.equal(responded(2).status, 200);
  peer.send(answer(start(3).id, '304', ['content-length', '77']));
  assert.equal(responded(3).status, 304);
});

test('§8.1: any number of 1xx responses may come before the final one', () => {
  const { peer, start, responded } = openWorld();
  const { id } = start(0);
  for (const status of ['100', '103', '103', '199'])
    peer.send(
      headers(id, [
        [':status', status],
        ['apns-id', 'early'],
      ]),
    );
  peer.send(headers(id, [[':status', '400']]), data(id, 'late', { end: true }));
  assert.deepEqual(responded(0), { kind: 'responded', status: 400, fields: {}, body: 'late' });
});

test('§8.1: a 1xx response that ends the stream is malformed', () => {
  const { peer, start, failsStream } = openWorld();
  const { id } = start(0);
  peer.send(headers(id, [[':status', '103']], { end: true }));
  failsStream(id, 0, codes.protocolError);
});

test('§8.1: DATA after a 1xx response alone is malformed', () => {
  const { peer, start, failsStream } = openWorld();
  const { id } = start(0);
  peer.send(headers(id, [[':status', '100']]), data(id, 'x'));
  failsStream(id, 0, codes.protocolError);
});

test('§8.1: trailers end a response; their fields are not those of the head', () => {
  const { peer, start, responded } = openWorld();
  const { id } = start(0);
  peer.send(headers(id, [ok]), data(id, 'body'), headers(id, [['apns-id', 'too late']], { end: true }));
  const { status, body } = responded(0);
  assert.deepEqual([status, body], [200, 'body']);
  const { id: next } = start(1);
  peer.send(headers(next, [ok, ['apns-id', 'head']]), headers(next, [['x', 'y']], { end: true }));
  assert.deepEqual(responded(1).fields, { 'apns-id': 'head' });
});

for (const [what, fields, end] of [
  ['trailers that do not end the stream', [['x-trailer', 'y']], false],
  ['trailers with a status', [ok], true],
  ['trailers with a name in upper case', [['X', 'y']], true],
] as readonly (readonly [string, readonly Field[], boolean])[]) {
  test(`§8.1: ${what} make the response malformed`, () => {
    const { peer, start, lost, works } = openWorld();
    const { id } = start(0);
    peer.send(headers(id, [ok]), data(id, 'body'), headers(id, fields, { end }));
    assert.equal(lost(0).unprocessed, false);
    if (!end) peer.expectReset(id, codes.protocolError);
    works();
  });
}

test('§8.1: DATA before HEADERS is malformed', () => {
  const { peer, start, failsStream } = openWorld();
  const { id } = start(0);
  peer.send(data(id, 'body', { end: true }));
  failsStream(id, 0, codes.protocolError);
});

test('§5.3.2, §6.3: PRIORITY is ignored on any stream', () => {
  const { peer, start, responded, works } = openWorld();
  const { id } = start(0);
  peer.send(priorityFrame(id), priorityFrame(id + 100), priorityFrame(2), answer(id), priorityFrame(id));
  assert.equal(responded(0).status, 200);
  works();
});

test('§6.3: PRIORITY of another length than five is an error of its stream', () => {
  for (const length of [0, 4, 6]) {
    const { peer, start, responded, failsStream } = openWorld();
    const [over, { id }] = [start(0), start(1)];
    peer.send(answer(over.id), frame(2, 0, over.id, Buffer.alloc(length)), frame(2, 0, id, Buffer.alloc(length)));
    assert.equal(responded(0).status, 200);
    failsStream(id, 1, codes.frameSizeError);
  }
});

test('§6.3, §5.1: PRIORITY of another length on an idle stream, which cannot be reset, ends the connection', () => {
  const { peer, start, failsWith } = openWorld();
  peer.send(frame(2, 0, start(0).id + 2, Buffer.alloc(6)));
  failsWith(codes.frameSizeError);
});
