import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseConfigObject } from '../../config/parse-config.ts';
import { Keepers } from '../../src/engine-credentials.ts';
import { makeApnsKey } from '../../src/fake/apns-token.ts';
import { silentLogger } from '../../src/core/log.ts';
import { seededRandom } from '../../src/core/random.ts';
import { createApnsCredentials } from '../../src/provider/apns-jwt.ts';
import { VirtualClock } from '../simulation/virtual-clock.ts';
import type { TestContext } from 'node:test';
import type { ProviderConfig } from '../../config/engine-config.ts';
import type { EngineConfigInput } from '../../config/provider-schema.ts';
import type { ApnsSigningKey } from '../../src/fake/apns-token.ts';
import type { CredentialSource } from '../../src/provider/provider.ts';

type Changes = Pick<EngineConfigInput, 'engine' | 'registrations' | 'push'>;

function setup(t: TestContext, keys: readonly ApnsSigningKey[], changes: Changes = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), 'meerkat-keepers-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const parsed = parseConfigObject({
    ...changes,
    engine: { data_dir: dataDir, ...changes.engine },
    providers: keys.map(({ keyPem, keyId, teamId }, index) => ({
      ...{ name: `apns-${index}`, kind: 'apns', apps: [`net.example.app${index}`] },
      ...{ key: keyPem, key_id: keyId, team_id: teamId },
    })),
  });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  const config = parsed.value;
  const clock = new VirtualClock();
  const world = { mints: 0 };
  const sourceOf = (provider: ProviderConfig): CredentialSource | undefined => {
    if (provider.kind !== 'apns' || provider.auth.kind !== 'token') return undefined;
    const source = createApnsCredentials(provider.auth);
    return {
      ...source,
      mint: (nowMs) => {
        world.mints++;
        return source.mint(nowMs);
      },
    };
  };
  const start = (): Keepers => new Keepers({ config, clock, random: seededRandom(1), logger: silentLogger, sourceOf });
  return { config, dataDir, world, start, clock };
}

const newKey = (): Promise<ApnsSigningKey> => makeApnsKey({ keyId: 'ABC123DEFG', teamId: 'TEAM123456' });

test('3.5 providers with one key share one keeper, one mint and one value', async (t) => {
  const key = await newKey();
  const { config, world, start } = setup(t, [key, key, await newKey()]);
  const keepers = start();
  const [one, two, other] = config.providers.map((provider) => keepers.take(provider));
  assert.ok(one !== undefined && one === two && other !== undefined && other !== one);
  await Promise.all([one.mint(), two.mint()]);
  assert.equal(world.mints, 1);
  await keepers.release(one);
  await one.mint();
  assert.equal(world.mints, 2, 'it serves the other provider on');
  await keepers.release(two);
  await one.mint();
  assert.equal(world.mints, 2, 'closed with its last user');
  await keepers.close();
});

test('3.5 the next process goes on with the token; the signing key is in no file', async (t) => {
  const key = await newKey();
  const { config, dataDir, world, start } = setup(t, [key]);
  const [provider] = config.providers;
  assert.ok(provider !== undefined);
  const values: (string | undefined)[] = [];
  for (let run = 0; run < 3; run++) {
    const keepers = start();
    const keeper = keepers.take(provider);
    await keeper?.mint();
    values.push(keeper?.current());
    await keepers.close();
  }
  assert.equal(world.mints, 1);
  assert.ok(values[0] !== undefined && new Set(values).size === 1);
  const folder = join(dataDir, 'credentials');
  const [file = '', ...more] = readdirSync(folder);
  assert.equal(more.length, 0);
  const secret = key.keyPem.split('\n')[1] ?? key.keyPem;
  assert.ok(!readFileSync(join(folder, file), 'utf8').includes(secret));
});

test('an engine that keeps everything in memory writes no token', async (t) => {
  const { config, dataDir, world, start } = setup(t, [await newKey()], {
    engine: { secret_key: 'a secret key of the test' },
    registrations: { store: 'memory' },
    push: { store: 'memory' },
  });
  const [provider] = config.providers;
  assert.ok(provider !== undefined);
  const keepers = start();
  await keepers.take(provider)?.mint();
  await keepers.close();
  assert.equal(world.mints, 1);
  assert.deepEqual(readdirSync(dataDir), []);
});
