import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { preparedFullJID } from '../../../src/core/ids.ts';
import { limits } from '../../../src/core/limits.ts';
import { emptySummary } from '../../../src/core/notification.ts';
import { PluginChain } from '../../../src/plugin/plugin-chain.ts';
import { sampleNotification } from '../../conformance/provider.ts';
import { enabledRow } from '../../enabled-rows.ts';
import { message } from '../../message-events.ts';
import { row } from '../../registration-rows.ts';
import { VirtualClock } from '../../simulation/virtual-clock.ts';
import type { EnabledRegistration } from '../../../src/core/enabled.ts';
import type { Logger } from '../../../src/core/log.ts';
import type { Summary } from '../../../src/core/notification.ts';
import type { Plugin, PublishEvent } from '../../../src/plugin/plugin.ts';

type Callback = 'prepareNotification' | 'shouldPublish' | 'publishNotification' | 'rewriteNotification';

/** A plugin as JavaScript may give it: what its callbacks answer is nobody's promise. */
function unsafe(name: string, callbacks: Partial<Record<Callback, (...given: never[]) => unknown>>): Plugin {
  return { name, ...callbacks } as Plugin;
}

function thrower(name: string, callback: Callback): Plugin {
  return unsafe(name, {
    [callback]: () => {
      throw new TypeError('the token is s3cret');
    },
  });
}

const event = message();
const summary: Summary = { ...emptySummary, lastMessageSender: 'boris@example.org', lastMessageBody: 'Where are you?' };
const [phone, tablet, watch] = [enabledRow('phone'), enabledRow('tablet'), enabledRow('watch')];
const rows = [phone, tablet, watch];

function namesOf(registrations: readonly EnabledRegistration[]): readonly string[] {
  return registrations.map(({ node }) => node);
}

function setup(...plugins: readonly Plugin[]) {
  const clock = new VirtualClock();
  const complaints: Readonly<Record<string, unknown>>[] = [];
  const note = (): void => undefined;
  const logger: Logger = { debug: note, info: note, warn: note, error: (fields) => complaints.push(fields) };
  const chain = new PluginChain(plugins, clock, logger);
  const published: string[] = [];
  return {
    clock,
    chain,
    complaints,
    published,
    /** Nodes that plugins took over; what was published is noted, with the body it was told. */
    publish: (given: readonly EnabledRegistration[] = rows): readonly string[] =>
      namesOf(
        chain.publish(event, summary, given, (told, chosen) => {
          for (const { node } of chosen) published.push(`${node}: ${told.lastMessageBody}`);
        }),
      ),
    faults: (): readonly (readonly [string, number])[] => [...chain.throws].filter(([, count]) => count > 0),
  };
}

const everything = ['phone: Where are you?', 'tablet: Where are you?', 'watch: Where are you?'];

describe('mongooseim 2.13: a callback that is left out has its default', () => {
  const defaults = setup({ name: 'nothing' });

  it('prepare_notification: the summary as it was made', () => {
    assert.equal(defaults.chain.prepare(event, summary), summary);
  });

  it('should_publish: all registrations that were chosen without it', () => {
    assert.equal(defaults.chain.filter(event, rows), rows);
  });

  it('publish_notification: Meerkat publishes to each', () => {
    assert.deepEqual(defaults.publish(), []);
    assert.deepEqual(defaults.published, everything);
  });

  it('the event path need not ask where there is none', () => {
    assert.equal(defaults.chain.hasEventCallbacks, false);
    assert.equal(setup({ name: 'x', rewriteNotification: () => 'skip' }).chain.hasEventCallbacks, false);
    assert.equal(setup({ name: 'x', prepareNotification: () => 'skip' }).chain.hasEventCallbacks, true);
    assert.equal(setup({ name: 'x', shouldPublish: () => [] }).chain.hasEventCallbacks, true);
    assert.equal(setup({ name: 'x', publishNotification: () => undefined }).chain.hasEventCallbacks, true);
  });

  it('callbacks are asked with the event, plugins in their order, each with what the one before made', () => {
    const seen: string[] = [];
    const plugin = (name: string): Plugin => ({
      name,
      prepareNotification(given, told) {
        assert.equal(given, event);
        seen.push(`${name} prepares ${told.lastMessageBody}`);
        return { ...told, lastMessageBody: `${told.lastMessageBody} ${name}` };
      },
      shouldPublish(given, registrations) {
        assert.equal(given, event);
        seen.push(`${name} filters ${namesOf(registrations).join(' ')}`);
        return registrations.slice(1);
      },
      publishNotification(given, told, registrations, next) {
        assert.equal(given, event);
        seen.push(`${name} publishes ${namesOf(registrations).join(' ')}`);
        next({ ...told, lastMessageBody: name }, registrations);
      },
    });
    const { chain, publish, published, faults } = setup(plugin('one'), plugin('two'));
    const prepared = chain.prepare(event, summary);
    assert.ok(prepared !== 'skip');
    assert.equal(prepared.lastMessageBody, 'Where are you? one two');
    assert.deepEqual(namesOf(chain.filter(event, rows)), ['watch']);
    publish([phone]);
    assert.deepEqual(published, ['phone: two']);
    assert.deepEqual(seen, [
      'one prepares Where are you?',
      'two prepares Where are you? one',
      'one filters phone tablet watch',
      'two filters tablet watch',
      'one publishes phone',
      'two publishes phone',
    ]);
    assert.deepEqual(faults(), []);
  });
});

