// Thread: any
/**
 * Privileged entities (XEP-0356; xmpp 6.11, 6.30, 6.32, 6.40): what a server says we may do, and an IQ in the name of
 * one of its users. Prosody puts the second `<namespace>` inside the first, so they are looked for at every depth.
 */
import { ns } from './namespaces.ts';
import { escapeXml } from './stanza.ts';
import { attribute, childElements, childOf, isElement } from './xml.ts';
import type { XmlElement } from './xml.ts';

export interface Privileges {
  /** Whether presence of the server's own users is sent to us. */
  readonly presence: boolean;
  /** Whether we may publish (pubsub, `set`) in a user's name. */
  readonly publish: boolean;
}

/** `undefined`: the message says nothing about privileges. */
export function readPrivileges(message: XmlElement): Privileges | undefined {
  for (const namespace of [ns.privilege2, ns.privilege1]) {
    const element = childOf(message, 'privilege', namespace);
    if (element !== undefined) return privilegesOf(element, namespace);
  }
  return undefined;
}

function privilegesOf(element: XmlElement, namespace: string): Privileges {
  let presence = false;
  let publish = false;
  for (const permission of childElements(element)) {
    if (!isElement(permission, 'perm', namespace)) continue;
    const access = attribute(permission, 'access');
    const type = attribute(permission, 'type');
    // `roster`: of the users' contacts as well (XEP-0356 §7.2).
    if (access === 'presence') presence ||= type === 'managed_entity' || type === 'roster';
    if (access === 'iq' && namespace === ns.privilege2) publish ||= grantsPublish(permission);
  }
  return { presence, publish };
}

function grantsPublish(permission: XmlElement): boolean {
  const open = [permission];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const child of childElements(at)) {
      if (!isElement(child, 'namespace', ns.privilege2)) continue;
      const type = attribute(child, 'type');
      if (attribute(child, 'ns') === ns.pubsub && (type === 'set' || type === 'both')) return true;
      open.push(child);
    }
  }
  return false;
}

export interface PrivilegedIq {
  readonly id: string;
  /** Our domain. */
  readonly from: string;
  /** Bare JID of the user whose name it carries; his server answers under it. */
  readonly account: string;
  /** Who gets it. */
  readonly to: string;
  /** XML of the only child, complete. */
  readonly payload: string;
}

/** A `set` in the name of a user; both IQs have one id. */
export function privilegedIqXml({ id, from, account, to, payload }: PrivilegedIq): string {
  const attributes = `type='set' id='${escapeXml(id)}'`;
  return (
    `<iq ${attributes} from='${escapeXml(from)}' to='${escapeXml(account)}'><privileged_iq xmlns='${ns.privilege2}'>` +
    `<iq xmlns='${ns.client}' ${attributes} to='${escapeXml(to)}'>${payload}</iq></privileged_iq></iq>`
  );
}
