// Thread: any
/** Every XML namespace the engine reads or writes, with its specification. */
export const ns = {
  /** XEP-0114 */
  component: 'jabber:component:accept',
  /** RFC 6120 §4.8.1 */
  stream: 'http://etherx.jabber.org/streams',
  /** RFC 6120 §4.9 */
  streamErrors: 'urn:ietf:params:xml:ns:xmpp-streams',
  /** RFC 6120 §8.3 */
  stanzaErrors: 'urn:ietf:params:xml:ns:xmpp-stanzas',
  /** RFC 6121 */
  client: 'jabber:client',
  /** XEP-0004 */
  data: 'jabber:x:data',
  /** XEP-0030 */
  discoInfo: 'http://jabber.org/protocol/disco#info',
  discoItems: 'http://jabber.org/protocol/disco#items',
  /** XEP-0050 */
  commands: 'http://jabber.org/protocol/commands',
  /** XEP-0060 */
  pubsub: 'http://jabber.org/protocol/pubsub',
  pubsubOwner: 'http://jabber.org/protocol/pubsub#owner',
  pubsubErrors: 'http://jabber.org/protocol/pubsub#errors',
  pubsubNodeConfig: 'http://jabber.org/protocol/pubsub#node_config',
  pubsubPublishOptions: 'http://jabber.org/protocol/pubsub#publish-options',
  /** XEP-0092 */
  version: 'jabber:iq:version',
  /** XEP-0199 */
  ping: 'urn:xmpp:ping',
  /** XEP-0202 */
  time: 'urn:xmpp:time',
  /** XEP-0357 */
  push: 'urn:xmpp:push:0',
  pushSummary: 'urn:xmpp:push:summary',
  /** Tigase: priority and encrypted payload inside a notification */
  tigasePriority: 'tigase:push:priority:0',
  tigaseEncrypt: 'tigase:push:encrypt:0',
  /** Tigase: what a client asks for inside `<enable/>`, besides the two above (xmpp 5.50) */
  tigaseJingle: 'tigase:push:jingle:0',
  tigaseAway: 'tigase:push:away:0',
  tigaseIgnoreUnknown: 'tigase:push:filter:ignore-unknown:0',
  tigaseMuted: 'tigase:push:filter:muted:0',
  tigaseGroupchat: 'tigase:push:filter:groupchat:0',
  /** Our own registration form */
  register: 'urn:meerkat:register:0',
} as const;
