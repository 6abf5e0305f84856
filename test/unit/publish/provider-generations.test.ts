import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProviderGenerations } from '../../../src/publish/provider-generations.ts';
import { providerName } from '../../conformance/provider.ts';
import type { BlackholeConfig } from '../../../config/engine-config.ts';
import type { Provider } from '../../../src/provider/provider.ts';

const name = providerName('hole');

function configOf(creditMax: number): BlackholeConfig {
  return {
    ...{ kind: 'blackhole', name, apps: [], tags: [], mode: 'prod', creditMax, requestMs: 5_000 },
    ...{ services: ['apns'], stallShare: 0, stallMs: 0 },
  };
}

function setup() {
  const drained: string[] = [];
  const made: Provider[] = [];
  const generations = new ProviderGenerations([configOf(1)], (config) => {
    const provider: Provider = {
      publish: () => undefined,
      drain: async (budgetMs) => void drained.push(`${config.creditMax}: ${budgetMs}`),
    };
    made.push(provider);
    return provider;
  });
  return { generations, drained, made };
}

test('3.5 batches go to the provider of their revision until it is released', async () => {
  const { generations, drained } = setup();
  const first = generations.providerOf(name, 0);
  generations.renew(configOf(2), 1);
  const second = generations.providerOf(name, 1);
  assert.ok(first !== undefined && second !== undefined && first !== second);
  assert.equal(generations.providerOf(name, 0), first);
  generations.renew(configOf(3), 1);
  assert.equal(generations.providerOf(name, 1), second, 'told twice');
  assert.deepEqual(drained, []);
  generations.release(name, 1, 70);
  generations.release(name, 1, 70);
  assert.deepEqual(drained, ['1: 70']);
  assert.equal(generations.providerOf(name, 0), second, 'a late one is not lost');
  await generations.drain(9);
  assert.deepEqual(drained, ['1: 70', '2: 9']);
});

test('a thread that was started after a change serves every revision with the one provider it knows', () => {
  const { generations, made } = setup();
  assert.equal(generations.providerOf(name, 3), generations.providerOf(name, 4));
  assert.equal(made.length, 1);
  assert.equal(generations.providerOf(providerName('other'), 0), undefined);
});

test('a second change lets the one before the last go with the time its requests may take', async () => {
  const { generations, drained } = setup();
  generations.providerOf(name, 0);
  generations.renew(configOf(2), 1);
  generations.providerOf(name, 1);
  generations.renew(configOf(3), 2);
  assert.deepEqual(drained, ['1: 5000']);
  await generations.drain(9);
  assert.deepEqual(drained, ['1: 5000', '2: 9'], 'what was never built has nothing to close');
});
