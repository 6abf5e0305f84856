// Thread: main
/**
 * A stream without a socket: bytes go in through the router's mailbox and the real parser, answers are counted, so that
 * a benchmark measures the engine from wire text to reply text and no network.
 */
import { StreamParser } from '../src/xmpp/stream-parser.ts';
import type { Router } from '../src/router/router.ts';
import type { RouterStream } from '../src/router/router-stream.ts';
import type { XmlElement } from '../src/xmpp/xml.ts';

const opening =
  "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' " +
  "xmlns:stream='http://etherx.jabber.org/streams' from='push.example.net' id='bench'>";

export class WireStream implements RouterStream {
  readonly state: RouterStream['state'] = 'online';
  readonly lastInboundMs: number = Number.MAX_SAFE_INTEGER;
  readonly #owner: Router;
  readonly #parser: StreamParser;
  readonly #waiting: Uint8Array[] = [];
  #kept: Uint8Array | undefined;
  #results = 0;
  #errors = 0;
  #target = 0;
  #reached: (() => void) | undefined;
  /** Called after each answer. */
  answered: () => void = () => undefined;
  /** Answers as text, when wanted. */
  readonly answers: string[] = [];
  keepAnswers = false;

  constructor(owner: Router, stanzaBytesMax: number) {
    this.#owner = owner;
    this.#parser = new StreamParser(
      { stanzaBytesMax },
      {
        opened: () => undefined,
        stanza: (element: XmlElement) => owner.stanza(this, element),
        oversized: (start: XmlElement) => owner.oversized(this, start),
        closed: () => undefined,
        failed: (condition, reason) => {
          throw new Error(`the bench's stream was refused: ${condition} ${reason}`);
        },
      },
    );
    this.#parser.write(Buffer.from(opening));
  }

  get results(): number {
    return this.#results;
  }

  get errors(): number {
    return this.#errors;
  }

  /** Feeds all chunks as fast as the router takes them; resolves when `answers` more answers have come. */
  feed(chunks: readonly Uint8Array[], answers: number): Promise<void> {
    this.#waiting.push(...chunks);
    this.#target = this.#results + this.#errors + answers;
    const done = new Promise<void>((resolve) => (this.#reached = resolve));
    this.#pump();
    return done;
  }

  open(): void {
    this.#owner.online();
  }

  parse(bytes: Uint8Array): void {
    this.#parser.write(bytes);
  }

  resume(): void {
    this.#pump();
  }

  send(stanza: string): boolean {
    if (stanza.startsWith("<iq type='result'")) this.#results++;
    else this.#errors++;
    if (this.keepAnswers) this.answers.push(stanza);
    if (this.#results + this.#errors >= this.#target) this.#reached?.();
    this.answered();
    return true;
  }

  flush(): void {
    // Nothing is kept back: `send` has counted it.
  }

  recycle(reason: string): void {
    throw new Error(`the bench's stream was recycled: ${reason}`);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #pump(): void {
    for (;;) {
      const next = this.#kept ?? this.#waiting.shift();
      if (next === undefined) return;
      if (this.#owner.offer(this, next) !== 'accepted') {
        this.#kept = next;
        return;
      }
      this.#kept = undefined;
    }
  }
}
