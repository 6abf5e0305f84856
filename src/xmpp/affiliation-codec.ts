// Thread: any
/** How a push service says that a user is no longer welcome at one of its nodes (XEP-0357 §8; xmpp 5.52). */
import { bareJID, localOf } from '../core/jid.ts';
import { parseNodeId } from '../core/ids.ts';
import { ns } from './namespaces.ts';
import { attribute, childOf, childrenOf } from './xml.ts';
import type { BareJID, NodeId } from '../core/ids.ts';
import type { XmlElement } from './xml.ts';

export interface Revocation {
  readonly owner: BareJID;
  readonly node: NodeId;
}

/** Users whose affiliation with the node is now `none`; most messages name none. At most `limits.elementsMax`. */
export function readRevocations(message: XmlElement): readonly Revocation[] {
  const pubsub = childOf(message, 'pubsub', ns.pubsub);
  if (pubsub === undefined) return [];
  const node = parseNodeId(attribute(pubsub, 'node') ?? '');
  if (!node.ok) return [];
  return childrenOf(pubsub, 'affiliation', ns.pubsub).flatMap((element) => {
    const jid = bareJID(attribute(element, 'jid') ?? '');
    if (!jid.ok || localOf(jid.value) === '' || attribute(element, 'affiliation') !== 'none') return [];
    return [{ owner: jid.value, node: node.value }];
  });
}
