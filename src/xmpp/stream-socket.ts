// Thread: main
/**
 * One TCP or TLS connection of a component stream: connects within its time, counts what is unsent, pauses and resumes,
 * and says its events to one listener until it is retired. A retired socket is silent, so that nothing of an old
 * connection reaches a new one (xmpp 1.7, 1.18, 1.21, 1.55).
 */
import { connect as connectPlain, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';
import type { ServerConfig } from '../../config/engine-config.ts';
import type { Cancel, Clock } from '../core/clock.ts';
import { limits } from '../core/limits.ts';

export interface StreamSocketEvents {
  /** Connected, and with TLS verified. */
  connected(): void;
  chunk(bytes: Uint8Array): void;
  /** The peer took what was unsent: writing may go on. */
  drained(): void;
  /** Once, unless retired before. `untrusted`: TLS did not accept the peer's certificate. */
  ended(reason: string, untrusted: boolean): void;
}

export interface StreamSocketOptions {
  readonly server: ServerConfig;
  /** PEM of the authorities; `''` = the system's. */
  readonly ca: string;
  readonly clock: Clock;
  readonly events: StreamSocketEvents;
}

export class StreamSocket {
  readonly #socket: Socket;
  readonly #clock: Clock;
  #events: StreamSocketEvents | null;
  #cancelTimer: Cancel;
  #cancelStall: Cancel | null = null;

  constructor(options: StreamSocketOptions) {
    this.#clock = options.clock;
    this.#events = options.events;
    const socket = openSocket(options.server, options.ca);
    this.#socket = socket;
    this.#cancelTimer = options.clock.after(limits.connectMs, () => this.#end('connect timeout', false));
    const tls = socket instanceof TLSSocket;
    socket.once(tls ? 'secureConnect' : 'connect', () => this.#connected());
    socket.on('data', (bytes: Uint8Array) => this.#events?.chunk(bytes));
    socket.on('drain', () => this.#drained());
    socket.on('error', (error: Error & { readonly code?: string }) => {
      this.#end(error.code ?? error.message, tls && Boolean(socket.authorizationError));
    });
    socket.on('end', () => this.#end('connection closed by the server', false));
    socket.on('close', () => {
      this.#end('connection closed', false);
      this.#stopTimers();
    });
  }

  /** Bytes given to `write` that have not left the process. */
  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  get congested(): boolean {
    return this.#cancelStall !== null;
  }

  /** One system call if the peer keeps up; afterwards `congested` says whether it does. */
  write(text: string): void {
    if (this.#socket.write(text) || this.#cancelStall !== null) return;
    this.#cancelStall = this.#clock.after(limits.outputStalledMs, () => {
      this.#end('the server has stopped reading', false);
    });
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** No event after this call. Sends `farewell` if there is one, and lets go of the connection within `closeMs`. */
  retire(farewell: string): void {
    this.#events = null;
    this.#stopTimers();
    if (farewell === '' || this.#socket.connecting || !this.#socket.writable) {
      this.#socket.destroy();
      return;
    }
    this.#cancelTimer = this.#clock.after(limits.closeMs, () => this.#socket.destroy());
    this.#socket.end(farewell);
    this.#socket.resume(); // unread input would keep the connection from closing
  }

  #connected(): void {
    this.#cancelTimer();
    // Set here and not in the options: TLS sockets ignore those.
    this.#socket.setNoDelay(true);
    this.#socket.setKeepAlive(true, limits.socketKeepaliveMs);
    this.#events?.connected();
  }

  #drained(): void {
    this.#cancelStall?.();
    this.#cancelStall = null;
    this.#events?.drained();
  }

  #end(reason: string, untrusted: boolean): void {
    const events = this.#events;
    this.#events = null;
    events?.ended(reason, untrusted);
  }

  #stopTimers(): void {
    this.#cancelTimer();
    this.#cancelStall?.();
    this.#cancelStall = null;
  }
}

function openSocket(server: ServerConfig, ca: string): Socket {
  // The name is resolved anew by every call; all its addresses are tried (RFC 8305).
  const target = {
    host: server.host,
    port: server.port,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: limits.addressMs,
  };
  if (server.tls.mode === 'off') return connectPlain(target);
  const name = server.tls.servername === '' ? server.host : server.tls.servername;
  return connectTls({
    ...target,
    minVersion: 'TLSv1.2',
    // Said, because NODE_TLS_REJECT_UNAUTHORIZED in the environment is the default.
    rejectUnauthorized: true,
    ...(isIP(name) === 0 ? { servername: name } : {}), // an address is no server name (RFC 6066 §3)
    ...(ca === '' ? {} : { ca }),
  });
}
