import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { preparedFullJID } from '../../../src/core/ids.ts';
import { PluginChain } from '../../../src/plugin/plugin-chain.ts';
import { sampleNotification } from '../../conformance/provider.ts';
import { row } from '../../registration-rows.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';
import type { Logger } from '../../../src/core/log.ts';
import type { Plugin, PublishEvent } from '../../../src/plugin/plugin.ts';

function setup(plugins: readonly Plugin[]) {
  const clock = new VirtualClock();
  const complaints: string[] = [];
  const note = (): void => undefined;
  const logger: Logger = { debug: note, info: note, warn: note, error: (_fields, message) => complaints.push(message) };
  const registration = row('node-1');
  const notification = sampleNotification({ title: '', body: 'hello' });
  const event: PublishEvent = { kind: 'publish', from: preparedFullJID('example.com'), registration };
  return { clock, chain: new PluginChain(plugins, clock, logger), event, notification, complaints };
}

describe('plugin chain', () => {
  it('sends the notification that the last plugin made', () => {
    const { chain, event, notification } = setup([
      { name: 'one', rewriteNotification: (_event, given) => ({ ...given, title: 'One' }) },
      { name: 'two', rewriteNotification: (_event, given) => ({ ...given, body: `${given.title}!` }) },
    ]);
    const prepared = chain.rewrite(event, notification);
    assert.ok(prepared !== 'skip');
    assert.deepEqual([prepared.title, prepared.body], ['One', 'One!']);
  });

  it('skips when a plugin says so', () => {
    const skipped = setup([{ name: 'skipper', rewriteNotification: () => 'skip' }]);
    assert.equal(skipped.chain.rewrite(skipped.event, skipped.notification), 'skip');
  });

  it('leaves out a plugin that throws, counts each throw and complains once a minute', async () => {
    const { chain, event, notification, complaints, clock } = setup([
      {
        name: 'broken',
        rewriteNotification: () => {
          throw new TypeError('oops');
        },
      },
    ]);
    for (let count = 0; count < 3; count++) assert.equal(chain.rewrite(event, notification), notification);
    assert.equal(chain.throws.get('broken'), 3);
    assert.equal(complaints.length, 1);
    await clock.advance(60_000);
    chain.rewrite(event, notification);
    assert.equal(complaints.length, 2);
  });

  it('refuses what is not a plugin when it is made', () => {
    const wrong = (plugin: object): (() => unknown) => {
      const unsafe = plugin as Plugin;
      return () => setup([unsafe]);
    };
    assert.throws(wrong({ name: '' }), { code: 'E_PLUGIN_INVALID' });
    assert.throws(wrong({ name: 'x', rewriteNotifications: () => 'skip' }), /unknown key rewriteNotifications/);
    assert.throws(wrong({ name: 'x', shouldPublish: true }), /must be a function/);
    assert.throws(() => setup([{ name: 'same' }, { name: 'same' }]), /two plugins are named same/);
  });
});