describe('prepareNotification', () => {
  it('may skip the event, and nobody is asked after that', () => {
    const { chain, faults } = setup(
      { name: 'one', prepareNotification: () => 'skip' },
      thrower('two', 'prepareNotification'),
    );
    assert.equal(chain.prepare(event, summary), 'skip');
    assert.deepEqual(faults(), []);
  });

  const wrong: readonly (readonly [what: string, answer: unknown, problem: string])[] = [
    ['nothing', undefined, 'the summary is no object'],
    ['null', null, 'the summary is no object'],
    ['another word', 'SKIP', 'the summary is no object'],
    ['a list', [summary], 'the summary is no object'],
    ['a promise', Promise.resolve(summary), 'a promise; callbacks are synchronous'],
    ['a part', { lastMessageBody: 'x' }, 'messageCount is no whole number from -1 to 99999'],
    ['a count as text', { ...summary, messageCount: '1' }, 'messageCount is no whole number from -1 to 99999'],
    ['half a message', { ...summary, messageCount: 0.5 }, 'messageCount is no whole number from -1 to 99999'],
    ['too many', { ...summary, pendingSubscriptionCount: 1e6 }, 'pendingSubscriptionCount is no whole number'],
    ['a sender that is no JID', { ...summary, lastMessageSender: '@' }, 'lastMessageSender is no JID'],
    ['a sender that is no text', { ...summary, lastMessageSender: null }, 'lastMessageSender is not text'],
    [
      'a body that is too long',
      { ...summary, lastMessageBody: 'ä'.repeat(2049) },
      'lastMessageBody is longer than 4096',
    ],
    ['a body that is no XML', { ...summary, lastMessageBody: 'a\u0000' }, 'lastMessageBody holds characters'],
    ['half a character', { ...summary, lastMessageBody: '\ud800' }, 'lastMessageBody holds characters'],
    ['an unknown priority', { ...summary, priority: 'urgent' }, 'priority is none of "high", "low", ""'],
    ['an unknown kind', { ...summary, kind: 'call' }, 'kind is none of "message", "group", "invitation", ""'],
    ['a number for text', { ...summary, jingleMessage: 1 }, 'jingleMessage is not text'],
    ['a long name', { ...summary, roomName: 'x'.repeat(limits.fieldBytesMax + 1) }, 'roomName is longer than'],
  ];
  for (const [what, answer, problem] of wrong) {
    it(`that answers with ${what} is left out, counted and told of`, () => {
      const { chain, faults, complaints } = setup(unsafe('wrong', { prepareNotification: () => answer }), {
        name: 'behind',
        prepareNotification: (_event, told) => ({ ...told, messageCount: 7 }),
      });
      assert.deepEqual(chain.prepare(event, summary), { ...summary, messageCount: 7 });
      assert.deepEqual(faults(), [['wrong', 1]]);
      assert.ok(String(complaints[0]?.['problem']).startsWith(problem), String(complaints[0]?.['problem']));
    });
  }

  it('that throws is left out', () => {
    const { chain, faults } = setup(thrower('wrong', 'prepareNotification'));
    assert.equal(chain.prepare(event, summary), summary);
    assert.deepEqual(faults(), [['wrong', 1]]);
  });

  it('leaves fields of its own behind', () => {
    const { chain } = setup({ name: 'x', prepareNotification: (_event, told) => ({ ...told, extra: 'x' }) });
    assert.deepEqual(chain.prepare(event, summary), summary);
  });
});

