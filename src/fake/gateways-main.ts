// Thread: main
/**
 * A process of fake gateways. Forked (gateways-process.ts), it obeys its parent and ends with it. Started by hand with
 * the names of gateways, it prints one line of JSON, ports, authority and credentials, and runs until it is told to
 * end.
 */
import { unreachable } from '../core/assert.ts';
import { systemClock } from '../core/clock.ts';
import { seededRandom, systemRandom } from '../core/random.ts';
import { gatewayNames, startGatewaySet } from './gateway-set.ts';
import { isGatewaysAsk } from './gateways-protocol.ts';
import type { GatewaySet } from './gateway-set.ts';
import type { GatewaysAsk, GatewaysReply } from './gateways-protocol.ts';

let gateways: GatewaySet | undefined;

async function answer(ask: GatewaysAsk): Promise<GatewaysReply> {
  const { id } = ask;
  if (ask.kind === 'start') {
    gateways = await startGatewaySet(ask.options, { clock: systemClock, random: seededRandom(ask.seed) });
    const { ports, caPem, credentials } = gateways;
    return { id, kind: 'started', access: { ports, caPem, credentials } };
  }
  if (gateways === undefined) return { id, kind: 'failed', reason: 'the gateways have not been started' };
  switch (ask.kind) {
    case 'counts':
      return { id, kind: 'counts', counts: gateways.counts() };
    case 'recent':
      return { id, kind: 'recent', recent: gateways.recent(ask.name, ask.countMax) };
    case 'script':
      gateways.script(ask.name, ask.change);
      return { id, kind: 'done' };
    case 'unregister':
      gateways.unregister(ask.name, ask.token);
      return { id, kind: 'done' };
    case 'stop':
      await gateways.stop();
      return { id, kind: 'done' };
    default:
      return unreachable(ask);
  }
}

async function obey(ask: GatewaysAsk): Promise<void> {
  let reply: GatewaysReply;
  try {
    reply = await answer(ask);
  } catch (error) {
    reply = { id: ask.id, kind: 'failed', reason: error instanceof Error ? error.message : String(error) };
  }
  if (process.connected) process.send?.(reply);
}

async function serveByHand(words: readonly string[]): Promise<void> {
  const unknown = words.filter((word) => !gatewayNames.some((name) => name === word));
  if (words.length === 0 || unknown.length > 0) {
    process.stderr.write(`usage: gateways-main <${gatewayNames.join('|')}>...\n`);
    process.exitCode = 2;
    return;
  }
  const chosen = gatewayNames.filter((name) => words.includes(name));
  const set = await startGatewaySet({ gateways: chosen }, { clock: systemClock, random: systemRandom });
  const { ports, caPem, credentials } = set;
  process.stdout.write(`${JSON.stringify({ ports, caPem, credentials })}\n`);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void set.stop());
}

if (process.send === undefined) {
  await serveByHand(process.argv.slice(2));
} else {
  process.on('message', (message: unknown) => {
    if (isGatewaysAsk(message)) void obey(message);
  });
  // Ctrl-C reaches the whole process group; the parent decides when we end, or its end does.
  process.on('SIGINT', () => undefined);
  process.on('disconnect', () => process.exit());
}
