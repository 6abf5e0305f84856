// Thread: any
/**
 * Every bound of the engine that is not configuration: value, unit, reason, source. A queue, table, buffer or wait that
 * has no line here or in config/schema.ts is a defect.
 */
export const limits = {
  /** One inbound stanza. Servers cap theirs at 512 KiB; a summary with a forwarded body was 20 KiB (captures 9.6). */
  stanzaBytesDefault: 262_144,
  /** A stanza over the limit is skipped without keeping it, up to this many bytes; past it the stream is closed. */
  stanzaSkipBytesMax: 16_777_216,
  /** Everything we write; both real servers accept 512 KiB, and one refused stanza kills the stream (xmpp 1.10). */
  outboundStanzaBytesMax: 65_536,
  /** Elements below the stanza; a publish has 8. */
  stanzaDepthMax: 64,
  /** One tag with its attributes (a stream header has under 1 KiB): what is held while its end is awaited. */
  tagBytesMax: 65_536,
  attributesMax: 64,
  attributeBytesMax: 16_384,
  elementNameBytesMax: 256,
  elementsMax: 4096,
  /** IQ ids: ejabberd's are 70 characters; longer than this cannot be mirrored cheaply (xmpp 2.11). */
  iqIdBytesMax: 1024,
  jidPartBytesMax: 1023,

  /** From the first packet to an open connection, TLS included, over all addresses of the name (xmpp 1.21). */
  connectMs: 10_000,
  /** How long one address of several may take before the next is tried as well (RFC 8305 asks for 100 ms to 2 s). */
  addressMs: 1_000,
  /** From connect to <handshake/> (xmpp 1.8). */
  handshakeMs: 10_000,
  /** White space after this much outbound silence (xmpp 1.15). */
  keepaliveMs: 30_000,
  /** The kernel's own probe of an idle connection (xmpp 1.18). */
  socketKeepaliveMs: 30_000,
  /** Output of one stream that the peer has not taken: every pending IQ answered with 256 bytes. Past it the stream is
   *  recycled. */
  outputBytesMax: 16_777_216,
  /** The peer takes nothing for this long while we have output: recycled. Also breaks the embrace of two sides that
   * both  stopped reading because both wait to write. */
  outputStalledMs: 60_000,
  /** XEP-0199 ping after this much inbound silence, and how long its answer may take (xmpp 1.17). */
  pingAfterMs: 60_000,
  pingAnswerMs: 20_000,
  /** Reconnect: full jitter from first to max (xmpp 1.20); a stream counts as stable after `stableMs`. */
  reconnectFirstMs: 500,
  reconnectMaxMs: 60_000,
  stableMs: 60_000,
  /** After `conflict`: somebody else holds the domain (xmpp 1.13). */
  conflictMs: 15_000,
  replacedMs: 30_000,
  /** Closing: how long the peer may take for its </stream:stream> (xmpp 1.7). */
  closeMs: 2_000,

  /** Publishes of one server that wait for their answer. 5 s of the main thread's ceiling of 50 k/s would be 250 k;
   *  a quarter of that already means that something downstream stands still. */
  pendingIqsMax: 65_536,
  /** Answers `item-not-found` for unknown nodes: this many a minute, or this factor over what is usual (xmpp 4.62). */
  unknownNodesPerMinute: 20,
  unknownNodesFactor: 10,
  /** How often silent streams are looked for. */
  lifeCheckMs: 5_000,
  /** Our own IQs (pings) that wait for a reply. */
  pendingRequestsMax: 1_024,
  /** Deadlines of our own IQs are looked at together, at most this often: the waits are seconds, the table is long. */
  ownIqSweepGapMs: 100,

  /**
   * Mailboxes: messages. Routers hold chunks of up to 64 KiB, which is what Node reads at once: 64 of them are 4 MiB.
   */
  routerMailbox: 64,
  /** Chunks parsed in one turn: 4 of 64 KiB are about 300 publishes, 5 ms of work. */
  routerTurnMax: 4,
  /** Shards and dispatchers hold commands of about 1 KiB. */
  shardMailbox: 16_384,
  shardBatchMax: 64,
  dispatcherMailbox: 16_384,
  /** Publish messages that one dispatcher takes in a turn, and notifications of one thread crossing. */
  dispatcherTurnMax: 128,
  dispatcherBatchMax: 32,
  /** After a notification's deadline plus this much its outcome is written off: our bug, and logged so. */
  deadlineGraceMs: 1_000,

  /** Registration rows and forms. */
  tokenBytesMax: 4_096,
  formFieldsMax: 256,
  fieldBytesMax: 4_096,
  publishersMax: 64,
  /** Rows of one owner that are read for a list; more are cut with a warning (xmpp 5.44). */
  listMax: 100,
  bodyBytesMax: 4_096,
  messageCountMax: 99_999,
  /** Tombstones are kept this long so that late publishes are answered item-not-found (xmpp 4.20). */
  tombstoneMs: 2_592_000_000,
  /** Looking for tombstones that are old enough to go: a page of so many rows, this often. */
  sweepRows: 256,
  sweepEveryMs: 10_000,
  /** A call that is told later than this has rung out. */
  callLifeMs: 60_000,
  /** Google keeps a message four weeks at most (Firebase: Set the lifespan of a message). */
  notificationLifeMsMax: 2_419_200_000,
  /** What a client may ask for when it enables push (Tigase's filters): rooms and conversations. */
  mutedMax: 256,
  roomPreferencesMax: 256,
  /** Names and values of a publish-options form that is kept; a form has 2 to 10 fields. */
  enabledOptionsMax: 64,
  /** One row in a file of registrations: 64 names and values of 4 KiB are half of it. */
  importRecordBytesMax: 1_048_576,
  /** Rows of one owner that are read for one event, whatever `push.per_user_max` was when they were written. */
  enabledPerOwnerMax: 100,
  /** Events. The actor's mailbox holds events of about 2 KiB; one turn reads the store once for all it takes. */
  eventMailbox: 16_384,
  eventBatchMax: 128,
  /** Publishes of events that are under way, 1 KiB each: as `pendingIqsMax`. */
  eventFlightsMax: 65_536,
  /** How often events are looked for whose deadline is over. */
  eventSweepMs: 500,
  /** Publishes that wait to be tried again because their push service asked for it. */
  eventRetriesMax: 4_096,
  /** Members that one event of a room may name: the largest rooms have some thousands. */
  roomMembersMax: 10_000,
  /** Of one message: its id (UUIDs have 36 characters), and JIDs that it mentions; those past it are not looked at. */
  messageIdBytesMax: 1_024,
  mentionsMax: 64,
  /** Sessions whose presence is known, 200 bytes each: 200 MiB. Past it the oldest are forgotten, and unknown again. */
  presenceSessionsMax: 1_000_000,
  /** Sessions of one user: servers allow ten or so. */
  presencePerUserMax: 64,
  /** ejabberd does not tell of a session that ends without a word: what is known of its users is forgotten this often,
   *  so that a phone that has vanished is not taken for online for longer. */
  presenceLifeMs: 600_000,
  /** Messages remembered to tell a repetition, 100 bytes each, in each of two generations. */
  dedupeMax: 262_144,
  /** Publish IQs that wait for a push service that is not ours, of one server. */
  publishIqsMax: 16_384,
  /** Push services and registrations whose refusals and outages are counted. */
  troubledServicesMax: 4_096,
  troubledRegistrationsMax: 65_536,
  /** A push service that is away is left alone: full jitter from first to max, doubled by each probe that fails. */
  serviceHoldFirstMs: 1_000,
  serviceHoldMaxMs: 600_000,
  /** When a publish that was answered `wait` is tried again: at random between the two, so that two of them are within
   *  60 s (xmpp 5.51). */
  publishRetryMsMin: 5_000,
  publishRetryMsMax: 25_000,
  /** Base64 of an encrypted summary for a client that sets no limit of its own: as Tigase, which leaves the gateways
   *  1 KiB for what stands around it. */
  encryptedBytesDefault: 3_000,
  /** Databases. Batches that wait for a connection: each of the 256 shards has one at most. */
  databaseWaitersMax: 512,
  /** While a database cannot be reached, it is tried again after this much; meanwhile all is refused at once. */
  databaseRetryMs: 250,
  /** For statements that look at a whole table: removing a domain, counting, making tables. */
  databaseWholeTableMs: 60_000,
  /** Rows of one statement: of 4 KiB each they are 1 MiB, and MySQL takes 16 MiB. */
  databaseBatchRows: 256,
  /** A transaction that another one stood in the way of is begun this many times. */
  databaseAttemptsMax: 5,
  /** How often is looked for what belongs to rows that another program has removed. */
  databaseSweepMs: 21_600_000,
  /** How long a plugin's module may take to load: it reads files; a network that is away must not hold the start. */
  pluginLoadMs: 10_000,
  /** Requests to our HTTP server. A room event that names 10 000 members is about 700 KiB of JSON. */
  httpBodyBytesMax: 1_048_576,
  /** Request line and header fields; Node's own bound on bytes. More fields than this are not seen. */
  httpHeaderBytesMax: 16_384,
  httpHeadersMax: 100,
  /** A refused body is read away up to here, so that its caller reads the answer; a longer one costs the connection. */
  httpDrainBytesMax: 8_388_608,
  /** Events of one request: with stanzas of 4 KiB a full body. */
  httpEventsMax: 256,
  /** Requests under way: with their bodies 512 MiB at the very worst, all of it from holders of the token. */
  httpRequestsMax: 512,
  httpConnectionsMax: 1_024,
  /** To the end of the header fields or of the TLS handshake, and to that of the body: slower callers are cut. */
  httpHeadersMs: 10_000,
  httpRequestMs: 30_000,
  /** How often those two are looked at. */
  httpCheckMs: 1_000,
  /** A kept connection without a request: longer than pools of callers keep theirs, so that they close first. */
  httpKeepaliveMs: 75_000,
  /** Silence of a connection whose answer was not taken, past the longest wait for an answer. */
  httpSilenceMs: 30_000,
  /** What a caller is told to wait after 503: one turn of a full queue takes less. */
  httpRetryAfterSeconds: 1,
  /** Troubles of one kind are told at most this often, with their number. */
  httpLogGapMs: 60_000,
  /** Declaring and binding at RabbitMQ: a quorum queue without a leader answers nothing at all. */
  rabbitSetUpMs: 15_000,
  /** Events out of RabbitMQ that are given to the event actor together: about what one turn brings. */
  rabbitBatchMax: 64,
  /** A message that is not taken, or whose publish reached nobody, is given again: full jitter from first to max. */
  rabbitRetryFirstMs: 1_000,
  rabbitRetryMaxMs: 60_000,
  /** How often the messages that wait are looked at: short against the first wait. */
  rabbitLookMs: 250,
  /** After its arrival: later the user has seen it. Far below the 30 min after which RabbitMQ closes the channel. */
  rabbitEventLifeMs: 600_000,
  /** Of our queue, some days of a quiet server: while we are away the oldest messages go first, they are least news. */
  rabbitQueueMax: 1_000_000,
  /** A message that was given back so often may be what ends us: RabbitMQ sets it aside. Its own default (4.0). */
  rabbitDeliveriesMax: 20,
  /** Of the queue of what cannot be read: enough to see what is wrong. */
  rabbitPoisonMax: 10_000,
  rabbitPoisonBytesMax: 67_108_864,
  /** How long RabbitMQ may take to confirm a message for that queue; it may block publishers for hours. */
  rabbitPoisonMs: 10_000,
  rabbitPoisonLogMs: 60_000,
  /** Domains whose presence is forgotten when RabbitMQ was restarted; a MongooseIM has some hundreds at most. */
  rabbitDomainsMax: 1_024,
  /** Ad-hoc command sessions (xmpp 5.39). */
  commandSessionMs: 600_000,

  /** What is kept of a minted authorization value: a JWT of 200 bytes; a longer file is not ours. */
  credentialFileBytesMax: 16_384,

  /** A reload. How long threads may take to hear of it (one may be starting), and how often they are told. */
  reloadHeardMs: 10_000,
  reloadTellMs: 100,
  /** What is in flight with the old credential ends within its request's deadline (`request_ms`), 60 s at the most. */
  reloadReleaseMs: 70_000,
  /** `meerkat reload` at its socket: people who ask at once, and an answer with 64 providers and their reasons. */
  controlConnectionsMax: 8,
  controlAnswerBytesMax: 1_048_576,
  /** The one request by which a new credential is tried, from the DNS question to the answer. */
  credentialTrialMs: 10_000,

  /** Provider payloads, bytes (Apple: Generating a remote notification; Google: Message.data). */
  apnsPayloadBytesMax: 4_096,
  apnsVoipPayloadBytesMax: 5_120,
  fcmPayloadBytesMax: 4_096,
  /** Google, for what goes to all of a topic or a condition. */
  fcmTopicPayloadBytesMax: 2_048,
  /** Objects within objects of what a program gives besides: Apple's and Google's own are 6 deep. */
  notificationPartsDepthMax: 32,
  /** And members of them all: 20 in the largest example, 150 in a live activity's state. */
  notificationPartsMembersMax: 1_024,
  collapseIdBytesMax: 64,
  /** Sets of fields that APNs requests of one thread share: topics times push types times priorities in use. */
  apnsSharedFieldsMax: 64,
  /** Tags that one publish may ask for: as many as a provider may have. */
  providerTagsMax: 64,
  /** What a gateway may send back; Apple's and Google's answers are under 2 KiB. */
  gatewayResponseBytesMax: 65_536,

  /** Head of a proxy's answer to CONNECT; those of squid and tinyproxy are under 1 KiB. */
  proxyResponseBytesMax: 8_192,

  /** One connection to a gateway: from the DNS question to the peer's SETTINGS. */
  gatewayConnectMs: 10_000,
  /**
   * Reconnecting to a gateway: full jitter from first to max. Repeated open and close looks like an attack to Apple.
   */
  gatewayReconnectFirstMs: 200,
  gatewayReconnectMaxMs: 15_000,
  /** After this many connections in a row that answered nothing, what waits fails at once until one answers. */
  gatewayConnectAttemptsMax: 3,
  /** PING after this much silence, and how long its answer may take. APNs only: FCM ends connections that PING. */
  gatewayPingAfterMs: 30_000,
  gatewayPingAnswerMs: 10_000,
  /** A connection that may not be asked by PING is closed after this much idleness: FCM ends its own after minutes. */
  gatewayUncheckedIdleMs: 240_000,
  /** A connection is replaced after this long: gateways move, and what they keep for one for days is their least tested
   *  state. */
  gatewayAgeMs: 43_200_000,
  /** With nothing heard for this long, and a request overdue that was written before, a connection is taken for dead:
   *  Google asks to wait so long for an answer, and its connections may not be asked by PING. */
  gatewayMuteMs: 10_000,
  /** Refused streams in a row, without an answer between them, after which a connection is given up. */
  gatewayRefusalsMax: 16,
  /**
   * A fresh connection whose first request is not answered after this much no longer holds back a second connection.
   */
  gatewayFirstAnswerMs: 1_000,
  /** Deadlines of requests are looked at together, at most this often: one timer for each pool. */
  gatewaySweepGapMs: 20,
  /** A connection younger than this is not given up for a refused credential: batches with the old one still arrive. */
  gatewayRenewGapMs: 1_000,
  /** Our HTTP/2 client. Bytes that the socket has not taken: four windows of 64 KiB in both TLS and the kernel; past it
   *  no more requests are written. */
  h2OutputBytesMax: 262_144,
  /** What a peer may send of response fields (RFC 9113 §10.5.1): Apple's have under 300 bytes, Google's under 1 KiB. */
  h2HeaderListBytesMax: 16_384,
  /** The same while still encoded, over HEADERS and all CONTINUATION frames. */
  h2HeaderBlockBytesMax: 32_768,
  /** What may be on its way to us: of one response more than is kept, and of all more than a thousand of them. */
  h2StreamWindowBytes: 131_072,
  h2ConnectionWindowBytes: 16_777_216,
  /** How long the peer may take to acknowledge our SETTINGS (RFC 9113 §6.5.3). */
  h2SettingsAckMs: 10_000,
  /** Frames that serve no request: some a minute are usual. Far above what any gateway does, far below what hurts. */
  h2IdleFramesPerSecondMax: 1_000,
  /** Cancelled streams that are remembered, lest late frames on them pass for a fault of the peer. */
  h2CancelledStreamsMax: 1_024,
  /** Requests that may be on one connection whatever the peer allows. Seen at Apple: 1000 to 1500; at Google: 100. */
  apnsStreamsMax: 1_000,
  fcmStreamsMax: 100,
  /** A project whose quota is used up is left alone for this long at most, whatever Retry-After says: Google advises to
   *  give a message up after an hour. */
  quotaPauseMsMax: 3_600_000,
  /** While messages wait for a quota, those whose deadline passes are told so at least this often. */
  quotaLookMs: 1_000,
  /** Beginning and end of such a wait are logged at most once in this time. */
  quotaLogGapMs: 60_000,
  /** Of one connection: sets of shared fields (topic, push type, priority) whose encoded bytes are kept, 1 KiB each. */
  hpackTemplatesMax: 64,
  /** Names of fields of single requests whose bytes are kept; gateways have one or two. */
  hpackNamesMax: 32,
  /** Requests between two insertions into a full compression table: their indices outweigh composing the rest anew. */
  hpackEvictAfterRequests: 64,

  /** Requests at a time on one HTTP/2 connection of undici: what RFC 9113 §6.5.2 asks servers to allow at least. */
  httpsStreamsMax: 100,
  /** Requests of one such connection that end in a row without an answer, after which it is opened anew. */
  httpsUnansweredMax: 8,
  /** Of several gateways one is left out after this many requests in a row that it did not take (the next will not
   *  either), or took and failed by its own fault (which may be about these requests alone). */
  gatewayUnreachedMax: 3,
  gatewayTroubledMax: 10,
  /** Asking a gateway how it is: this often, give or take a half, while it is in use (MongoosePush asks each of its
   *  connections in turn, and wants it seldom), and how long the answer may take. */
  gatewayCheckEveryMs: 30_000,
  gatewayCheckMs: 5_000,
} as const;
