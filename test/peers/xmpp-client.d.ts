/** What we use of @xmpp/client, which ships no types: a client that connects, binds, asks and says. */
declare module '@xmpp/client' {
  export interface ClientElement {
    readonly name: string;
    readonly attrs: Readonly<Record<string, string>>;
    getChild(name: string, xmlns?: string): ClientElement | undefined;
    getChildren(name: string, xmlns?: string): ClientElement[];
    getChildElements(): ClientElement[];
    getChildText(name: string, xmlns?: string): string | null;
    toString(): string;
  }

  type Authenticate = (credentials: { username: string; password: string }, mechanism: string) => Promise<void>;

  export interface Client {
    readonly jid: { toString(): string; bare(): { toString(): string } } | null;
    readonly status: string;
    readonly streamManagement: { readonly enabled: boolean };
    readonly reconnect: { stop(): void };
    readonly socket: { destroy(): void; pause(): unknown } | null;
    readonly iqCaller: { request(stanza: ClientElement, timeoutMs?: number): Promise<ClientElement> };
    on(event: 'error', listener: (error: Error) => void): this;
    on(event: 'stanza', listener: (stanza: ClientElement) => void): this;
    once(event: 'disconnect', listener: () => void): this;
    start(): Promise<unknown>;
    stop(): Promise<unknown>;
    send(stanza: ClientElement): Promise<void>;
  }

  export function client(options: {
    readonly service: string;
    readonly domain: string;
    readonly resource: string;
    readonly timeout: number;
    readonly credentials: (authenticate: Authenticate) => Promise<void>;
  }): Client;

  export function xml(
    name: string,
    attributes: Readonly<Record<string, string | undefined>>,
    ...children: readonly (ClientElement | string | readonly ClientElement[])[]
  ): ClientElement;
}
