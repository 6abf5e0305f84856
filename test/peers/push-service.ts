/**
 * A push service that is not ours: another component of the same server, which remembers what is published to it and
 * answers as it is told.
 */
import { systemClock } from '../../src/core/clock.ts';
import { silentLogger } from '../../src/core/log.ts';
import { systemRandom } from '../../src/core/random.ts';
import { ComponentStream } from '../../src/xmpp/component-stream.ts';
import { iqError, iqResult } from '../../src/xmpp/stanza.ts';
import { attribute, childElements, localName, namespaceOf } from '../../src/xmpp/xml.ts';
import { until } from './deadline.ts';
import type { ServerConfig } from '../../config/engine-config.ts';
import type { StanzaError } from '../../src/xmpp/stanza-errors.ts';
import type { XmlElement } from '../../src/xmpp/xml.ts';

/** An element whatever the order of its attributes and the prefixes it came with, as servers write it anew. */
export interface Shape {
  readonly name: string;
  readonly namespace: string;
  readonly attrs: Readonly<Record<string, string>>;
  readonly children: readonly (Shape | string)[];
}

export function shapeOf(element: XmlElement): Shape {
  const attrs = Object.entries(element.attrs).filter(([name]) => name !== 'xmlns' && !name.startsWith('xmlns:'));
  return {
    name: localName(element),
    namespace: namespaceOf(element),
    attrs: Object.fromEntries(attrs.sort(([one], [other]) => (one < other ? -1 : 1))),
    children: element.children.map((child) => (typeof child === 'string' ? child : shapeOf(child))),
  };
}

export class PushService {
  readonly domain: string;
  /** Senders of what was published. */
  readonly publishers: string[] = [];
  /** What was published: the `<pubsub/>` of each. */
  readonly payloads: Shape[] = [];
  /** How publishes are refused; `undefined`: they are taken. */
  refusal: StanzaError | undefined;
  readonly #stream: ComponentStream;

  private constructor(server: ServerConfig) {
    this.domain = server.domain;
    const ignore = (): void => undefined;
    this.#stream = new ComponentStream({
      ...{ server, index: 0, clock: systemClock, random: systemRandom, logger: silentLogger, ca: '' },
      owner: {
        offer: (stream, bytes) => {
          stream.parse(bytes);
          return 'accepted';
        },
        stanza: (_, element) => this.#answer(element),
        online: ignore,
        offline: ignore,
        oversized: ignore,
      },
    });
  }

  static async connect(server: ServerConfig): Promise<PushService> {
    const service = new PushService(server);
    service.#stream.open();
    await until(`${server.domain} is online`, () => (service.#stream.state === 'online' ? true : undefined));
    return service;
  }

  /** Says something that nobody has asked for. */
  say(stanza: string): void {
    this.#stream.send(stanza);
    this.#stream.flush();
  }

  async close(): Promise<void> {
    await this.#stream.close();
  }

  #answer(element: XmlElement): void {
    if (localName(element) !== 'iq' || attribute(element, 'type') !== 'set') return;
    const [id, from, to] = ['id', 'from', 'to'].map((name) => attribute(element, name) ?? '');
    const request = { id: id ?? '', from: from ?? '', to: to ?? '' };
    this.publishers.push(request.from);
    const [payload] = childElements(element);
    if (payload !== undefined) this.payloads.push(shapeOf(payload));
    this.say(this.refusal === undefined ? iqResult(request, '') : iqError(request, this.refusal));
  }
}
