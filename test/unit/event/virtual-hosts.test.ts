import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EngineError } from '../../../src/core/errors.ts';
import { VirtualHosts } from '../../../src/event/virtual-hosts.ts';
import { bare } from '../../registration-rows.ts';

const anna = 'anna@example.com';
const ivan = 'ivan@other.example';

interface Row {
  readonly templates: readonly string[];
  readonly service: string;
  readonly owner: string;
  readonly isOurs: boolean;
  readonly own?: readonly string[];
}

const rows: readonly Row[] = [
  // name.@HOST@: `name.` and the recipient's domain
  { templates: ['push.@HOST@'], service: 'push.example.com', owner: anna, isOurs: true },
  { templates: ['push.@HOST@'], service: 'push.example.com', owner: ivan, isOurs: false },
  { templates: ['push.@HOST@'], service: 'push.other.example', owner: ivan, isOurs: true },
  { templates: ['push.@HOST@'], service: 'push.example.com', owner: 'anna@sub.example.com', isOurs: false },
  { templates: ['push.@HOST@'], service: 'xpush.example.com', owner: anna, isOurs: false },
  { templates: ['push.@HOST@'], service: 'push.xexample.com', owner: anna, isOurs: false },
  { templates: ['push.@HOST@'], service: 'push.example.com.evil', owner: anna, isOurs: false },
  { templates: ['push.@HOST@'], service: 'example.com', owner: anna, isOurs: false },
  { templates: ['push.@HOST@'], service: 'push.@host@', owner: anna, isOurs: false },
  { templates: ['push.eu.@HOST@'], service: 'push.eu.example.com', owner: anna, isOurs: true },
  { templates: ['a.@HOST@', 'b.@HOST@'], service: 'b.example.com', owner: anna, isOurs: true },
  // without @HOST@: exactly that domain, for all recipients
  { templates: ['push.example.net'], service: 'push.example.net', owner: anna, isOurs: true },
  { templates: ['push.example.net'], service: 'push.example.net', owner: ivan, isOurs: true },
  { templates: ['push.example.net'], service: 'a.push.example.net', owner: anna, isOurs: false },
  { templates: ['push.example.net'], service: 'push.example.com', owner: anna, isOurs: false },
  // the local part of the service is free
  { templates: ['push.@HOST@'], service: 'pub-sub@push.example.com', owner: anna, isOurs: true },
  { templates: ['push.example.net'], service: 'pub-sub@push.example.net', owner: anna, isOurs: true },
  { templates: ['push.example.net'], service: 'push.example.net@evil.example', owner: anna, isOurs: false },
  // shadowing: a real pubsub domain of one tenant, and of no other
  { templates: ['pubsub.example.com'], service: 'pubsub.example.com', owner: anna, isOurs: true },
  { templates: ['pubsub.example.com'], service: 'pubsub.other.example', owner: ivan, isOurs: false },
  // spelling
  { templates: ['Push.@HOST@'], service: 'push.example.com', owner: anna, isOurs: true },
  { templates: ['push.BÜCHER.example'], service: 'push.bücher.example', owner: anna, isOurs: true },
  { templates: ['xn--bcher-kva.@HOST@'], service: 'bücher.example.com', owner: anna, isOurs: true },
  // the domains of our components; no template at all
  { templates: [], own: ['push.example.net'], service: 'push.example.net', owner: anna, isOurs: true },
  { templates: [], own: [], service: 'push.example.net', owner: anna, isOurs: false },
];

test('mongooseim 2.12: a push service is ours by its domain and the domain of the recipient', () => {
  for (const { templates, own = [], service, owner, isOurs } of rows) {
    const hosts = new VirtualHosts(templates, own);
    assert.equal(hosts.isOurs(bare(service), bare(owner)), isOurs, `${templates.join()} ${service} ${owner}`);
  }
});

test('mongooseim 2.12: the host stands at the end, as a label of its own, or there is no engine', () => {
  for (const bad of ['x@HOST@', 'x.@HOST@.y', '@HOST@', '.@HOST@', 'x y.@HOST@', 'push.@HOSTS@', 'a@b', 'a/b', '']) {
    assert.throws(
      () => new VirtualHosts([bad], []),
      (error) => error instanceof EngineError && error.code === 'E_CONFIG_INVALID' && error.message.includes(bad),
      bad,
    );
  }
});