describe('shouldPublish', () => {
  it('chooses a part, in the order given, each once', () => {
    const { chain, faults } = setup({ name: 'x', shouldPublish: () => [watch, phone, watch] });
    assert.deepEqual(namesOf(chain.filter(event, rows)), ['phone', 'watch']);
    assert.deepEqual(faults(), []);
  });

  it('is not asked about no registrations', () => {
    const { chain, faults } = setup({ name: 'x', shouldPublish: () => [] }, thrower('y', 'shouldPublish'));
    assert.deepEqual(chain.filter(event, rows), []);
    assert.deepEqual(faults(), []);
  });

  const wrong: readonly (readonly [what: string, answer: unknown])[] = [
    ['no list', true],
    ['nothing', undefined],
    ['a set', new Set(rows)],
    ['a copy of a registration', [{ ...phone }]],
    ['a stranger among them', [phone, enabledRow('stranger')]],
    ['a hole', [phone, undefined]],
    ['a promise', Promise.resolve(rows)],
  ];
  for (const [what, answer] of wrong) {
    it(`that answers with ${what} is left out, and the others count`, () => {
      const only = { name: 'only', shouldPublish: (): readonly EnabledRegistration[] => [phone, tablet] };
      const { chain, faults } = setup(only, unsafe('wrong', { shouldPublish: () => answer }));
      assert.deepEqual(namesOf(chain.filter(event, rows)), ['phone', 'tablet']);
      assert.deepEqual(faults(), [['wrong', 1]]);
    });
  }

  it('that throws, or empties the list it was given, filters nothing', () => {
    const emptying = (_event: unknown, given: EnabledRegistration[]): unknown => {
      given.length = 0;
      throw new Error('no');
    };
    const { chain, faults } = setup(unsafe('wrong', { shouldPublish: emptying }));
    assert.equal(chain.filter(event, rows), rows);
    assert.deepEqual(faults(), [['wrong', 1]]);
    assert.equal(rows.length, 3);
  });
});

describe('publishNotification', () => {
  it('keeps what it does not pass on; the next plugin gets the rest', () => {
    const keeper = (name: string, kept: EnabledRegistration): Plugin => ({
      name,
      publishNotification: (_event, told, given, next) =>
        next(
          told,
          given.filter((one) => one !== kept),
        ),
    });
    const { publish, published } = setup(keeper('one', phone), keeper('two', tablet));
    assert.deepEqual(publish(), ['phone', 'tablet']);
    assert.deepEqual(published, ['watch: Where are you?']);
  });

  it('that never calls next keeps all, and the plugins behind it are not asked', () => {
    const { publish, published, faults } = setup(
      { name: 'mine', publishNotification: () => undefined },
      thrower('behind', 'publishNotification'),
    );
    assert.deepEqual(publish(), ['phone', 'tablet', 'watch']);
    assert.deepEqual([published, faults()], [[], []]);
  });

  it('is not asked about no registrations, and then nothing is published', () => {
    const { publish, published, faults } = setup(thrower('x', 'publishNotification'));
    assert.deepEqual(publish([]), []);
    assert.deepEqual([published, faults()], [[], []]);
  });

  it('may tell each registration something else, in several calls', () => {
    const { publish, published } = setup(
      {
        name: 'each',
        publishNotification(_event, told, given, next) {
          for (const one of given) next({ ...told, lastMessageBody: `for ${one.node}` }, [one]);
        },
      },
      { name: 'behind', publishNotification: (_event, told, given, next) => next(told, given) },
    );
    assert.deepEqual(publish(), []);
    assert.deepEqual(published, ['phone: for phone', 'tablet: for tablet', 'watch: for watch']);
  });

  it('that passes one on twice publishes it once, and is told of', () => {
    const { publish, published, faults } = setup({
      name: 'twice',
      publishNotification(_event, told, _given, next) {
        next(told, [phone]);
        next(told, [phone, tablet]);
      },
    });
    assert.deepEqual(publish(), ['watch']);
    assert.deepEqual(published, ['phone: Where are you?', 'tablet: Where are you?']);
    assert.deepEqual(faults(), [['twice', 1]]);
  });

  it('that throws, before or after next, loses and doubles none', () => {
    for (const first of [[], [phone], rows]) {
      const { publish, published, faults } = setup({
        name: 'wrong',
        publishNotification(_event, told, _given, next) {
          if (first.length > 0) next({ ...told, lastMessageBody: 'passed' }, first);
          throw new Error('no');
        },
      });
      assert.deepEqual(publish(), []);
      const expected = rows.map((one) => `${one.node}: ${first.includes(one) ? 'passed' : 'Where are you?'}`);
      assert.deepEqual(published, expected);
      assert.deepEqual(faults(), [['wrong', 1]]);
    }
  });

  const wrong: readonly (readonly [what: string, told: unknown, given: unknown])[] = [
    ['no list', summary, phone],
    ['a copy of a registration', summary, [{ ...phone }]],
    ['registrations of another event', summary, [phone, enabledRow('stranger')]],
    ['a summary of numbers', { ...summary, lastMessageBody: 1 }, rows],
    ['no summary', undefined, [phone]],
  ];
  for (const [what, told, given] of wrong) {
    it(`that calls next with ${what} is left out: all are published, as they would have been`, () => {
      const { publish, published, faults } = setup(
        unsafe('wrong', {
          publishNotification: (_event: unknown, _told: unknown, _rows: unknown, next: (...args: unknown[]) => void) =>
            next(told, given),
        }),
      );
      assert.deepEqual(publish(), []);
      assert.deepEqual(published, everything);
      assert.deepEqual(faults(), [['wrong', 1]]);
    });
  }

  it('that calls next too late is told of; what it kept stays its own', () => {
    let late = (): void => undefined;
    const { publish, published, faults } = setup({
      name: 'late',
      publishNotification(_event, told, given, next) {
        late = () => next(told, given);
      },
    });
    assert.deepEqual(publish(), ['phone', 'tablet', 'watch']);
    late();
    assert.deepEqual([published, faults()], [[], [['late', 1]]]);
  });

  it('may be asynchronous, and what it rejects with ends nothing', async () => {
    const { publish, published, faults } = setup(
      unsafe('async', {
        publishNotification: async (
          _event: unknown,
          told: Summary,
          _rows: unknown,
          next: (...args: unknown[]) => void,
        ) => {
          next(told, [phone]);
          await Promise.resolve();
          throw new Error('no');
        },
      }),
    );
    assert.deepEqual(publish(), ['tablet', 'watch']);
    assert.deepEqual([published, faults()], [['phone: Where are you?'], []]);
    await new Promise(setImmediate);
    assert.deepEqual(faults(), [['async', 1]]);
  });

  it('is not the one that gets what publishing itself throws', () => {
    const { chain, faults } = setup({
      name: 'innocent',
      publishNotification(_event, told, given, next) {
        try {
          next(told, given);
        } catch {
          assert.fail('not here');
        }
      },
    });
    const broken = (): never => {
      throw new Error('a defect');
    };
    assert.throws(() => chain.publish(event, summary, rows, broken), /a defect/);
    assert.deepEqual(faults(), []);
  });
});

