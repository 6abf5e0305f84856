/**
 * A real RabbitMQ. The Erlang machine runs in the foreground as one process whose id we know, with its own node name,
 * ports, cookie and data; `epmd`, which Erlang would start as a daemon that outlives it, is a child of ours as well.
 */
import { join } from 'node:path';
import { Connection } from 'rabbitmq-client';
import { absence } from './real-server.ts';
import { accepts, freePorts, programPath, ServerProcess, startServer } from './server-process.ts';

// Debian's /usr/sbin/rabbitmq-server changes the user by itself and writes to /var/log; the script behind it does not.
const script = '/usr/lib/rabbitmq/bin/rabbitmq-server';
const epmd = programPath('epmd');

export const rabbitmqAbsent: false | string = absence('rabbitmq-server', [
  programPath('rabbitmq-server'),
  programPath('erl'),
  epmd,
  programPath('setpriv'),
]);

// 4 s on an idle machine: many times what other servers take.
const startMs = 120_000;

const user = 'meerkat';
const password = 's3cr3t-rabbit';

export interface RabbitMQ {
  readonly port: number;
  /** With user, password and the virtual host `/`. */
  readonly url: string;
  /**
   * SIGKILL: what is not on its disk is lost. In the first minutes of a quorum queue that is the queue's name, too, and
   * then its messages (3.10): a test starts it once again before it kills.
   */
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Again with the data it had. */
  start(): Promise<void>;
  tail(): string;
  stop(): Promise<void>;
}

interface Ports {
  readonly amqp: number;
  readonly epmd: number;
  readonly distribution: number;
}

export async function startRabbitMQ(): Promise<RabbitMQ> {
  return await startServer(attempt);
}

async function attempt(): Promise<RabbitMQ> {
  const [amqp = 0, epmdPort = 0, distribution = 0] = await freePorts(3);
  const ports: Ports = { amqp, epmd: epmdPort, distribution };
  const names = namesProcess(ports);
  let broker: ServerProcess | undefined;
  const stop = async (): Promise<void> => {
    await broker?.stop();
    await names.stop();
  };
  try {
    await names.untilUp(() => accepts(ports.epmd));
    const started = (broker = brokerProcess(ports));
    await started.untilUp(() => answers(amqp), startMs);
    return {
      port: amqp,
      url: `amqp://${user}:${password}@127.0.0.1:${amqp}/%2f`,
      kill: (signal) => started.kill(signal),
      start: async () => {
        started.restart();
        await started.untilUp(() => answers(amqp), startMs);
      },
      tail: () => started.tail(),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Nodes are found by name here, also the broker's own tools. */
function namesProcess(ports: Ports): ServerProcess {
  return new ServerProcess({
    name: 'epmd',
    user: 'rabbitmq',
    files: () => ({}),
    environment: () => ({}),
    command: () => [epmd ?? 'epmd', '-port', String(ports.epmd), '-address', '127.0.0.1'],
  });
}

function brokerProcess(ports: Ports): ServerProcess {
  return new ServerProcess({
    name: 'rabbitmq',
    user: 'rabbitmq',
    files: () => ({ 'rabbitmq.conf': configuration(ports), plugins: '[].\n', 'environment.conf': '' }),
    environment: (folder) => ({
      ERL_EPMD_PORT: String(ports.epmd),
      ERL_EPMD_ADDRESS: '127.0.0.1',
      ERL_CRASH_DUMP: '/dev/null',
      RABBITMQ_NODENAME: `meerkat-${ports.amqp}@localhost`,
      RABBITMQ_DIST_PORT: String(ports.distribution),
      RABBITMQ_CONF_ENV_FILE: join(folder, 'environment.conf'),
      RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
      RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, 'advanced.config'),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
      RABBITMQ_MNESIA_BASE: join(folder, 'data'),
      RABBITMQ_LOG_BASE: folder,
      RABBITMQ_PID_FILE: join(folder, 'pid'),
      // The script then becomes the Erlang machine, instead of waiting for a child that a signal would not reach.
      RABBITMQ_ALLOW_INPUT: 'true',
      // One scheduler: two cores run several servers at a time here.
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-noinput +S 1:1 -kernel inet_dist_use_interface {127,0,0,1}',
    }),
    command: () => [script],
  });
}

function configuration(ports: Ports): string {
  return `
listeners.tcp.1 = 127.0.0.1:${ports.amqp}
default_user = ${user}
default_pass = ${password}
log.console = true
log.console.level = info
log.file = false
disk_free_limit.absolute = 1MB
`;
}

async function answers(port: number): Promise<true | undefined> {
  if ((await accepts(port)) === undefined) return undefined;
  const connection = new Connection({ hostname: '127.0.0.1', port, username: user, password });
  connection.on('error', () => undefined);
  try {
    await connection.onConnect(2_000);
    return true;
  } finally {
    connection.unsafeDestroy();
  }
}
