/** What the tests need of a real database server, whichever it is. Its data is in a scratch folder. */
export interface SqlServer {
  readonly dialect: 'postgres' | 'mysql';
  readonly port: number;
  /** A database of its own, empty; resolves to its URL. */
  createDatabase(collation?: string): Promise<string>;
  /** Killed as by a power cut; the data stays. */
  kill(): Promise<void>;
  /** Resolves when it answers again. */
  restart(): Promise<void>;
  /** Holds the connection open and answers nothing. */
  freeze(): Promise<void>;
  thaw(): void;
  /** The end of its log, for a failing test's message. */
  tail(): string;
  stop(): Promise<void>;
}

export interface SqlServerOptions {
  /** PEM files; the server then demands nothing and offers TLS. */
  readonly tls?: { readonly certificatePem: string; readonly keyPem: string };
}
