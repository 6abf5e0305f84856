// Thread: any
/**
 * One component stream as ejabberd or Prosody sees it: header, handshake, and the faults for which each of them closes
 * (xmpp 1.2 to 1.14, captured behaviour). Misbehaves on demand: splits its output anywhere, stops reading, vanishes.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../core/clock.ts';
import { newNotificationId } from '../core/random.ts';
import type { Random } from '../core/random.ts';
import { handshakeOf } from '../xmpp/handshake.ts';
import { ns } from '../xmpp/namespaces.ts';
import { escapeXml, iqError } from '../xmpp/stanza.ts';
import { stanzaErrors } from '../xmpp/stanza-errors.ts';
import type { StanzaError } from '../xmpp/stanza-errors.ts';
import { attributeOf, elementName, StanzaScanner } from './stanza-scanner.ts';
import type { Scanned } from './stanza-scanner.ts';

export type ServerProfile = 'ejabberd' | 'prosody';

/** What tests change between two connections. */
export interface FakeBehaviour {
  /** False: accepts the connection and says nothing. */
  header: boolean;
  /** False: takes the handshake and says nothing. */
  acknowledge: boolean;
  /** The stream id to give; null = one in the server's own format. */
  streamId: string | null;
  /** Sent in the segment of `<handshake/>`. */
  withHandshake: string;
  /** Cuts all output into pieces of 1 to this many bytes, one in each turn; 0 = off. */
  pieceBytesMax: number;
}

export interface FakeStreamHost {
  readonly profile: ServerProfile;
  /** The server's own domain. */
  readonly domain: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly behaviour: FakeBehaviour;
  secretOf(domain: string): string | undefined;
  /** The handshake was right. A conflict is answered with its text. */
  admit(stream: FakeXmppStream): { readonly conflict: string };
  element(stream: FakeXmppStream, text: string): void;
  /** The header has come. */
  greeted(stream: FakeXmppStream): void;
  gone(stream: FakeXmppStream): void;
}

export class FakeXmppStream {
  readonly #host: FakeStreamHost;
  readonly #socket: Socket;
  readonly #scanner = new StanzaScanner();
  readonly #pieces: Buffer[] = [];
  #phase: 'header' | 'handshake' | 'online' | 'over' = 'header';
  #secret: string | undefined;
  #id = '';
  #domain = '';
  #header = '';
  #deaf = false;

