import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'node:test';
import { silentLogger } from '../../../../src/core/log.ts';
import { emptySummary } from '../../../../src/core/notification.ts';
import { loadPlugins } from '../../../../src/plugin/load-plugins.ts';
import { PluginChain } from '../../../../src/plugin/plugin-chain.ts';
import { enabledRow } from '../../../enabled-rows.ts';
import { message } from '../../../message-events.ts';
import { full } from '../../../registration-rows.ts';
import { VirtualClock } from '../../../simulation/virtual-clock.ts';
import { root } from '../config-fixture.ts';

async function load(name: string, options: Readonly<Record<string, unknown>>): Promise<PluginChain> {
  const module = fileURLToPath(new URL(`config/plugins/${name}.mjs`, root));
  return new PluginChain(await loadPlugins([{ module, options }]), new VirtualClock(), silentLogger);
}

describe('config/plugins/room-names.mjs', () => {
  const file = fileURLToPath(new URL('config/plugins/room-names.json', root));
  const summary = { ...emptySummary, kind: 'group', lastMessageSender: 'garden@muc.example.com/Juliet' } as const;

  it('names the rooms of its file, and leaves all else as it is', async () => {
    const chain = await load('room-names', { file });
    const named = (from: string, type: 'groupchat' | 'chat' = 'groupchat') => {
      const prepared = chain.prepare(message({ from: full(from), type }), summary);
      assert.ok(prepared !== 'skip');
      assert.deepEqual({ ...prepared, roomName: '' }, summary);
      return prepared.roomName;
    };
    assert.equal(named('garden@muc.example.com/Juliet'), 'The Garden');
    assert.equal(named('garden@muc.example.com'), 'The Garden');
    assert.equal(named('other@muc.example.com/Juliet'), '');
    assert.equal(named('__proto__/x'), '');
    assert.equal(named('garden@muc.example.com', 'chat'), '');
    assert.deepEqual([...chain.throws], [['room-names', 0]]);
  });

  it('says what is wrong with its options and its file before the engine starts', async (t: TestContext) => {
    const folder = mkdtempSync(join(tmpdir(), 'meerkat-rooms-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const cause = async (options: Readonly<Record<string, unknown>>): Promise<string> => {
      const error: unknown = await load('room-names', options).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof Error && error.cause instanceof Error);
      return error.cause.message;
    };
    assert.match(await cause({}), /write `file`/);
    assert.match(await cause({ file: join(folder, 'absent.json') }), /ENOENT/);
    for (const [text, says] of [
      ['{', /JSON/],
      ['[]', /must hold one JSON object/],
      ['{"a@b": 1}', /the name of a@b must be text/],
    ] as const) {
      writeFileSync(join(folder, 'names.json'), text);
      assert.match(await cause({ file: join(folder, 'names.json') }), says);
    }
  });
});

describe('config/plugins/do-not-disturb.mjs', () => {
  async function pushed(
    t: TestContext,
    utc: string,
    values: readonly string[],
    options = {},
  ): Promise<readonly string[]> {
    const chain = await load('do-not-disturb', options);
    t.mock.timers.enable({ apis: ['Date'], now: Date.parse(`2026-01-15T${utc}:00Z`) });
    const rows = values.map((value) => enabledRow(value, { options: [['do_not_disturb', value]] }));
    const left = chain.filter(message(), rows).map(({ node }) => String(node));
    t.mock.timers.reset();
    assert.deepEqual([...chain.throws], [['do-not-disturb', 0]]);
    return left;
  }

  const night = '22:00-07:00';

  it('drops a device in its quiet hours, over midnight too, and no other', async (t) => {
    const all = [night, '12:00-13:00', '07:00-07:00'];
    for (const utc of ['22:00', '23:59', '00:00', '06:59'])
      assert.deepEqual(await pushed(t, utc, all), all.slice(1), utc);
    for (const utc of ['07:00', '11:59', '13:00', '21:59']) assert.deepEqual(await pushed(t, utc, all), all, utc);
    assert.deepEqual(await pushed(t, '12:30', all), [night, '07:00-07:00']);
  });

  it("counts in the client's time zone, else in that of its options", async (t) => {
    const zoned = [`${night} America/New_York`, night];
    assert.deepEqual(await pushed(t, '21:30', zoned, { time_zone: 'Europe/Berlin' }), zoned.slice(0, 1));
    assert.deepEqual(await pushed(t, '03:30', zoned), []);
    assert.deepEqual(await pushed(t, '11:30', zoned), zoned.slice(1));
  });

  it('loses no message to what is no interval or no time zone', async (t) => {
    const odd = ['22-7', '25:00-07:00', '22:00-07:60', ' ', `${night} Mars/Olympus`, `${night} `, `x${night}`];
    assert.deepEqual(await pushed(t, '23:00', odd), odd);
  });

  it('lets calls and devices without quiet hours through', async (t) => {
    const chain = await load('do-not-disturb', {});
    t.mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-01-15T23:00:00Z') });
    const rows = [enabledRow('quiet', { options: [['do_not_disturb', night]] }), enabledRow('loud')];
    assert.deepEqual(chain.filter(message({ jingle: 'propose' }), rows), rows);
    assert.deepEqual(chain.filter(message(), rows), rows.slice(1));
  });

  it('refuses a time zone that does not exist', async () => {
    await assert.rejects(load('do-not-disturb', { time_zone: 'Mars' }), /threw in createPlugin/);
    await assert.rejects(load('do-not-disturb', { time_zone: 1 }), /threw in createPlugin/);
  });
});
