/**
 * A real ejabberd. The Erlang machine is started directly, without `ejabberdctl`: it then is one process whose id we
 * know, needs neither epmd nor distribution ports, and runs as any user. Accounts are made through its HTTP API.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './deadline.ts';
import { absence } from './real-server.ts';
import { freePorts, programPath, ServerProcess, startServer } from './server-process.ts';
import type { RealServer, RealServerOptions, ServerModule } from './real-server.ts';

const erl = programPath('erl');
const erlc = programPath('erlc');
const control = programPath('ejabberdctl');

export const ejabberdAbsent: false | string = absence('ejabberd', [erl, control, programPath('setpriv')]);

const domain = 'ejabberd.lab';
const secret = 's3cr3t-ejabberd';

interface Ports {
  readonly client: number;
  readonly component: number;
  readonly api: number;
}

export async function startEjabberd(options: RealServerOptions = {}): Promise<RealServer> {
  return await startServer(() => attempt(options));
}

async function attempt(options: RealServerOptions): Promise<RealServer> {
  const [client = 0, component = 0, api = 0] = await freePorts(3);
  const ports: Ports = { client, component, api };
  const server = new ServerProcess({
    name: 'ejabberd',
    user: 'ejabberd',
    files: (folder) => {
      if (options.module !== undefined) compile(folder, options.module);
      return { 'ejabberd.yml': configuration(ports, options) };
    },
    environment: (folder) => ({
      EJABBERD_CONFIG_PATH: join(folder, 'ejabberd.yml'),
      EJABBERD_LOG_PATH: join(folder, 'ejabberd.log'),
      ERL_CRASH_DUMP: '/dev/null',
      ERL_LIBS: erlangLibraries(),
    }),
    // One scheduler: two cores run several servers at a time here.
    command: (folder) => [
      erl ?? 'erl',
      ...['-noinput', '+S', '1:1', '-pa', folder, '-mnesia', 'dir', `"${join(folder, 'spool')}"`, '-s', 'ejabberd'],
    ],
  });
  try {
    await server.untilUp(async () => (String(await call(api, 'status', {})).includes('started') ? true : undefined));
  } catch (error) {
    await server.stop();
    throw error;
  }
  return running(server, ports);
}

function running(server: ServerProcess, ports: Ports): RealServer {
  return {
    kind: 'ejabberd',
    domain,
    clientPort: ports.client,
    componentDomain: `push.${domain}`,
    componentPort: ports.component,
    componentSecret: secret,
    async register(user, password) {
      await call(ports.api, 'register', { user, host: domain, password });
    },
    async untilOffline(user) {
      await until(`${user} has no session`, async () => {
        const resources = await call(ports.api, 'user_resources', { user, host: domain });
        return Array.isArray(resources) && resources.length === 0 ? true : undefined;
      });
    },
    async pushRegistrations(user) {
      const file = join(server.folder, 'push_session.dump');
      await call(ports.api, 'dump_table', { file, table: 'push_session' });
      const rows = readFileSync(file, 'utf8').match(/\{push_session,\s*\{<<"[^"]*">>/g) ?? [];
      return rows.filter((row) => row.endsWith(`<<"${user}">>`)).length;
    },
    tail: () => server.tail(),
    stop: () => server.stop(),
  };
}

async function call(port: number, command: string, body: Readonly<Record<string, string>>): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${port}/api/${command}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`ejabberd answered ${response.status} to ${command}: ${text}`);
  return JSON.parse(text);
}

/** As an operator does it, into the folder that the machine has in its path. */
function compile(folder: string, { name, source }: ServerModule): void {
  const file = join(folder, `${name}.erl`);
  writeFileSync(file, source);
  const environment = { ...process.env, ERL_LIBS: erlangLibraries() };
  execFileSync(erlc ?? 'erlc', ['-o', folder, file], { env: environment, stdio: ['ignore', 'inherit', 'inherit'] });
}

/** Debian keeps ejabberd's modules in the architecture's library folder, and says so in ejabberdctl alone. */
function erlangLibraries(): string {
  const script = control === undefined ? '' : readFileSync(control, 'utf8');
  return /^ERL_LIBS='([^']*)'/m.exec(script)?.[1] ?? '';
}

/** One of the two: mod_push and mod_delegation compete for the namespace (9.3.4). */
function ownPush({ includeBody = false, includeSender = false }: RealServerOptions): string {
  return `  mod_push: {include_body: ${includeBody}, include_sender: ${includeSender}}
  mod_push_keepalive: {}
`;
}

const delegation = `  mod_delegation: {namespaces: {"urn:xmpp:push:0": {access: push_comp_rule}}}
  mod_privilege:
    roster: {get: push_comp_rule}
    message: {outgoing: push_comp_rule}
    presence: {managed_entity: push_comp_rule}
`;

const delegationRules = `acl:
  push_component: {server: push.${domain}}
access_rules:
  push_comp_rule: {allow: push_component}
`;

function moduleSection({ module }: RealServerOptions): string {
  return module === undefined
    ? ''
    : [`  ${module.name}:`, ...module.settings.map((line) => `    ${line}`), ''].join('\n');
}

// global_routes: otherwise each component takes over all domains of its listener.
function configuration(ports: Ports, options: RealServerOptions): string {
  const components = [`push.${domain}`, ...(options.moreComponents ?? [])];
  return `
loglevel: info
hosts: [${domain}]
auth_method: internal
auth_password_format: plain
listen:
  - {port: ${ports.client}, ip: "127.0.0.1", module: ejabberd_c2s, max_stanza_size: 262144, starttls: false}
  - port: ${ports.component}
    ip: "127.0.0.1"
    module: ejabberd_service
    access: all
    shaper: none
    max_stanza_size: 524288
    global_routes: false
    hosts:
${components.map((name) => `      "${name}": {password: "${secret}"}`).join('\n')}
  - {port: ${ports.api}, ip: "127.0.0.1", module: ejabberd_http, request_handlers: {"/api": mod_http_api}}
${options.delegation === true ? delegationRules : ''}api_permissions:
  "tests": {from: [mod_http_api], who: all, what: "*"}
modules:
  mod_adhoc: {}
  mod_carboncopy: {}
  mod_client_state: {}
  mod_disco: {}
  mod_http_api: {}
  mod_mam: {default: always}
  mod_offline: {}
  mod_ping: {}
${options.delegation === true ? delegation : ownPush(options)}  mod_roster: {}
${moduleSection(options)}  mod_stream_mgmt: {resend_on_timeout: if_offline}
  mod_version: {}
`;
}
