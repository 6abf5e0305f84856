import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importMongooseIM } from '../../../../config/mongooseim/import-config.ts';
import { findingOf, importText, meerkatOf, pushOptions, sampleText, samples } from './sample-files.ts';
import type { Became } from '../../../../config/mongooseim/finding.ts';

for (const name of samples) {
  test(`mongooseim 7.1: what is made of ${name} is a configuration of Meerkat`, () => {
    assert.ok(meerkatOf(importText(sampleText(name), name)).providers.length > 0);
  });

  test(`mongooseim 2.15: each option of push in ${name} is spoken of once, without its secret`, () => {
    const { findings } = importText(sampleText(name), name);
    const options = pushOptions(name);
    assert.ok(options.length > 1);
    for (const { key, line } of options) {
      const found = findings.filter((finding) => finding.key === key && finding.line === line && finding.value !== '');
      assert.equal(found.length, 1, `${key}, line ${line}: ${found.length} findings`);
    }
    const shown = JSON.stringify(findings);
    assert.doesNotMatch(shown, /component-password|rabbit-password|mysql-password|p@ss|sns-secret|AKIA/);
  });
}

const odd = [
  '-1',
  '""',
  '"a b/c"',
  '"\\u0000\\ud7ff"',
  '[]',
  '[1]',
  '[{}]',
  '{ x = 1 }',
  'true',
  '1e400',
  '999999999999',
  '07:32:00',
];

