// Thread: main
/**
 * `meerkat send`: one push through a configured provider, to see whether credentials, topic and token work. Needs no
 * XMPP server and leaves a running engine alone: it has its own sessions and touches no store.
 */
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { configOption, exitCodes, jsonOption, printJSON, printLine, printNote, runCommand } from './command-frame.ts';
import { loadConfig } from './load-config.ts';
import { keyAndValue, oneMore, oneOf, wholeNumber } from './option-values.ts';
import { EngineError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { services } from '../core/registration.ts';
import { Engine } from '../engine.ts';
import { createLogger } from '../observe/logger.ts';
import type { CommonOptions, Ended } from './command-frame.ts';
import type { EngineConfig } from '../../config/engine-config.ts';
import type { NotificationKind } from '../core/notification.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Service } from '../core/registration.ts';
import type { PublishRequest } from '../publish/publish-request.ts';

const examples = `
Examples:
  $ meerkat send --service apns --token 0f3a... --topic net.example.chat --title Hello --body 'It works'
  $ meerkat send --service fcm --token - --body Hello < token.txt
  $ meerkat send --service apns --token 0f3a... --mode dev --kind silent --data room=den
  $ meerkat send --service fcm --token dQw4... --tag second-brand --body Hello
  $ meerkat send --provider trial --service apns --token any --json

Prints the outcome. Exit code 0 when the gateway accepted it, otherwise 1.`;

interface SendOptions extends CommonOptions, Omit<PublishRequest, 'waitMs' | 'tags'> {
  readonly config: string;
  readonly tag?: readonly string[];
  readonly provider?: string;
}

// No node is served by this process, so nothing is derived from it; a key of its own would be written to data_dir.
const unusedSecretKey = 'no node secrets here';
const timeToLiveSecondsMax = 2_419_200;

export function addSend(program: Command, ended: Ended): void {
  program
    .command('send')
    .description('send one push through a configured provider and print the outcome')
    .requiredOption('--service <service>', 'apns or fcm', oneOf<Service>(services))
    .requiredOption('--token <token>', 'device token; - reads it from standard input')
    .option('--provider <name>', 'only this one of the configured providers')
    .option('--topic <topic>', 'APNs topic, app or FCM project')
    .option('--tag <tag>', 'a provider that has this tag; may be repeated', oneMore)
    .option('--mode <mode>', 'prod or dev', oneOf(['prod', 'dev']))
    .option('--kind <kind>', 'alert, silent or call', oneOf<NotificationKind>(['alert', 'silent', 'call']))
    .option('--priority <priority>', 'high or normal', oneOf(['high', 'normal']))
    .option('--title <text>')
    .option('--body <text>')
    .option('--badge <count>', '0 clears it', wholeNumber(0, limits.messageCountMax))
    .option('--sound <name>')
    .option('--category <name>', 'iOS category, Android click action')
    .option('--thread <id>', 'groups notifications on the phone')
    .option('--collapse-id <id>', 'a later push with the same id replaces this one')
    .option('--mutable-content', "let the app's extension change it before it is shown (iOS)")
    .option('--time-to-live-seconds <s>', 'life at the gateway', wholeNumber(0, timeToLiveSecondsMax))
    .option('--data <key=value>', 'custom data; may be repeated', keyAndValue)
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', examples)
    .action((options: SendOptions) => runCommand(options, ended, () => send(options)));
}

async function send(options: SendOptions): Promise<number> {
  const { config: path, provider, tag: tags, json, ...request } = options;
  const config = forOnePush(loadConfig(path), provider, path);
  const token = request.token === '-' ? (await text(process.stdin)).trim() : request.token;
  const engine = new Engine(config, { logger: createLogger(config.engine.logLevel) });
  await engine.start();
  try {
    const outcome = await engine.publish({ ...request, ...(tags === undefined ? {} : { tags }), token });
    const isAccepted = outcome.kind === 'accepted';
    if (json === true) printJSON({ ok: isAccepted, outcome });
    else if (isAccepted) printLine(outcomeText(outcome));
    else printNote(`meerkat: ${outcomeText(outcome)}`);
    return isAccepted ? exitCodes.done : exitCodes.failed;
  } finally {
    await engine.stop(config.engine.stopMs);
  }
}

function forOnePush(config: EngineConfig, provider: string | undefined, path: string): EngineConfig {
  const providers = config.providers.filter(({ name }) => provider === undefined || name === provider);
  if (providers.length === 0) {
    const names = config.providers.map(({ name }) => name).join(', ');
    throw new EngineError('E_CONFIG_INVALID', `${path} has no provider "${provider ?? ''}"; it has ${names}`);
  }
  const logLevel = config.engine.logLevel === 'info' ? 'warn' : config.engine.logLevel;
  return {
    ...config,
    engine: { ...config.engine, secretKey: unusedSecretKey, logLevel },
    servers: [],
    registrations: { ...config.registrations, store: 'memory', shards: 1 },
    push: { ...config.push, store: 'memory' },
    http: { ...config.http, port: 0 },
    rabbits: [],
    workers: { ...config.workers, threads: 1 },
    providers,
  };
}

function outcomeText(outcome: Outcome): string {
  const details = Object.entries(outcome).filter(([name, value]) => name !== 'kind' && value !== '' && value !== 0);
  return [outcome.kind, ...details.map(([name, value]) => `${name}: ${String(value)}`)].join('  ');
}
