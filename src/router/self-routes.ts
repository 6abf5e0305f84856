// Thread: main
/**
 * Questions about the component itself and about single nodes: disco, ping, version, time (xmpp 3.1 to 3.9, XEP-0199).
 * disco#info of a push node is the only one that needs a registration actor.
 */
import { parseNodeId } from '../core/ids.ts';
import { delegationInfoXml } from '../xmpp/delegation-codec.ts';
import { commandInfoXml, componentInfoXml, itemsXml, timeXml, versionXml } from '../xmpp/disco.ts';
import { ns } from '../xmpp/namespaces.ts';
import { stanzaErrors } from '../xmpp/stanza-errors.ts';
import { attribute, localName, namespaceOf } from '../xmpp/xml.ts';
import type { XmlElement } from '../xmpp/xml.ts';
import { commandOf, ownerOf, refuse, reply } from './routed.ts';
import type { Asked, Routed } from './routed.ts';

/** Element names by namespace; all of them are asked with `get`. */
const elements: ReadonlyMap<string, string> = new Map<string, string>([
  [ns.ping, 'ping'],
  [ns.discoInfo, 'query'],
  [ns.discoItems, 'query'],
  [ns.version, 'query'],
  [ns.time, 'time'],
]);

/** `undefined`: not a question of this kind. */
export function routeSelf(asked: Asked, type: 'get' | 'set', child: XmlElement): Routed | undefined {
  const namespace = namespaceOf(child);
  if (elements.get(namespace) !== localName(child)) return undefined;
  if (type === 'set') return refuse(asked, stanzaErrors.badRequest); // 2.7
  const { clock, disco } = asked.settings;
  const node = attribute(child, 'node') ?? '';
  switch (namespace) {
    case ns.ping:
      return reply(asked, '');
    case ns.version:
      return reply(asked, versionXml(disco));
    case ns.time:
      return reply(asked, timeXml(clock.now()));
    case ns.discoItems: {
      const items = itemsXml(node, disco);
      return items === undefined ? refuse(asked, stanzaErrors.itemNotFound) : reply(asked, items);
    }
    default:
      return info(asked, node);
  }
}

function info(asked: Asked, name: string): Routed {
  const { disco, delegatedDomains } = asked.settings;
  if (name === '') return reply(asked, componentInfoXml(disco));
  const commandInfo = commandInfoXml(name, disco);
  if (commandInfo !== undefined) return reply(asked, commandInfo);
  const delegationInfo = delegatedDomains.has(asked.from) ? delegationInfoXml(name) : undefined;
  if (delegationInfo !== undefined) return reply(asked, delegationInfo);
  const node = parseNodeId(name);
  if (!node.ok) return refuse(asked, stanzaErrors.itemNotFound);
  return commandOf(asked, { kind: 'read-node', node: node.value, owner: ownerOf(asked) }, { kind: 'node-info' });
}
