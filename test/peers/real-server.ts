/**
 * What the tests need of a real XMPP server, whichever it is. One virtual host for users, one component domain for us.
 */
export interface RealServer {
  readonly kind: 'ejabberd' | 'prosody';
  /** The users' domain. */
  readonly domain: string;
  readonly clientPort: number;
  readonly componentDomain: string;
  readonly componentPort: number;
  readonly componentSecret: string;
  /** Makes an account whose password is `password`. */
  register(username: string, password: string): Promise<void>;
  /** Resolves when the server knows that this user has no session any more. */
  untilOffline(username: string): Promise<void>;
  /** How many push registrations the server itself keeps for this user (XEP-0357 §5), read from its own store. */
  pushRegistrations(username: string): Promise<number>;
  /** The end of its log, for a failing test's message. */
  tail(): string;
  stop(): Promise<void>;
}

export interface RealServerOptions {
  /** Prosody deletes a registration after this many errors in a row; its own default is 16. */
  readonly pushMaxErrors?: number;
  /** Whether publishes carry the message's body and sender. */
  readonly includeBody?: boolean;
  readonly includeSender?: boolean;
  /** Component domains besides `componentDomain`, with the same secret. */
  readonly moreComponents?: readonly string[];
  /**
   * The server keeps no push registrations of its own: it delegates them to `componentDomain` (XEP-0355), shows it its
   * users' presence and, if it can, lets it publish in their names (XEP-0356).
   */
  readonly delegation?: boolean;
  /** Prosody, with `delegation`: false = we may not publish in its users' names, as on ejabberd before 24.10. */
  readonly speaks?: boolean;
  /** One more module. */
  readonly module?: ServerModule;
}

/** A module of our own for a server, in the language of its modules. */
export interface ServerModule {
  readonly name: string;
  readonly source: string;
  /** Lines of the configuration, as the server writes them. */
  readonly settings: readonly string[];
}

/** Why a suite of a real server cannot run here, `false` when it can. Set MEERKAT_REQUIRE_SERVERS=1 to fail instead. */
export function absence(server: string, programs: readonly (string | undefined)[]): false | string {
  if (programs.every((path) => path !== undefined)) return false;
  const packages =
    'ejabberd prosody prosody-modules postgresql mariadb-server rabbitmq-server nghttp2-server nginx-light';
  const reason = `${server} is not installed here (Debian: apt-get install --no-install-recommends ${packages})`;
  if (process.env['MEERKAT_REQUIRE_SERVERS'] === '1') throw new Error(`MEERKAT_REQUIRE_SERVERS=1, but ${reason}`);
  console.error(`\n*** NOT TESTED: ${reason}\n`);
  return reason;
}
