// Thread: worker
/**
 * The TLS socket under a connection to a gateway: ALPN `h2`, the certificate checked for the configured name, a fresh
 * DNS question and every address of the answer (RFC 8305), sessions resumed. What is read lies in one buffer for the
 * life of the socket.
 */
import { checkServerIdentity, connect, createSecureContext } from 'node:tls';
import { limits } from '../../core/limits.ts';
import { notHttp2, reasonOfError } from '../connection-error.ts';
import { gatewayName, serverNameOf } from '../gateway-address.ts';
import type { OnReadOpts, TcpNetConnectOpts } from 'node:net';
import type { ConnectionOptions, SecureContext, TLSSocket } from 'node:tls';
import type { Cancel } from '../../core/clock.ts';
import type { GatewaySessionOptions } from '../gateway-session.ts';
import type { ByteWire } from './byte-wire.ts';

export interface WireOwner {
  /** TLS is up, and the peer speaks HTTP/2. */
  opened(): void;
  received(bytes: Buffer): void;
  /** Once, last. */
  closed(reason: string): void;
}

/** For all connections of one pool: what is read once, and the session that the next connection resumes. */
export class TlsTarget {
  readonly options: GatewaySessionOptions;
  #context: SecureContext | undefined;
  session: Buffer | undefined;

  constructor(options: GatewaySessionOptions) {
    this.options = options;
  }

  /** The certificate must carry it; also sent as SNI and `:authority`. */
  get name(): string {
    return gatewayName(this.options);
  }

  /** Throws for a certificate or key that cannot be read. */
  get context(): SecureContext {
    const { ca, certificatePem, keyPem } = this.options;
    this.#context ??= createSecureContext({
      minVersion: 'TLSv1.2',
      ...(ca === '' ? {} : { ca }),
      ...(certificatePem === '' ? {} : { cert: certificatePem, key: keyPem }),
    });
    return this.#context;
  }
}

// One TLS record: more is never read at once.
const readBytes = 16_384;

export class TlsWire implements ByteWire {
  readonly #target: TlsTarget;
  #socket: TLSSocket | undefined;
  #reason = '';
  #cancelEnd: Cancel = () => undefined;

  constructor(target: TlsTarget) {
    this.#target = target;
  }

  /** Starts connecting; whatever becomes of it is told from a later turn. */
  open(owner: WireOwner): void {
    const { clock } = this.#target.options;
    let socket: TLSSocket;
    try {
      socket = this.#connect(owner);
    } catch (error) {
      // A certificate or a key that cannot be read.
      clock.soon(() => owner.closed(reasonOfError(error)));
      return;
    }
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('session', (session: Buffer) => (this.#target.session = session));
    socket.on('error', (error) => this.#blame(reasonOfError(error)));
    socket.once('secureConnect', () => {
      if (socket.alpnProtocol === 'h2') {
        owner.opened();
        return;
      }
      this.#blame(notHttp2);
      socket.destroy();
    });
    socket.once('close', () => {
      this.#cancelEnd();
      owner.closed(this.#reason === '' ? 'connection closed' : this.#reason);
    });
  }

  write(bytes: Uint8Array, written: () => void): void {
    this.#socket?.write(bytes, () => written());
  }

  end(): void {
    this.#socket?.end();
    this.#cancelEnd = this.#target.options.clock.after(limits.closeMs, () => this.destroy(), false);
  }

  destroy(): void {
    this.#socket?.destroy();
  }

  #connect(owner: WireOwner): TLSSocket {
    const { name, context, session, options } = this.#target;
    // @types/node 20 does not know `onread` of TLS, which Node.js has had since 12.10.
    const connecting: ConnectionOptions & TcpNetConnectOpts & { readonly onread: OnReadOpts } = {
      host: options.host,
      port: options.port,
      servername: serverNameOf(name),
      // Said, because NODE_TLS_REJECT_UNAUTHORIZED in the environment is the default.
      rejectUnauthorized: true,
      checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
      secureContext: context,
      ALPNProtocols: ['h2'],
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: limits.addressMs,
      ...(session === undefined ? {} : { session }),
      onread: {
        buffer: Buffer.allocUnsafeSlow(readBytes),
        callback: (count, bytes) => {
          owner.received(Buffer.from(bytes.buffer, bytes.byteOffset, count));
          return true;
        },
      },
    };
    return connect(connecting);
  }

  #blame(reason: string): void {
    if (this.#reason === '') this.#reason = reason;
  }
}
