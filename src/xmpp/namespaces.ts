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
  /** XEP-0045 */
  mucUser: 'http://jabber.org/protocol/muc#user',
  /** XEP-0050 */
  commands: 'http://jabber.org/protocol/commands',
  /** XEP-0060 */
  pubsub: 'http://jabber.org/protocol/pubsub',
  pubsubOwner: 'http://jabber.org/protocol/pubsub#owner',
  pubsubErrors: 'http://jabber.org/protocol/pubsub#errors',
  pubsubNodeConfig: 'http://jabber.org/protocol/pubsub#node_config',
  pubsubPublishOptions: 'http://jabber.org/protocol/pubsub#publish-options',
  pubsubEvent: 'http://jabber.org/protocol/pubsub#event',
  /** XEP-0085 */
  chatStates: 'http://jabber.org/protocol/chatstates',
  /** XEP-0092 */
  version: 'jabber:iq:version',
  /** XEP-0184 */
  receipts: 'urn:xmpp:receipts',
  /** XEP-0199 */
  ping: 'urn:xmpp:ping',
  /** XEP-0202 */
  time: 'urn:xmpp:time',
  /** XEP-0203 */
  delay: 'urn:xmpp:delay',
  /** XEP-0249 */
  conference: 'jabber:x:conference',
  /** XEP-0280 */
  carbons: 'urn:xmpp:carbons:2',
  /** XEP-0297 */
  forward: 'urn:xmpp:forward:0',
  /** XEP-0308 */
  correct: 'urn:xmpp:message-correct:0',
  /** XEP-0333 */
  markers: 'urn:xmpp:chat-markers:0',
  /** XEP-0334 */
  hints: 'urn:xmpp:hints',
  /** XEP-0353 */
  jingleMessage: 'urn:xmpp:jingle-message:0',
  /** XEP-0167 */
  jingleRtp: 'urn:xmpp:jingle:apps:rtp:1',
  /** XEP-0355: ejabberd speaks the first, Prosody the second */
  delegation1: 'urn:xmpp:delegation:1',
  delegation2: 'urn:xmpp:delegation:2',
  /** XEP-0356; only the second can grant IQs */
  privilege1: 'urn:xmpp:privilege:1',
  privilege2: 'urn:xmpp:privilege:2',
  /** XEP-0357 */
  push: 'urn:xmpp:push:0',
  pushSummary: 'urn:xmpp:push:summary',
  /** XEP-0359 */
  stanzaIds: 'urn:xmpp:sid:0',
  /** XEP-0372 */
  references: 'urn:xmpp:reference:0',
  /** XEP-0380 */
  encryption: 'urn:xmpp:eme:0',
  /** XEP-0444 */
  reactions: 'urn:xmpp:reactions:0',
  /** XEP-0461 */
  replies: 'urn:xmpp:reply:0',
  /** XEP-0027, XEP-0373 */
  pgp: 'jabber:x:encrypted',
  openPGP: 'urn:xmpp:openpgp:0',
  /** XEP-0384 before it had a number of its own */
  axolotl: 'eu.siacs.conversations.axolotl',
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
