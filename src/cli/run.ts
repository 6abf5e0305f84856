// Thread: main
/**
 * `meerkat run`: serves until SIGINT or SIGTERM, then stops in order: what is in flight gets `stop_ms` to settle. A
 * second signal ends the process at once.
 */
import type { Command } from 'commander';
import { configOption, exitCodes, jsonOption, printJSON, printLine, runCommand } from './command-frame.ts';
import { summaryOf, takesEvents } from './config-summary.ts';
import { openControlSocket } from './control-socket.ts';
import { loadConfig } from './load-config.ts';
import { reloadFrom } from './reload.ts';
import { systemClock } from '../core/clock.ts';
import { EngineError } from '../core/errors.ts';
import { Engine } from '../engine.ts';
import { createLogger } from '../observe/logger.ts';
import { loadPlugins } from '../plugin/load-plugins.ts';
import type { CommonOptions, Ended } from './command-frame.ts';
import type { ControlSocket } from './control-socket.ts';
import type { EngineConfig } from '../../config/engine-config.ts';

const examples = `
Examples:
  $ meerkat run
  $ meerkat run --config /etc/meerkat/meerkat.toml
  $ MEERKAT_ENGINE__LOG_LEVEL=debug meerkat run -c /etc/meerkat/meerkat.toml 2>> meerkat.log

Logs are JSON lines on standard error. SIGTERM and SIGINT stop in order, within stop_ms; a second one stops at once.
SIGHUP takes over new keys and certificates (meerkat reload --help).
Exit code 0 after an orderly stop, 1 when the engine failed.`;

interface RunOptions extends CommonOptions {
  readonly config: string;
}

export function addRun(program: Command, ended: Ended): void {
  program
    .command('run')
    .description('serve the XMPP servers of a configuration')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', examples)
    .action((options: RunOptions) => runCommand(options, ended, () => run(options)));
}

async function run({ config: path, json = false }: RunOptions): Promise<number> {
  const config = loadConfig(path);
  if (!takesEvents(config) && config.servers.length === 0) {
    const missing = 'has no [[servers]], no port of [http] and no [[rabbit]]';
    throw new EngineError('E_CONFIG_INVALID', `${path} ${missing}: nothing would ever arrive; add one of them`);
  }
  const logger = createLogger(config.engine.logLevel);
  let end: (failure: EngineError | undefined) => void = () => undefined;
  const ended = new Promise<EngineError | undefined>((resolve) => {
    end = resolve;
  });
  const plugins = await loadPlugins(config.plugins);
  const engine = new Engine(config, { logger, failed: end, plugins });
  const stopListening = onSignals((signal) => {
    logger.info({ signal, stopMs: config.engine.stopMs }, 'stopping');
    end(undefined);
  });
  const reload = (): Promise<unknown> => reloadFrom(path, engine, logger);
  const onHangUp = (): void => void reload();
  process.on('SIGHUP', onHangUp);
  let control: ControlSocket | undefined;
  try {
    await engine.start();
    control = await openControlSocket(config.engine.dataDir, reload).catch((error: unknown) => {
      logger.warn({ error: String(error) }, '`meerkat reload` cannot reach this process; SIGHUP does');
      return undefined;
    });
    announce(config, json);
    const failure = await ended;
    control?.close();
    if (failure !== undefined) logger.error({ err: failure }, 'the engine failed and stops');
    await engine.stop(config.engine.stopMs);
    if (json) printJSON({ state: 'stopped' });
    else printLine('meerkat has stopped');
    return failure === undefined ? exitCodes.done : exitCodes.failed;
  } catch (error) {
    // What was started before the failure would keep the process alive.
    control?.close();
    await engine.stop(0);
    throw error;
  } finally {
    process.off('SIGHUP', onHangUp);
    stopListening();
  }
}

function announce(config: EngineConfig, json: boolean): void {
  const domains = config.servers.map(({ domain }) => domain);
  if (json) printJSON({ state: 'serving', domains, pid: process.pid });
  else printLine(['meerkat serves', ...summaryOf(config, systemClock.now()).map((line) => `  ${line}`)].join('\n'));
}

/** Returns what stops listening. */
function onSignals(first: (signal: NodeJS.Signals) => void): () => void {
  let received = 0;
  const listener = (signal: NodeJS.Signals): void => {
    received += 1;
    if (received > 1) process.exit(exitCodes.failed);
    first(signal);
  };
  process.on('SIGINT', listener);
  process.on('SIGTERM', listener);
  return () => {
    process.off('SIGINT', listener);
    process.off('SIGTERM', listener);
  };
}