for (const name of samples.filter((sample) => sample.endsWith('.toml'))) {
  test(`mongooseim 2.15: whatever value an option of ${name} has, the result is a configuration`, () => {
    const lines = sampleText(name).split('\n');
    for (const [index, line] of lines.entries()) {
      const key = /^\s*([\w.]+) = [^[]*$/.exec(line)?.[1];
      if (key === undefined) continue;
      for (const value of odd) {
        const text = lines.with(index, `${key} = ${value}`).join('\n');
        const imported = importMongooseIM(text, name);
        if (imported.ok) meerkatOf(imported.value);
        else assert.match(imported.error[0]?.problem ?? '', /not TOML|nothing to do with push/, `${key} = ${value}`);
      }
    }
  });
}

/** Sample, option, what became of it, and what is said. */
const expected: readonly (readonly [string, string, Became, RegExp])[] = [
  ['pubsub-less.toml', 'modules.mod_event_pusher.push.backend', 'translated', /push\.store = "postgres"/],
  ['pubsub-less.toml', 'modules.mod_event_pusher.push.iqdisc.type', 'no-counterpart', /in their order/],
  ['pubsub-less.toml', 'modules.mod_event_pusher.push.wpool.workers', 'no-counterpart', /no pool of workers/],
  ['pubsub-less.toml', 'modules.mod_event_pusher.push.wpool.strategy', 'no-counterpart', /no pool of workers/],
  ['pubsub-less.toml', 'modules.mod_event_pusher.push.wpool.call_timeout', 'no-counterpart', /no pool of workers/],
  ['pubsub-less.toml', 'modules.mod_event_pusher.push.plugin_module', 'translated', /push\.behaviour = "enhanced"/],
  ['pubsub-less.toml', 'modules.mod_event_pusher.push.virtual_pubsub_hosts', 'translated', /"push\.@HOST@"/],
  ['pubsub-less.toml', 'modules.mod_event_pusher', 'decision', /decides about pushes inside itself/],
  ['pubsub-less.toml', 'modules.mod_event_pusher.push (content)', 'decision', /"none" or "sender"/],
  ['pubsub-less.toml', 'modules.mod_push_service_mongoosepush.pool_name', 'translated', /"mongoose-push-http"/],
  ['pubsub-less.toml', 'modules.mod_push_service_mongoosepush.api_version', 'translated', /api = "v3"/],
  ['pubsub-less.toml', 'modules.mod_push_service_mongoosepush.max_http_connections', 'translated', /credit_max = 150/],
  ['pubsub-less.toml', 'outgoing_pools.http.mongoose_push_http.workers', 'translated', /connections = 50/],
  ['pubsub-less.toml', 'outgoing_pools.http.mongoose_push_http.strategy', 'no-counterpart', /fewest requests/],
  ['pubsub-less.toml', 'outgoing_pools.http.mongoose_push_http.connection.host', 'translated', /:8443\/push"/],
  ['pubsub-less.toml', 'outgoing_pools.http.mongoose_push_http.connection.path_prefix', 'translated', /url/],
  ['pubsub-less.toml', 'outgoing_pools.http.mongoose_push_http.connection.request_timeout', 'translated', /2500/],
  [
    'pubsub-less.toml',
    'outgoing_pools.http.mongoose_push_http.connection.tls.cacertfile',
    'translated',
    /priv\/ca\.pem/,
  ],
  ['pubsub-less.toml', 'outgoing_pools.http.mongoose_push_http.connection.tls.verify_mode', 'translated', /always/],
  ['pubsub-less.toml', 'outgoing_pools.rdbms.default.connection.password', 'translated', /database\.url/],
  ['pubsub-less.toml', 'outgoing_pools.rdbms.default.workers', 'translated', /database\.connections = 20/],
  ['pubsub-less.toml', 'outgoing_pools.redis.global_distrib', 'ignored', /nothing to do with push/],
  ['pubsub-less.toml', 'modules.mod_mam', 'ignored', /nothing to do with push/],
  ['pubsub-less.toml', 'listen.component.0.password', 'translated', /servers\.0\.secret/],
  ['pubsub-less.toml', 'listen.component.0.conflict_behaviour', 'no-counterpart', /overlap/],
  ['pubsub.toml', 'modules.mod_pubsub_old.plugins', 'decision', /pep must stay/],
  ['pubsub.toml', 'modules.mod_pubsub_old.host', 'translated', /push\.virtual_hosts/],
  ['pubsub.toml', 'modules.mod_pubsub_old.access_createnode', 'decision', /allowed_domains/],
  ['pubsub.toml', 'modules.mod_event_pusher.push.rules.1.conditions.1.jingle', 'translated', /rules\.1/],
  ['pubsub.toml', 'modules.mod_event_pusher.push.rules.2.action', 'decision', /needs content/],
  ['pubsub.toml', 'modules.mod_push_service_mongoosepush.api_version', 'translated', /"v3"/],
  ['pubsub.toml', 'listen.component.0.tls', 'decision', /in clear/],
  ['pubsub.toml', 'listen.component.0.max_stanza_size', 'translated', /131072/],
  ['events.toml', 'modules.mod_event_pusher.rabbit.presence_exchange.name', 'translated', /"who"/],
  ['events.toml', 'modules.mod_event_pusher.rabbit.chat_msg_exchange.recv_topic', 'translated', /"to_user"/],
  ['events.toml', 'modules.mod_event_pusher.rabbit.chat_msg_exchange.sent_topic', 'no-counterpart', /receives/],
  ['events.toml', 'modules.mod_event_pusher.rabbit.groupchat_msg_exchange', 'decision', /group_exchange = ""/],
  ['events.toml', 'modules.mod_event_pusher.http.handlers.0.pool_name', 'decision', /events\.internal/],
  ['events.toml', 'modules.mod_event_pusher.http.handlers.1.callback_module', 'decision', /module of your own/],
  ['events.toml', 'modules.mod_event_pusher.sns.region', 'no-counterpart', /SNS is not spoken/],
  ['events.toml', 'modules.mod_push_service_mongoosepush', 'decision', /sends nothing/],
  ['events.toml', 'outgoing_pools.rabbit.event_pusher.connection.confirms_enabled', 'no-counterpart', /publishes/],
  ['toml-4.toml', 'modules.mod_event_pusher.backend.push.plugin_module', 'decision', /exports createPlugin/],
  ['toml-4.toml', 'modules.mod_event_pusher.backend.push.virtual_pubsub_hosts', 'translated', /@HOST@/],
  ['toml-4.toml', 'modules.mod_event_pusher.backend.push.backend', 'decision', /enable again/],
  ['toml-4.toml', 'modules.mod_event_pusher.backend.http.0.path', 'decision', /\[http\]/],
  ['toml-4.toml', 'outgoing_pools.http.push_pool.connection.tls.verify_peer', 'decision', /self-signed/],
  ['hosts.toml', 'host_config.1.modules.mod_event_pusher.push.plugin_module', 'decision', /"hints" already/],
  ['hosts.toml', 'host_config.1.modules.mod_push_service_mongoosepush.pool_name', 'decision', /second Meerkat/],
  ['mistakes.toml', 'modules.mod_push_service_mongoosepush.pool_name', 'decision', /there are "push_https"/],
  ['mistakes.toml', 'modules.mod_push_service_mongoosepush.api_version', 'decision', /"v2" and "v3"/],
  ['mistakes.toml', 'modules.mod_push_service_mongoosepush.max_http_connections', 'decision', /send nothing/],
  ['mistakes.toml', 'modules.mod_event_pusher.push.backnd', 'ignored', /is backend meant/],
  ['mistakes.toml', 'modules.mod_event_pusher.push.virtual_pubsub_hosts', 'decision', /1 of 3 were taken/],
  ['mistakes.toml', 'outgoing_pools.rabbit.events', 'ignored', /must be called event_pusher/],
  ['erlang-2.cfg', 'modules.mod_push.plugin_module', 'translated', /"default"/],
  ['erlang-2.cfg', 'modules.mod_push.iqdisc', 'no-counterpart', /in their order/],
  ['erlang-2.cfg', 'http_connections.mongoose_push_http.pool_size', 'translated', /connections = 50/],
  ['erlang-2.cfg', 'modules.mod_push_service_mongoosepush.api_version', 'translated', /api = "v2"/],
  ['erlang-2.cfg', 'listen.ejabberd_service (line 6).hosts', 'translated', /push\.chat\.example/],
  ['erlang-3.cfg', 'outgoing_pools.http.mongoose_push_http.http_opts.verify', 'decision', /self-signed/],
  ['erlang-3.cfg', 'outgoing_pools.rdbms.default.server (password)', 'translated', /database\.url/],
  ['erlang-3.cfg', 'outgoing_pools.rabbit.event_pusher.amqp_host', 'translated', /rabbit\.url/],
  ['erlang-3.cfg', 'listen.ejabberd_service (line 3).ip', 'decision', /write the address/],
  ['app-server.cfg', 'modules.mod_push_app_server', 'translated', /app_server\.enabled = true/],
  ['app-server.cfg', 'modules.mod_push_app_server.backend', 'no-counterpart', /register again/],
  ['app-server.cfg', 'modules.mod_push_push_service', 'translated', /push_nodes\.create/],
];

for (const [sample, key, became, note] of expected) {
  test(`mongooseim 2.15: ${sample}: ${key} is ${became}`, () => {
    const finding = findingOf(importText(sampleText(sample), sample), key);
    assert.equal(finding.became, became, finding.note);
    assert.match(finding.note, note);
  });
}

test('mongooseim 4.1: pool and connector become one provider, the database pool the address of the same table', () => {
  const config = meerkatOf(importText(sampleText('pubsub-less.toml'), 'pubsub-less.toml'));
  assert.deepEqual(config.providers, [
    {
      name: 'mongoose-push-http',
      apps: [],
      tags: [],
      mode: 'prod',
      creditMax: 150,
      requestMs: 2500,
      kind: 'mongoosepush',
      urls: ['https://gateway.internal:8443/push'],
      api: 'v3',
      httpVersion: '1.1',
      caFile: 'priv/ca.pem',
      connections: 50,
      services: ['apns', 'fcm'],
    },
  ]);
  assert.equal(config.database.url, 'postgres://mim%20user:p%40ss%2Fword@db.internal:5433/mim');
  assert.equal(config.database.caFile, 'priv/db-ca.pem');
  const { push, notifications } = config;
  assert.deepEqual(
    [push.store, push.behaviour, push.content, notifications.content],
    ['postgres', 'enhanced', 'full', 'full'],
  );
  assert.deepEqual(push.virtualHosts, ['push.@HOST@', 'push.fixed.example']);
  assert.deepEqual([push.expireDays, push.perUserMax, push.groups.public], [0, 100, 'always']);
});

test('mongooseim 2.18: rules come over as they are, in their order', () => {
  const { text } = importText(sampleText('pubsub.toml'), 'pubsub.toml');
  const { push, servers } = meerkatOf({ text, findings: [] });
  assert.equal(push.rules.length, 2);
  assert.deepEqual(
    push.rules.map(({ action, content }) => [action, content]),
    [
      ['skip', ''],
      ['push', 'message'],
    ],
  );
  assert.match(text, /\{ event = "msg", jingle = true, client_state = "inactive" \}/);
  assert.deepEqual(
    [servers[0]?.host, servers[0]?.allowPlaintext, servers[0]?.stanzaBytesMax],
    ['10.0.0.5', true, 131_072],
  );
});

test('mongooseim 5.3: pool and exchanges of the rabbit backend become a broker', () => {
  const [broker] = meerkatOf(importText(sampleText('events.toml'), 'events.toml')).rabbits;
  assert.equal(broker?.url, 'amqps://mim:rabbit-password@rabbit.internal:5671/%2Fpush');
  assert.deepEqual([broker?.presenceExchange, broker?.chatTopic, broker?.groupExchange], ['who', 'to_user', '']);
  assert.deepEqual([broker?.durableExchanges, broker?.caFile], [true, 'priv/rabbit-ca.pem']);
});

test('mongooseim 5.3: in Erlang terms an exchange that is not configured is there with its default', () => {
  const config = meerkatOf(importText(sampleText('erlang-3.cfg'), 'erlang-3.cfg'));
  assert.deepEqual([config.rabbits[0]?.groupExchange, config.rabbits[0]?.chatTopic], ['groupchat_msg', 'in']);
  assert.equal(config.database.url, 'mysql://user:mysql-password@db.internal:3306/mim');
  assert.equal(config.push.store, 'mysql');
});

test('mongooseim 2.12: @HOST@ of a single host is its domain, and one pattern for a host type', () => {
  const { push } = meerkatOf(importText(sampleText('hosts.toml'), 'hosts.toml'));
  assert.deepEqual(push.virtualHosts, ['push.one.example', 'push.@HOST@']);
});

test('mongooseim 7.2: a module outside `modules` is said to be there, and read', () => {
  const { findings, text } = importText(sampleText('outside-modules.cfg'), 'outside-modules.cfg');
  const outside = findings.filter(({ note }) => note.startsWith('stands outside `modules`'));
  assert.deepEqual(
    outside.map(({ key, line }) => [key, line]),
    [
      ['mod_push', 4],
      ['mod_pubsub', 5],
    ],
  );
  assert.deepEqual(meerkatOf({ text, findings }).push.virtualHosts, ['pubsub.@HOST@']);
});

const plugins: readonly (readonly [string, string])[] = [
  ['mod_event_pusher_push_plugin_defaults', 'default'],
  ['mod_push_plugin_default', 'default'],
  ['mod_event_pusher_push_plugin_enhanced', 'enhanced'],
  ['mod_event_pusher_push_plugin_hints', 'hints'],
  ['somebody_elses', 'default'],
];

for (const [module, behaviour] of plugins) {
  test(`mongooseim 2.13: plugin_module ${module} is behaviour ${behaviour}`, () => {
    const text = `[modules.mod_event_pusher.push]\nplugin_module = "${module}"\n`;
    assert.equal(meerkatOf(importText(text, 'mongooseim.toml')).push.behaviour, behaviour);
  });
}

/** One meaning in every layout of TOML (mongooseim 2.15). */
const layouts: readonly (readonly [string, string])[] = [
  ['5.1 and later', '[modules.mod_event_pusher.push]\nbackend = "mnesia"\nvirtual_pubsub_hosts = ["p.@HOST@"]'],
  [
    '4.x, dotted',
    '[modules.mod_event_pusher]\nbackend.push.backend = "mnesia"\nbackend.push.virtual_pubsub_hosts = ["p.@HOSTS@"]',
  ],
  ['4.x, a table', '[modules.mod_event_pusher.backend.push]\nbackend = "mnesia"\nvirtual_pubsub_hosts = ["p.@HOSTS@"]'],
  [
    'the titles of the documentation',
    '[modules.mod_event_pusher_push]\nbackend = "mnesia"\nvirtual_pubsub_hosts = ["p.@HOST@"]',
  ],
  ['the name of 2.0', '[modules.mod_push]\nbackend = "mnesia"\nvirtual_pubsub_hosts = ["p.@HOST@"]'],
  ['one level too high', '[modules.mod_event_pusher]\nbackend = "mnesia"\nvirtual_pubsub_hosts = ["p.@HOST@"]'],
];

for (const [name, text] of layouts) {
  test(`mongooseim 2.15: the layout of ${name} is read`, () => {
    const { push } = meerkatOf(importText(text, 'mongooseim.toml'));
    assert.deepEqual([push.store, push.virtualHosts], ['lmdb', ['p.@HOST@']]);
  });
}

test('mongooseim 2.6: a driver without a counterpart, or no pool at all, leaves the store to be decided', () => {
  const push = '[modules.mod_event_pusher.push]\nbackend = "rdbms"\n';
  const pool = '[outgoing_pools.rdbms.default.connection]\ndriver = "odbc"\nsettings = "DSN=m;PWD=hidden"\n';
  for (const text of [push, push + pool]) {
    const imported = importText(text, 'mongooseim.toml');
    assert.equal(meerkatOf(imported).push.store, 'lmdb');
    assert.equal(findingOf(imported, 'modules.mod_event_pusher.push.backend').became, 'decision');
    assert.doesNotMatch(JSON.stringify(imported), /hidden/);
  }
});

const refused: readonly (readonly [string, string, string, number, RegExp])[] = [
  ['a file without push', '[general]\nhosts = ["a"]\n', 'm.toml', 1, /nothing to do with push/],
  ['broken TOML', '[modules\npassword = "hidden"\n', 'm.toml', 1, /not TOML/],
  ['broken Erlang', '{modules, [\n{mod_push, }]}.', 'm.cfg', 2, /a term is missing/],
  ['a name that no table may have', '[__proto__]\nx = 1\n', 'm.toml', 1, /not TOML/],
  ['a file that is no configuration', 'x'.repeat(1_048_577), 'm.toml', 1, /longer than/],
];

for (const [name, text, path, line, problem] of refused) {
  test(`mongooseim 7: ${name} is refused with its line`, () => {
    const imported = importMongooseIM(text, path);
    assert.ok(!imported.ok);
    assert.equal(imported.error[0]?.line, line);
    assert.match(imported.error[0]?.problem ?? '', problem);
    assert.doesNotMatch(JSON.stringify(imported.error), /hidden/);
  });
}

test('mongooseim 7: what a terminal would obey, and names that objects have, do no harm', () => {
  const text =
    '[modules.mod_event_pusher.push]\nplugin_module = "a\\u001b[31m\\u007f"\n"toString" = 1\n"valueOf".x = 2\n';
  const imported = importText(text, 'm.toml');
  assert.ok(meerkatOf(imported));
  assert.doesNotMatch(JSON.stringify(imported.findings), /\\u001b/);
  assert.doesNotMatch(imported.text, /[\u0000-\u0009\u000b-\u001f\u007f]/);
  assert.equal(findingOf(imported, 'modules.mod_event_pusher.push.toString').became, 'ignored');
});

test('mongooseim 7: values in a result are the ones of the source, whatever characters they have', () => {
  const secret = 'q"\\\\ü\u{1f600}\'#';
  const text = `[modules.mod_push]\n[[listen.service]]\nport = 8888\npassword = ${JSON.stringify(secret)}\n`;
  assert.equal(meerkatOf(importText(text, 'm.toml')).servers[0]?.secret, secret);
});
