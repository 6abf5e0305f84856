/**
 * A real Prosody with mod_cloud_notify. Its accounts and push registrations are plain files in the scratch folder.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { absence } from './real-server.ts';
import { accepts, freePorts, programPath, ServerProcess, startServer } from './server-process.ts';
import type { RealServer, RealServerOptions } from './real-server.ts';

const prosody = programPath('prosody');
const prosodyctl = programPath('prosodyctl');
const cloudNotify = '/usr/lib/prosody/modules/mod_cloud_notify';

export const prosodyAbsent: false | string = absence('prosody with prosody-modules', [
  prosody,
  prosodyctl,
  programPath('setpriv'),
  existsSync(cloudNotify) ? cloudNotify : undefined,
]);

const domain = 'prosody.lab';
const secret = 's3cr3t-prosody';

export async function startProsody(options: RealServerOptions = {}): Promise<RealServer> {
  return await startServer(() => attempt(options));
}

async function attempt(options: RealServerOptions): Promise<RealServer> {
  const [client = 0, component = 0] = await freePorts(2);
  const server = new ServerProcess({
    name: 'prosody',
    user: 'prosody',
    files: (folder) => ({
      'prosody.cfg.lua': configuration(folder, client, component, options),
      ...(options.module === undefined ? {} : { [`mod_${options.module.name}.lua`]: options.module.source }),
    }),
    environment: () => ({}),
    command: (folder) => [prosody ?? 'prosody', '--config', join(folder, 'prosody.cfg.lua'), '-F'],
  });
  try {
    await server.untilUp(async () => (await accepts(client)) && (await accepts(component)));
  } catch (error) {
    await server.stop();
    throw error;
  }
  return {
    kind: 'prosody',
    domain,
    clientPort: client,
    componentDomain: `push.${domain}`,
    componentPort: component,
    componentSecret: secret,
    async register(username, password) {
      const config = join(server.folder, 'prosody.cfg.lua');
      server.run(prosodyctl ?? 'prosodyctl', ['--config', config, 'register', username, domain, password]);
    },
    // Prosody ends the session in the turn in which it writes </stream:stream>: whoever has read that is offline.
    async untilOffline() {},
    async pushRegistrations(username) {
      const file = join(server.folder, 'data', domain.replace('.', '%2e'), 'cloud_notify', `${username}.dat`);
      return existsSync(file) ? readFileSync(file, 'utf8').split('["jid"]').length - 1 : 0;
    },
    tail: () => server.tail(),
    stop: () => server.stop(),
  };
}

function configuration(folder: string, client: number, component: number, options: RealServerOptions): string {
  const components = [`push.${domain}`, ...(options.moreComponents ?? [])];
  return `
daemonize = false
pidfile = "${folder}/prosody.pid"
data_path = "${folder}/data"
certificates = "${folder}"
interfaces = { "127.0.0.1" }
local_interfaces = { "127.0.0.1" }
c2s_ports = { ${client} }
c2s_direct_tls_ports = { }
legacy_ssl_ports = { }
s2s_ports = { }
s2s_direct_tls_ports = { }
http_ports = { }
https_ports = { }
component_ports = { ${component} }
component_interfaces = { "127.0.0.1" }
modules_enabled = {
  "disco"; "roster"; "saslauth"; "ping"; "carbons"; "mam"; "smacks"; "csi_simple"; "blocklist"; "time"; "version";
  ${options.delegation === true ? '"delegation"; "privilege"' : '"cloud_notify"'};
  ${options.module === undefined ? '' : `"${options.module.name}";`}
}
modules_disabled = { "s2s"; "s2s_auth_certs"; "tls" }
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
storage = "internal"
plugin_paths = { "${folder}" }
${options.module?.settings.join('\n') ?? ''}
smacks_hibernation_time = 120
push_max_errors = ${options.pushMaxErrors ?? 16}
push_notification_with_body = ${options.includeBody ?? false}
push_notification_with_sender = ${options.includeSender ?? false}
log = { info = "${folder}/prosody.log" }
VirtualHost "${domain}"
${options.delegation === true ? delegation(options) : ''}
${components.map((name) => section(name, options)).join('\n')}
`;
}

function delegation({ speaks = true }: RealServerOptions): string {
  return `
  delegations = { ["urn:xmpp:push:0"] = { jid = "push.${domain}" } }
  privileged_entities = { ["push.${domain}"] = {
    roster = "get"; message = "outgoing"; presence = "managed_entity";
    ${speaks ? 'iq = { ["http://jabber.org/protocol/pubsub"] = "set"; ["urn:xmpp:ping"] = "get" };' : ''}
  } }
`;
}

function section(name: string, options: RealServerOptions): string {
  // The modules of the host hear of a component only if it has them, too (9.2.3).
  const modules = options.delegation === true ? '\n  modules_enabled = { "delegation"; "privilege" }' : '';
  return `Component "${name}"\n  component_secret = "${secret}"\n  component_conflict_resolve = "kick_old"${modules}`;
}