  constructor(host: FakeStreamHost, socket: Socket) {
    this.#host = host;
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes: Uint8Array) => this.#read(bytes));
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => {
      this.#phase = 'over';
      host.gone(this);
    });
  }

  /** The component's domain. */
  get domain(): string {
    return this.#domain;
  }

  /** The header tag as it came. */
  get header(): string {
    return this.#header;
  }

  get online(): boolean {
    return this.#phase === 'online';
  }

  /** False: the component does not read fast enough; write later. */
  get writable(): boolean {
    return !this.#socket.writableNeedDrain;
  }

  write(text: string): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    if (this.#host.behaviour.pieceBytesMax === 0 && this.#pieces.length === 0) {
      this.#socket.write(text);
      return;
    }
    const idle = this.#pieces.length === 0;
    this.#cut(Buffer.from(text));
    if (idle) this.#writePieces();
  }

  /** Ends the stream with an error, like the real ones: ejabberd closes in a second segment. */
  streamError(condition: string, text = ''): void {
    const explanation = text === '' ? '' : `<text xmlns='${ns.streamErrors}'>${escapeXml(text)}</text>`;
    const error = `<stream:error><${condition} xmlns='${ns.streamErrors}'/>${explanation}</stream:error>`;
    if (this.#host.profile === 'ejabberd') {
      this.write(error);
      this.write('</stream:stream>');
    } else {
      this.write(`${error}</stream:stream>`);
    }
    this.#over();
  }

  /** Closes without warning: FIN, or RST with `reset`. */
  vanish(reset = false): void {
    this.#phase = 'over';
    if (reset) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  /** A half-open connection: from now on nothing is read, answered or closed. */
  playDead(): void {
    this.#deaf = true;
  }

  stopReading(): void {
    this.#socket.pause();
  }

  startReading(): void {
    this.#socket.resume();
  }

  #cut(bytes: Buffer): void {
    const most = Math.max(1, this.#host.behaviour.pieceBytesMax);
    for (let at = 0; at < bytes.length;) {
      const end = at + 1 + Math.floor(this.#host.random.unit() * most);
      this.#pieces.push(bytes.subarray(at, end));
      at = end;
    }
  }

  #writePieces(): void {
    const piece = this.#pieces[0];
    if (piece === undefined || this.#socket.destroyed) return;
    this.#socket.write(piece);
    this.#host.clock.soon(() => {
      this.#pieces.shift();
      if (this.#pieces.length > 0) this.#writePieces();
      else if (this.#phase === 'over') this.#socket.end();
    });
  }

  #over(): void {
    this.#phase = 'over';
    if (this.#pieces.length === 0) this.#socket.end();
  }

  #read(bytes: Uint8Array): void {
    if (this.#deaf || this.#phase === 'over') return;
    if (this.#phase === 'header') {
      const tag = this.#scanner.header(bytes);
      if (tag === null) return;
      this.#header = tag;
      this.#host.greeted(this);
      if (!this.#host.behaviour.header) return;
      this.#greet(tag);
      bytes = new Uint8Array(0);
    }
    this.#scanner.write(bytes, (scanned) => this.#scanned(scanned));
  }

  #greet(tag: string): void {
    const { profile, behaviour, random } = this.#host;
    this.#domain = attributeOf(tag, 'to') ?? '';
    this.#secret = this.#host.secretOf(this.#domain);
    this.#id = behaviour.streamId ?? (profile === 'ejabberd' ? decimalId(random) : newNotificationId(random));
    this.#phase = 'handshake';
    const wrong = this.#headerFault(tag);
    const open = `<?xml version='1.0'?><stream:stream`;
    const id = escapeXml(this.#id);
    const from = escapeXml(this.#domain);
    const spaces = `xmlns='${ns.component}' xmlns:stream='${ns.stream}'`;
    if (profile === 'ejabberd') {
      this.write(
        `${open} id='${id}' xml:lang='en' xmlns:stream='${ns.stream}' from='${from}' xmlns='${ns.component}'>`,
      );
    } else if (wrong === null) {
      this.write(`${open} from='${from}' xml:lang='en' ${spaces} id='${id}'>`);
    } else {
      // One segment, and no id: xmpp 1.6.
      const error = `<stream:error><${wrong.condition} xmlns='${ns.streamErrors}'/></stream:error></stream:stream>`;
      this.write(`${open} version='1.0' ${spaces} id=''>${error}`);
      this.#over();
      return;
    }
    if (wrong !== null) this.streamError(wrong.condition, wrong.text);
  }

  #headerFault(tag: string): { readonly condition: string; readonly text: string } | null {
    const ejabberd = this.#host.profile === 'ejabberd';
    if (attributeOf(tag, 'to') === undefined) return { condition: 'improper-addressing', text: '' };
    if (ejabberd && attributeOf(tag, 'xmlns') !== ns.component) return { condition: 'invalid-namespace', text: '' };
    if (ejabberd && this.#domain === this.#host.domain) {
      return { condition: 'conflict', text: 'Unable to register route on existing local domain' };
    }
    if (!ejabberd && this.#secret === undefined) return { condition: 'host-unknown', text: '' };
    return null;
  }

  /** Answers whether to go on with what came in the same chunk. */
  #scanned(scanned: Scanned): boolean {
    const ejabberd = this.#host.profile === 'ejabberd';
    switch (scanned.kind) {
      case 'element':
        if (this.#phase === 'handshake') this.#beforeOnline(scanned.text);
        else this.#stanza(scanned.text);
        break;
      case 'aside':
        if (!ejabberd) this.streamError('not-well-formed');
        break;
      case 'end':
        this.write('</stream:stream>');
        this.#over();
        break;
      case 'malformed':
        this.streamError('not-well-formed');
        break;
      case 'too-big':
        this.streamError(ejabberd ? 'policy-violation' : 'not-well-formed');
        break;
    }
    return this.#phase === 'handshake' || this.#phase === 'online';
  }

  #beforeOnline(element: string): void {
    const ejabberd = this.#host.profile === 'ejabberd';
    if (elementName(element) !== 'handshake') {
      // xmpp 1.4: one closes, the other answers and waits
      if (ejabberd) this.streamError('not-authorized');
      else this.#answerError(element, stanzaErrors.serviceUnavailable);
      return;
    }
    const proof = element.slice(element.indexOf('>') + 1, element.lastIndexOf('<'));
    const right = this.#secret === undefined ? '' : handshakeOf(this.#id, this.#secret);
    if (right === '' || (ejabberd ? proof : proof.toLowerCase()) !== right) {
      this.streamError('not-authorized');
      return;
    }
    const { conflict } = this.#host.admit(this);
    if (conflict !== '') {
      this.streamError('conflict', conflict);
      return;
    }
    if (!this.#host.behaviour.acknowledge) return;
    this.#phase = 'online';
    this.write(`<handshake/>${this.#host.behaviour.withHandshake}`);
  }

  #stanza(element: string): void {
    const ejabberd = this.#host.profile === 'ejabberd';
    const name = elementName(element);
    if (name === 'stream:error') {
      this.#host.element(this, element);
      return;
    }
    if (name !== 'iq' && name !== 'message' && name !== 'presence') {
      if (!ejabberd) this.streamError('unsupported-stanza-type');
      return;
    }
    const from = attributeOf(element, 'from');
    const to = attributeOf(element, 'to');
    if (from === undefined && ejabberd) this.streamError('improper-addressing');
    else if (from !== undefined && domainOf(from) !== this.#domain) this.streamError('invalid-from');
    else if (to === undefined && ejabberd) this.streamError('improper-addressing');
    else if (to === undefined) this.#answerError(element, stanzaErrors.badRequest);
    else if (to.startsWith('@')) {
      this.#answerError(element, ejabberd ? stanzaErrors.badRequest : stanzaErrors.jidMalformed);
    } else this.#host.element(this, element);
  }

  #answerError(element: string, error: StanzaError): void {
    const to = attributeOf(element, 'to') ?? this.#host.domain;
    const answer = iqError({ id: attributeOf(element, 'id') ?? '', to, from: this.#domain }, error);
    // The text begins with `<iq` and ends with `</iq>`; errors to other stanzas differ in the name alone.
    const name = elementName(element);
    this.write(name === 'iq' ? answer : `<${name}${answer.slice(3, -5)}</${name}>`);
  }
}

function domainOf(jid: string): string {
  const slash = jid.indexOf('/');
  const bare = slash === -1 ? jid : jid.slice(0, slash);
  return bare.slice(bare.indexOf('@') + 1);
}

/** ejabberd's stream ids: up to 20 decimal digits. */
function decimalId(random: Random): string {
  return random.bytes(8).readBigUInt64BE().toString();
}
