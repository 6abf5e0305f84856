// Thread: main
/**
 * Whether one message event deserves a push, and of which kind: what decide-push.ts says, before any registration is
 * read. What depends on the registration (muted rooms, session slots) is asked afterwards, of each.
 */

/** What the phone is told about. `call-end`: stops the ringing of an earlier call; silent. */
export type PushKind = 'message' | 'group' | 'call' | 'call-end' | 'invitation';

export type PushVerdict =
  | {
      readonly push: true;
      readonly kind: PushKind;
      /** `jingle`: the summary's body says which call event it is (mongooseim 2.18). */
      readonly content: 'message' | 'jingle';
      /**
       * `session`: only the registration in the slot of the session `event.to` (mongooseim 2.13, enhanced). `absent`:
       * only those whose sessions are not online, while another session of the user is (xmpp 7.30, 7.57).
       */
      readonly audience: 'all' | 'session' | 'absent';
      /** Wakes the app without showing anything: quiet hours. */
      readonly isSilent: boolean;
    }
  | { readonly push: false; readonly reason: string };
