import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseConfigObject } from '../../../config/parse-config.ts';
import { providerRoutes } from '../../../src/publish/provider-routes.ts';
import { parseProviderName } from '../../../src/core/ids.ts';
import type { ApnsConfig, FcmConfig, ProviderConfig } from '../../../config/engine-config.ts';
import type { EngineConfigInput } from '../../../config/provider-schema.ts';
import type { ProviderName } from '../../../src/core/ids.ts';
import type { ProviderRoutes } from '../../../src/publish/provider-routes.ts';

function providersOf(providers: NonNullable<EngineConfigInput['providers']>): readonly ProviderConfig[] {
  const parsed = parseConfigObject({ providers });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.value.providers;
}

function routesOf(providers: NonNullable<EngineConfigInput['providers']>): ProviderRoutes {
  return providerRoutes(providersOf(providers));
}

function nameOf(text: string): ProviderName {
  const name = parseProviderName(text);
  assert.ok(name.ok);
  return name.value;
}

describe('provider routes', () => {
  it('the first provider in the order of the configuration that serves service, mode and app is taken', () => {
    const routes = routesOf([
      { name: 'one-app', kind: 'blackhole', apps: ['net.example.one'] },
      { name: 'sandbox', kind: 'blackhole', mode: 'dev' },
      { name: 'rest', kind: 'blackhole' },
    ]);
    assert.equal(routes.select('apns', '', 'net.example.one'), 'one-app');
    assert.equal(routes.select('apns', 'dev', 'net.example.two'), 'sandbox');
    assert.equal(routes.select('apns', 'prod', 'net.example.two'), 'rest');
    assert.equal(routes.select('apns', '', 'net.example.two'), 'sandbox');
  });

  it('mongooseim 4.3: a MongoosePush serves tokens of both modes, after a provider of the very mode', () => {
    const push = { name: 'push', kind: 'mongoosepush', urls: ['https://push.example.net'] } as const;
    assert.equal(routesOf([push]).select('apns', 'dev', ''), 'push');
    const both = routesOf([push, { name: 'sandbox', kind: 'blackhole', mode: 'dev' }]);
    assert.equal(both.select('apns', 'dev', ''), 'sandbox');
    assert.equal(both.select('apns', 'prod', ''), 'push');
  });

  it('a token of the other mode never goes to Apple, and no service to a provider that does not serve it', () => {
    const [google] = providersOf([{ name: 'google', kind: 'blackhole', services: ['fcm'] }]);
    assert.ok(google !== undefined);
    const apple: ApnsConfig = {
      ...google,
      kind: 'apns',
      name: nameOf('apple'),
      host: 'api.push.apple.com',
      port: 443,
      caFile: '',
      sessionsMax: 1,
      transport: 'h2',
      proxyUrl: '',
      auth: { kind: 'token', keyPem: '', keyId: '', teamId: '' },
      topic: '',
    };
    const routes = providerRoutes([apple, google]);
    assert.equal(routes.select('apns', 'prod', ''), 'apple');
    assert.equal(routes.select('apns', 'dev', ''), undefined);
    assert.equal(routes.select('fcm', 'dev', ''), 'google');
  });

  it('1.8 whoever asks for tags gets the first provider that has all of them, or none', () => {
    const routes = routesOf([
      { name: 'plain', kind: 'blackhole' },
      { name: 'brand', kind: 'blackhole', tags: ['brand', 'europe'] },
      { name: 'brand-dev', kind: 'blackhole', mode: 'dev', tags: ['brand'] },
      { name: 'one-app', kind: 'blackhole', apps: ['net.example.one'], tags: ['brand', 'asia'] },
    ]);
    assert.equal(routes.select('apns', 'prod', 'net.example.one', ['asia', 'brand']), 'one-app');
    assert.equal(routes.select('apns', 'prod', 'net.example.one', ['brand']), 'brand');
    assert.equal(routes.select('apns', 'prod', '', ['europe', 'brand']), 'brand');
    assert.equal(routes.select('apns', 'dev', '', ['brand']), 'brand-dev');
    assert.equal(routes.select('apns', 'prod', '', ['brand', 'africa']), undefined);
    assert.equal(routes.select('apns', 'prod', '', []), 'plain');
    assert.equal(routes.select('apns', 'prod', ''), 'plain', 'no tags match any, as in MongoosePush');
    assert.equal(routes.select('apns', 'prod', '', ['brand']), 'brand', 'and the choice before is not kept for others');
  });

  it('a project of FCM is served by its provider, wherever it stands, and by others that name it', () => {
    const [base] = providersOf([{ name: 'base', kind: 'blackhole', services: ['fcm'] }]);
    assert.ok(base !== undefined);
    const google = (name: string, projectId: string, apps: readonly string[] = []): FcmConfig => ({
      ...{ ...base, kind: 'fcm', name: nameOf(name), apps, projectId, host: 'fcm.googleapis.com', port: 443 },
      ...{ caFile: '', sessionsMax: 1, transport: 'h2', proxyUrl: '', tokenUrl: '', quotaPerMinute: 600_000 },
      ...{ clientEmail: '', privateKeyPem: '', privateKeyId: '' },
    });
    const routes = providerRoutes([google('first', 'chat-1'), google('second', 'chat-2'), google('third', 'x', ['y'])]);
    assert.equal(routes.select('fcm', '', ''), 'first');
    assert.equal(routes.select('fcm', '', 'net.example.app'), 'first');
    assert.equal(routes.select('fcm', 'prod', 'chat-2'), 'second');
    assert.equal(routes.select('fcm', 'prod', 'x'), 'third');
    assert.equal(routes.select('fcm', 'prod', 'y'), 'first', 'the first that matches, as ever');
    const named = providerRoutes([google('both', 'chat-1', ['chat-2']), google('second', 'chat-2')]);
    assert.equal(named.select('fcm', '', 'chat-2'), 'both');
    const trial = providerRoutes([base, google('second', 'chat-2')]);
    assert.equal(trial.select('fcm', '', 'chat-2'), 'base', 'a provider of another kind knows no projects');
  });
});
