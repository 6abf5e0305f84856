// Thread: any
/** Lists of domains, and of templates of domains: each in the one form in which JIDs are compared, each once. */
import { parseJID } from '../src/core/jid.ts';
import type { Checking } from './check-section.ts';
import type { ServerConfig } from './engine-config.ts';

const suffix = '.@HOST@';

/** As a prepared JID spells it; `undefined` if it is none. */
export function preparedDomain(text: string): string | undefined {
  const jid = parseJID(text);
  return jid.ok && jid.value.local + jid.value.resource === '' && !/[@/]/.test(text) ? jid.value.domain : undefined;
}

/** `push.virtual_hosts`: domains, and `name.@HOST@`, whose name is prepared (mongooseim 2.12). */
export function checkVirtualHosts(written: readonly string[], { issues }: Checking): readonly string[] {
  const hosts: string[] = [];
  for (const [index, text] of written.entries()) {
    const path = `push.virtual_hosts.${index}`;
    const problem = templateProblem(text);
    const host = preparedTemplate(text);
    if (problem !== undefined) issues.add(path, ...problem);
    else if (host === undefined) issues.add(path, `${quoted(text)} is not a domain`, domainRemedy);
    else if (hosts.includes(host)) issues.add(path, `${quoted(text)} is there already`, 'remove one of the two');
    else hosts.push(host);
  }
  return hosts;
}

const domainRemedy = 'write a domain such as "push.example.net", or "push.@HOST@"';

function templateProblem(text: string): readonly [problem: string, remedy: string] | undefined {
  if (/@HOSTS@/i.test(text)) return [`${quoted(text)} has the old spelling of MongooseIM 4`, 'write @HOST@'];
  const name = text.endsWith(suffix) ? text.slice(0, -suffix.length) : text;
  if (!name.includes('@')) return undefined;
  return [`${quoted(text)} has @ in a wrong place`, 'write @HOST@ once, as the last label: "push.@HOST@"'];
}

// Together with a domain it must make one: an address or a name that ends in a dot does not.
function preparedTemplate(text: string): string | undefined {
  if (!text.endsWith(suffix)) return preparedDomain(text);
  const tail = '.example';
  const whole = preparedDomain(text.slice(0, -suffix.length) + tail);
  return whole === undefined ? undefined : whole.slice(0, -tail.length) + suffix;
}

/** `servers.N.delegated_domains`: prepared, never our own domain, each at one server (xmpp 6.20). */
export function checkDelegatedDomains(servers: readonly ServerConfig[], checking: Checking): readonly ServerConfig[] {
  const owners = new Map<string, number>();
  return servers.map((server, index) => ({
    ...server,
    delegatedDomains: server.delegatedDomains.flatMap((text, at) => {
      const domain = preparedDomain(text);
      const place = { text, domain, own: preparedDomain(server.domain), taken: owners.get(domain ?? ''), index };
      const problem = delegationProblem(place);
      if (problem !== undefined) checking.issues.add(`servers.${index}.delegated_domains.${at}`, ...problem);
      if (domain === undefined || problem !== undefined) return [];
      owners.set(domain, index);
      return [domain];
    }),
  }));
}

interface Delegation {
  readonly text: string;
  readonly domain: string | undefined;
  readonly own: string | undefined;
  /** Position of the server that has it already. */
  readonly taken: number | undefined;
  readonly index: number;
}

function delegationProblem(delegation: Delegation): readonly [problem: string, remedy: string] | undefined {
  const { text, domain, own, taken, index } = delegation;
  if (domain === undefined) return [`${quoted(text)} is not a domain`, 'write the domain of users, without @ and /'];
  if (domain === own) {
    return [`${quoted(text)} is the domain of this component`, 'write the domain of the users, such as "example.com"'];
  }
  if (taken === undefined) return undefined;
  if (taken === index) return [`${quoted(text)} is there already`, 'remove one of the two'];
  return [`${quoted(text)} is also delegated by servers.${taken}`, 'keep it where the server of that domain is'];
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
