/** What real servers have sent, cut at every byte: however TCP and TLS deliver it, the ends are the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { captureRequests, readCaptures, replay } from '../../../peers/h2-captures.ts';

const captures = readCaptures();

function* pieces(bytes: Buffer, cuts: readonly number[]): Iterable<Buffer> {
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    // A copy: the client's owner uses its read buffer again.
    yield Buffer.from(bytes.subarray(from, to));
    from = to;
  }
}

test('there are captures of four kinds of server', () => {
  const kinds = new Set(captures.map(({ name }) => name.replace(/[-.].*/, '')));
  assert.deepEqual([...kinds], ['go', 'nghttpd', 'nginx', 'node']);
});

for (const { name, bytes } of captures) {
  const whole = replay(pieces(bytes, []));

  test(`${name}: each request is answered with the status and body that the server sent`, () => {
    for (const [slot, { path, body }] of captureRequests.entries()) {
      const end = whole.ends.get(slot);
      assert.ok(end?.kind === 'responded', `slot ${slot}: ${JSON.stringify(end)}`);
      if (name.startsWith('nginx')) {
        assert.deepEqual(
          [end.status, end.body.length, end.fields['apns-id']],
          path === '/bad' ? [400, 21, 'nginx'] : [200, 900, undefined],
        );
      } else assert.deepEqual([end.status, end.body], [200, body]);
    }
    assert.equal(whole.log.at(-1), 'closed');
  });

  test(`${name}: split in two at each byte`, () => {
    for (let at = 1; at < bytes.length; at++) assert.deepEqual(replay(pieces(bytes, [at])), whole, `at ${at}`);
  });

  test(`${name}: byte by byte, and in pieces of each small size`, () => {
    for (let size = 1; size < 40; size++) {
      const cuts = Array.from({ length: Math.ceil(bytes.length / size) - 1 }, (_, index) => (index + 1) * size);
      assert.deepEqual(replay(pieces(bytes, cuts)), whole, `${size} at a time`);
    }
  });

  test(`${name}: cut short at each byte, every request ends once all the same`, () => {
    for (let at = 0; at < bytes.length; at++) {
      const { log, ends, closed } = replay([Buffer.from(bytes.subarray(0, at))]);
      assert.equal(log.at(-1), 'closed', `at ${at}`);
      assert.ok(closed !== undefined);
      assert.equal(ends.size, log.includes('opened') ? captureRequests.length : 0, `at ${at}`);
    }
  });
}
