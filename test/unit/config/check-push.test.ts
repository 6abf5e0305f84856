import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertWrong, configOf, server, trial } from './config-fixture.ts';
import type { WrongRow } from './config-fixture.ts';

const hosts = (...list: readonly string[]): string => `[push]\nvirtual_hosts = ${JSON.stringify(list)}\n`;
const quiet = (text: string): string => `[push.quiet_hours]\n${text}\n`;
const delegated = (...list: readonly string[]): string => `${server}delegated_domains = ${JSON.stringify(list)}\n`;
const otherServer = '[[servers]]\nname = "b"\nhost = "::1"\ndomain = "push.example.org"\nsecret = "s"\n';

test('mongooseim 2.12: templates and domains of virtual hosts are kept as JIDs are prepared', () => {
  const { virtualHosts } = configOf(
    hosts('Push.@HOST@', 'a.b.@HOST@', 'PUSH.example.NET', 'xn--bcher-kva.example') + trial,
  ).push;
  assert.deepEqual(virtualHosts, ['push.@HOST@', 'a.b.@HOST@', 'push.example.net', 'bücher.example']);
});

const first = 'push.virtual_hosts.0';
const wrongHosts: readonly WrongRow[] = [
  ['x@HOST@', hosts('x@HOST@'), first, 2, /"x@HOST@" has @/, /last label/],
  ['x.@HOST@.y', hosts('x.@HOST@.y'), first, 2, /has @/, /last label/],
  ['@HOST@', hosts('@HOST@'), first, 2, /has @/, /last label/],
  ['@HOST@ twice', hosts('a.@HOST@.@HOST@'), first, 2, /has @/, /last label/],
  ['@host@', hosts('a.@host@'), first, 2, /has @/, /last label/],
  ['the spelling of 4.x', hosts('pubsub.@HOSTS@'), first, 2, /old spelling/, /^Write @HOST@\.$/],
  ['a JID', hosts('bot@push.example.net'), first, 2, /has @/, /last label/],
  ['a resource', hosts('push.example.net/x'), first, 2, /not a domain/, /domain such as/],
  ['nothing before the label', hosts('.@HOST@'), first, 2, /not a domain/, /domain such as/],
  ['an empty label', hosts('push..@HOST@'), first, 2, /not a domain/, /domain such as/],
  ['a space', hosts('my push.@HOST@'), first, 2, /not a domain/, /domain such as/],
  ['an address before the label', hosts('[::1].@HOST@'), first, 2, /not a domain/, /domain such as/],
  ['a domain twice', hosts('push.a.example', 'Push.A.example'), 'push.virtual_hosts.1', 2, /already/, /Remove/],
  [
    'a wrong one on a line of its own',
    '[push]\nvirtual_hosts = [\n  "push.@HOST@", # "]"\n\n  "x@HOST@",\n]\n',
    'push.virtual_hosts.1',
    5,
    /"x@HOST@"/,
    /last label/,
  ],
  ['a template twice', hosts('push.@HOST@', 'PUSH.@HOST@'), 'push.virtual_hosts.1', 2, /already/, /Remove/],
];

for (const row of wrongHosts) {
  test(`mongooseim 2.12: ${row[0]} as a virtual host is a problem`, () => assertWrong(row));
}

test('quiet hours are minutes since midnight, and may go over midnight', () => {
  assert.deepEqual(
    configOf(quiet('from = "22:05"\nto = "07:00"\ntime_zone = "Europe/Berlin"') + trial).push.quietHours,
    {
      from: 1325,
      to: 420,
      timeZone: 'Europe/Berlin',
      action: 'silence',
    },
  );
  assert.equal(configOf(quiet('action = "skip"') + trial).push.quietHours, undefined);
});

const wrongQuiet: readonly WrongRow[] = [
  ['a start alone', quiet('from = "22:00"'), 'push.quiet_hours.to', 1, /is missing/, /remove from/],
  ['an end alone', quiet('to = "22:00"'), 'push.quiet_hours.from', 1, /is missing/, /remove to/],
  ['no time between', quiet('from = "22:00"\nto = "22:00"'), 'push.quiet_hours.to', 3, /as from is/, /Write the end/],
  ['a wrong hour', quiet('from = "24:00"\nto = "22:00"'), 'push.quiet_hours.from', 2, /is "24:00"/, /such as "22:00"/],
  [
    'an unknown time zone',
    quiet('from = "1:00"\nto = "22:00"').replace('1:', '01:') + 'time_zone = "Europe/Nowhere"\n',
    'push.quiet_hours.time_zone',
    4,
    /Nowhere/,
    /IANA/,
  ],
];

for (const row of wrongQuiet) test(`quiet hours with ${row[0]} are a problem`, () => assertWrong(row));

test('6.20 delegated domains are kept as JIDs are prepared', () => {
  const config = configOf(`${delegated('Example.COM')}${otherServer}delegated_domains = ["example.org"]\n${trial}`);
  assert.deepEqual(
    config.servers.map((each) => each.delegatedDomains),
    [['example.com'], ['example.org']],
  );
});

const place = 'servers.0.delegated_domains';
const wrongDomains: readonly WrongRow[] = [
  ['the component itself', delegated('Push.example.net'), `${place}.0`, 5, /this component/, /of the users/],
  ['a JID', delegated('a@example.com'), `${place}.0`, 5, /not a domain/, /without @/],
  ['a resource', delegated('example.com/a'), `${place}.0`, 5, /not a domain/, /without @/],
  ['one domain twice', delegated('example.com', 'EXAMPLE.com'), `${place}.1`, 5, /already/, /Remove/],
  [
    'a domain of another server',
    `${delegated('example.com')}${otherServer}delegated_domains = ["example.com"]\n`,
    'servers.1.delegated_domains.0',
    11,
    /also delegated by servers\.0/,
    /Keep it/,
  ],
];

for (const row of wrongDomains) test(`6.20 delegation by ${row[0]} is a problem`, () => assertWrong(row));

test('a wrong member of a list that the environment has set is reported under its variable', () => {
  const env = { MEERKAT_PUSH__VIRTUAL_HOSTS: 'push.@HOST@, x@HOST@' };
  assertWrong(['', '', 'MEERKAT_PUSH__VIRTUAL_HOSTS', 0, /"x@HOST@"/, /last label/], { env });
});