describe('rewriteNotification', () => {
  const registration = row('node-1');
  const notification = sampleNotification({ title: '', body: 'hello' });
  const publish: PublishEvent = { kind: 'publish', from: preparedFullJID('example.com'), registration };

  it('sends the notification that the last plugin made', () => {
    const { chain } = setup(
      { name: 'one', rewriteNotification: (_event, given) => ({ ...given, title: 'One' }) },
      { name: 'two', rewriteNotification: (_event, given) => ({ ...given, body: `${given.title}!` }) },
    );
    const prepared = chain.rewrite(publish, notification);
    assert.ok(prepared !== 'skip');
    assert.deepEqual([prepared.title, prepared.body], ['One', 'One!']);
  });

  it('skips when a plugin says so', () => {
    assert.equal(setup({ name: 'x', rewriteNotification: () => 'skip' }).chain.rewrite(publish, notification), 'skip');
  });

  it('that answers with no notification is left out', () => {
    for (const answer of [undefined, {}, { ...notification, badge: '1' }, { ...notification, data: { a: 1 } }]) {
      const { chain, faults } = setup(unsafe('wrong', { rewriteNotification: () => answer }));
      assert.equal(chain.rewrite(publish, notification), notification);
      assert.deepEqual(faults(), [['wrong', 1]]);
    }
  });
});

describe('faults of plugins', () => {
  it('are counted each and told once a minute for each plugin, with the place and without the message', async () => {
    const { chain, complaints, clock } = setup(
      thrower('one', 'shouldPublish'),
      unsafe('two', { shouldPublish: () => 's3cret' }),
    );
    for (let count = 0; count < 3; count++) chain.filter(event, rows);
    assert.deepEqual(
      [...chain.throws],
      [
        ['one', 3],
        ['two', 3],
      ],
    );
    assert.equal(complaints.length, 2);
    assert.deepEqual([complaints[0]?.['plugin'], complaints[0]?.['kind']], ['one', 'TypeError']);
    assert.match(String(complaints[0]?.['at']), /plugin-chain\.test/);
    assert.doesNotMatch(JSON.stringify(complaints), /s3cret/);
    await clock.advance(60_000);
    chain.filter(event, rows);
    assert.equal(complaints.length, 4);
  });

  it('refuses what is not a plugin when it is made', () => {
    const wrong = (plugin: object) => (): unknown => setup(plugin as Plugin);
    assert.throws(wrong({ name: '' }), { code: 'E_PLUGIN_INVALID' });
    assert.throws(wrong({ name: 'x', rewriteNotifications: () => 'skip' }), /unknown key rewriteNotifications/);
    assert.throws(wrong({ name: 'x', shouldPublish: true }), /must be a function/);
    assert.throws(() => setup({ name: 'same' }, { name: 'same' }), /two plugins are named same/);
  });
});
