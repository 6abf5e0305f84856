// Thread: any
/**
 * `[[servers]]`: the keys, and what must be true of them together. The server-side facts (who allows several streams
 * for one domain, who offers TLS) are those of ejabberd 23, Prosody 0.12, MongooseIM 6 and Openfire 5.
 */
import { checkDelegatedDomains } from './check-domains.ts';
import { checkSection, isTable } from './check-section.ts';
import { serverKeys, serverTlsKeys } from './schema.ts';
import type { Checking } from './check-section.ts';
import type { ServerConfig } from './engine-config.ts';

// One process keeps one stream or more for each.
const serversMax = 64;

export function checkServers(raw: unknown, checking: Checking): readonly ServerConfig[] {
  const members = membersOf(raw, { path: 'servers', max: serversMax }, checking);
  const servers = members.map((member, index) => checkServer(member, `servers.${index}`, checking));
  reportRepeats(servers, checking);
  return checkDelegatedDomains(servers, checking);
}

/** The members of `[[path]]`; none when it is absent. */
export function membersOf(
  raw: unknown,
  { path, max }: { readonly path: string; readonly max: number },
  { issues }: Checking,
): readonly unknown[] {
  if (raw === undefined) return [];
  if (!Array.isArray(raw)) {
    const header = path.replace(/\.\d+/g, '');
    issues.add(path, 'is not a list of tables', `write [[${header}]] with double brackets on a line of its own`);
    return [];
  }
  if (raw.length > max) issues.add(path, `has ${raw.length} members`, `write at most ${max}`);
  return raw.slice(0, max);
}

function checkServer(raw: unknown, path: string, checking: Checking): ServerConfig {
  const keys = checkSection({ raw, path, others: ['tls'] }, serverKeys, checking);
  const tlsRaw = isTable(raw) ? raw['tls'] : undefined;
  const tls = checkSection({ raw: tlsRaw, path: `${path}.tls` }, serverTlsKeys, checking);
  const server: ServerConfig = {
    name: keys.name,
    host: keys.host,
    port: keys.port,
    domain: keys.domain,
    secret: keys.secret,
    connections: keys.connections,
    allowMultiple: keys.allow_multiple,
    tls: { mode: tls.mode, caFile: tls.ca_file, servername: tls.servername },
    allowPlaintext: keys.allow_plaintext,
    stanzaBytesMax: keys.stanza_bytes_max,
    errorProfile: keys.error_profile,
    delegatedDomains: keys.delegated_domains,
  };
  checkEncryption(server, path, checking);
  checkConnections(server, path, checking);
  return server;
}

function checkEncryption(server: ServerConfig, path: string, checking: Checking): void {
  const { issues } = checking;
  if (issues.has(`${path}.tls.mode`)) return;
  if (server.tls.mode === 'direct') {
    checkAuthorities(server.tls.caFile, `${path}.tls.ca_file`, checking);
    return;
  }
  if (server.tls.caFile !== '' || server.tls.servername !== '') {
    issues.add(
      `${path}.tls.mode`,
      'is "off", but ca_file or servername is set',
      'write mode = "direct", or remove both',
    );
  }
  if (!server.allowPlaintext && !isLoopback(server.host) && !issues.has(`${path}.host`, `${path}.allow_plaintext`)) {
    issues.add(
      `${path}.tls.mode`,
      `is "off", and ${server.host} is not this machine: device tokens would cross the network in clear`,
      'write tls = { mode = "direct" }, or allow_plaintext = true if the network itself is encrypted',
    );
  }
}

/** Reads a PEM file of authorities once, so that a wrong path is found now and not at the first connection. */
export function checkAuthorities(file: string, path: string, { issues, readFile }: Checking): void {
  if (file === '' || issues.has(path)) return;
  try {
    if (readFile(file).includes('-----BEGIN CERTIFICATE-----')) return;
    issues.add(path, 'names a file without a PEM certificate', 'name a file that has -----BEGIN CERTIFICATE-----');
  } catch {
    issues.add(path, `names ${JSON.stringify(file)}, which cannot be read`, 'check the path and who may read it');
  }
}

export function isLoopback(host: string): boolean {
  return /^(localhost|.*\.localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i.test(host);
}

function checkConnections(server: ServerConfig, path: string, { issues }: Checking): void {
  const place = `${path}.connections`;
  if (server.connections === 1 || issues.has(place, `${path}.error_profile`)) return;
  const { errorProfile } = server;
  if (errorProfile === 'prosody' || errorProfile === 'mongooseim') {
    issues.add(
      place,
      `is ${server.connections}, but ${errorProfile} keeps one stream for a domain and refuses or evicts the others`,
      errorProfile === 'prosody'
        ? 'write 1; with mod_component_roundrobin write error_profile = "common"'
        : 'write 1, and one [[servers]] for each MongooseIM node',
    );
  } else if (errorProfile === 'openfire' && !server.allowMultiple) {
    issues.add(place, `is ${server.connections}, but Openfire must be asked for it`, 'write allow_multiple = true too');
  }
}

function reportRepeats(servers: readonly ServerConfig[], { issues }: Checking): void {
  const names = new Set<string>();
  const addresses = new Set<string>();
  for (const [index, server] of servers.entries()) {
    const path = `servers.${index}`;
    if (!issues.has(`${path}.name`)) {
      if (names.has(server.name))
        issues.add(`${path}.name`, `${quoted(server.name)} is taken`, 'give each server its own');
      names.add(server.name);
    }
    if (issues.has(`${path}.host`, `${path}.port`, `${path}.domain`)) continue;
    const address = `${server.domain} at ${server.host}:${server.port}`.toLowerCase();
    if (addresses.has(address)) {
      issues.add(`${path}.domain`, `${address} is configured twice`, 'keep one and set its connections');
    }
    addresses.add(address);
  }
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
