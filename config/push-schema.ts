// Thread: any
/**
 * The keys of the XMPP server's half of XEP-0357: what users enable, which events push, what the phone shows. Continues
 * schema.ts by its rule: every key once.
 */

export const pushKeys = {
  store: {
    type: 'choice',
    choices: ['lmdb', 'memory', 'postgres', 'mysql'],
    default: 'lmdb',
    says: "Where is kept what clients enable. `postgres`, `mysql`: MongooseIM's own table, which it may use as well.",
  },
  virtual_hosts: {
    type: 'list',
    default: [],
    itemsMax: 1000,
    says: 'Push services that are ours, as the domains of `[[servers]]` are; `push.@HOST@`: in the domain of the user.',
  },
  behaviour: {
    type: 'choice',
    choices: ['meerkat', 'default', 'enhanced', 'hints'],
    default: 'meerkat',
    says: 'Which events push, without `[[push.rules]]`: as Meerkat sees it, or as the MongooseIM plugin of that name.',
  },
  per_user_max: {
    type: 'integer',
    unit: '',
    default: 20,
    min: 1,
    max: 100,
    says: 'Registrations one user may have enabled; one more replaces the oldest.',
  },
  expire_days: {
    type: 'integer',
    unit: 'days',
    default: 365,
    min: 0,
    max: 3650,
    says: 'A registration that no client has enabled again for so long is removed. 0: never.',
  },
  unknown_status: {
    type: 'choice',
    choices: ['offline', 'online'],
    default: 'offline',
    says: 'What a user counts as when neither the event nor any presence says.',
  },
  content: {
    type: 'choice',
    choices: ['none', 'sender', 'full'],
    default: 'none',
    says: 'What of a message a push service that is not ours may see; for ours `notifications.content` counts.',
  },
  placeholder: {
    type: 'text',
    default: 'New message',
    minBytes: 1,
    maxBytes: 1024,
    says: 'Sent instead of a body that `content` holds back: push services take an empty one for unimportant.',
  },
  encrypted_body: {
    type: 'text',
    default: 'Encrypted message',
    minBytes: 1,
    maxBytes: 1024,
    says: 'Shown instead of the body of an encrypted message, which is never the message.',
  },
  unread: {
    type: 'choice',
    choices: ['conversation', 'total'],
    default: 'conversation',
    says: 'Which number becomes `message-count` and badge, where the event tells both.',
  },
  iq_wait_ms: {
    type: 'integer',
    unit: 'ms',
    default: 32_000,
    min: 1000,
    max: 120_000,
    says: 'How long a push service that is not ours may take for its answer.',
  },
  deregister_refusals: {
    type: 'integer',
    unit: '',
    default: 3,
    min: 1,
    max: 1000,
    says: 'A registration is removed after so many definite refusals of its push service in a row ...',
  },
  deregister_hours: {
    type: 'integer',
    unit: 'h',
    default: 24,
    min: 0,
    max: 8760,
    says: '... if the first of them is at least so long ago. An outage of the service never removes one.',
  },
  dedupe_seconds: {
    type: 'integer',
    unit: 's',
    default: 86_400,
    min: 0,
    max: 604_800,
    says: 'How long a message that comes again by its id is not pushed again. 0: off. With `[[rabbit]]`: 600 or more.',
  },
} as const;

export const pushGroupsKeys = {
  private: {
    type: 'choice',
    choices: ['always', 'mentioned', 'never'],
    default: 'always',
    says: 'Messages of private rooms, and of rooms of which the event does not say.',
  },
  public: {
    type: 'choice',
    choices: ['always', 'mentioned', 'never'],
    default: 'mentioned',
    says: 'Messages of public rooms.',
  },
  affiliations: {
    type: 'list',
    choices: ['owner', 'admin', 'member', 'none'],
    default: ['owner', 'admin', 'member'],
    itemsMax: 4,
    says: 'Which members of a room are pushed though they are not in it, when an event names its members.',
  },
} as const;

export const pushQuietHoursKeys = {
  from: {
    type: 'text',
    form: 'time-of-day',
    default: '',
    maxBytes: 5,
    example: '22:00',
    says: 'Start of the quiet hours. Empty: none.',
  },
  to: {
    type: 'text',
    form: 'time-of-day',
    default: '',
    maxBytes: 5,
    example: '07:00',
    says: 'End of the quiet hours.',
  },
  time_zone: {
    type: 'text',
    form: 'time-zone',
    default: 'UTC',
    minBytes: 1,
    maxBytes: 64,
    example: 'Europe/Berlin',
    says: 'Time zone of both, by its IANA name.',
  },
  action: {
    type: 'choice',
    choices: ['silence', 'skip'],
    default: 'silence',
    says: 'Messages wake the app without a sound, or are not pushed. Calls always ring.',
  },
} as const;

export const pushRuleKeys = {
  action: {
    type: 'choice',
    choices: ['push', 'skip'],
    required: true,
    example: 'push',
    says: 'What happens to an event for which one of the conditions holds.',
  },
  content: {
    type: 'choice',
    choices: ['message', 'jingle'],
    optional: true,
    says: 'What is pushed: the body, or the call. Needed with `push`, forbidden with `skip`.',
  },
} as const;

/** Each asks one thing of an event; left out, it asks nothing (mongooseim 2.18). */
export const pushConditionKeys = {
  event: {
    type: 'choice',
    choices: ['msg', 'unack_msg'],
    optional: true,
    says: 'A message on its way to a user, or one whose session has not acknowledged it.',
  },
  type: { type: 'choice', choices: ['chat', 'groupchat'], optional: true, says: 'The type of the message.' },
  body: {
    type: 'choice',
    choices: ['absent', 'empty', 'non_empty'],
    optional: true,
    says: 'State of its `<body/>`.',
  },
  hint: {
    type: 'choice',
    choices: ['no_store', 'store'],
    optional: true,
    says: 'The hint it carries (XEP-0334).',
  },
  jingle: { type: 'flag', optional: true, says: 'Whether it is about a call (XEP-0353).' },
  user_status: {
    type: 'choice',
    choices: ['online', 'offline'],
    optional: true,
    says: 'Of the user when the message was routed. Never true of `unack_msg`.',
  },
  client_state: {
    type: 'choice',
    choices: ['active', 'inactive'],
    optional: true,
    says: 'Of the sessions that get the message (XEP-0352). Never true of `unack_msg`, or of an offline user.',
  },
} as const;

export const templateKeys = {
  for: {
    type: 'choice',
    choices: ['message', 'group', 'call', 'invitation'],
    default: 'message',
    says: 'Which notifications it words.',
  },
  app: {
    type: 'text',
    form: 'label',
    default: '',
    maxBytes: 255,
    example: 'net.example.chat',
    says: 'Topic or app it is for. Empty: every one that has no template of its own.',
  },
  language: {
    type: 'text',
    form: 'language',
    default: '',
    maxBytes: 35,
    example: 'de',
    says: 'Language of the client (the field `language` of its publish-options). Empty: every other one.',
  },
  title: {
    type: 'text',
    default: '',
    maxBytes: 1024,
    example: '{sender_name}',
    says: 'May hold {sender}, {sender_name}, {room}, {room_name}, {count} and {app}. Empty: as without a template.',
  },
  body: {
    type: 'text',
    default: '',
    maxBytes: 1024,
    example: '{body}',
    says: 'As `title`, and {body}. What `notifications.content` holds back is empty.',
  },
} as const;
