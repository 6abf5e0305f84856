// Thread: main
/**
 * Which push services are ours, so that their publishes need no stanza (mongooseim 2.12): the domains of our
 * components, and the templates of `push.virtual_hosts`. Asked at publish time, hence a changed template holds for
 * registrations that were enabled long ago. A template with the domain of some other pubsub service takes its publishes
 * from it; everything else that service does stays with it.
 */
import { EngineError } from '../core/errors.ts';
import { bareJID, domainOf } from '../core/jid.ts';
import type { BareJID } from '../core/ids.ts';

const hostMark = '@HOST@';

export class VirtualHosts {
  readonly #domains = new Set<string>();
  /** What stands before the recipient's domain, with its dot. */
  readonly #prefixes: readonly string[];

  /**
   * @param templates a domain, which holds for all recipients, or `name.@HOST@`: `name.` and the recipient's domain.
   * @param ownDomains those of our components.
   * @throws EngineError E_CONFIG_INVALID that names the template which can never be a domain.
   */
  constructor(templates: readonly string[], ownDomains: readonly string[]) {
    const prefixes = new Set<string>();
    for (const template of [...ownDomains, ...templates]) {
      const isPrefix = template.endsWith(`.${hostMark}`);
      // Whatever stands for the host, the rest must make a domain of it.
      const prepared = preparedDomain(isPrefix ? `${template.slice(0, -hostMark.length)}host` : template);
      if (prepared === '') throw new EngineError('E_CONFIG_INVALID', problemOf(template));
      if (isPrefix) prefixes.add(prepared.slice(0, -'host'.length));
      else this.#domains.add(prepared);
    }
    this.#prefixes = [...prefixes];
  }

  /** Only the domain of `service` is looked at; its local part is the client's own business. */
  isOurs(service: BareJID, owner: BareJID): boolean {
    const domain = domainOf(service);
    if (this.#domains.has(domain)) return true;
    for (const prefix of this.#prefixes) {
      // The domain of the owner is cut out only for a service that may be ours.
      if (domain.startsWith(prefix) && domain.slice(prefix.length) === domainOf(owner)) return true;
    }
    return false;
  }
}

/** `''` for what is no domain. */
function preparedDomain(text: string): string {
  if (/[@/]/.test(text)) return '';
  const prepared = bareJID(text);
  return prepared.ok ? prepared.value : '';
}

function problemOf(template: string): string {
  return `push.virtual_hosts: ${template} is neither a domain nor a name with .${hostMark} at its end`;
}
