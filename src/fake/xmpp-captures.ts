// Thread: any
/**
 * Plays what real servers once sent to a component again, segment by segment. The stream header and the handshake are
 * the fake's own: a captured proof belongs to a captured stream id and secret.
 */
import { readFileSync } from 'node:fs';
import { attributeOf, elementName, StanzaScanner } from './stanza-scanner.ts';
import type { FakeAnswer, FakeXmppServer } from './xmpp-server.ts';
import type { ServerProfile } from './xmpp-stream.ts';

export interface CapturedSegment {
  /** `in`: what the component received. */
  readonly dir: 'in' | 'out';
  readonly data: string;
}

export interface CapturedScenario {
  /** The script's log: `push_ejabberd.log`. */
  readonly file: string;
  readonly server: ServerProfile;
  /** `''` for the opening of the log. */
  readonly scenario: string;
  readonly stream: string;
  readonly segments: readonly CapturedSegment[];
}

/** One scenario for each stream of it, in the order of the file. Throws on a line that is no capture. */
export function loadCaptures(path: string): CapturedScenario[] {
  const scenarios = new Map<string, CapturedScenario & { readonly segments: CapturedSegment[] }>();
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    if (line === '') continue;
    const { file, server, scenario, stream, dir, data } = captureLine(JSON.parse(line));
    const key = JSON.stringify([file, scenario, stream]);
    const known = scenarios.get(key) ?? { file, server, scenario, stream, segments: [] };
    known.segments.push({ dir, data });
    scenarios.set(key, known);
  }
  return [...scenarios.values()];
}

/** What the logs write where the connection ended. */
const endOfFile = '[TCP EOF]';
const opening = /^(?:<\?xml[^>]*\?>)?\s*(?:<stream:stream[^>]*>)?\s*(?:<handshake\s*\/>|<handshake><\/handshake>)?/;

/** The inbound segments without what the fake says itself. */
export function inboundOf(scenario: CapturedScenario): string[] {
  const segments: string[] = [];
  for (const { dir, data } of scenario.segments) {
    if (dir === 'out' || data === endOfFile) continue;
    const rest = data.replace(opening, '');
    if (rest !== '') segments.push(rest);
  }
  return segments;
}

/** The domain the scenario's component had; `''` if nothing says it. */
export function componentOf(scenario: CapturedScenario): string {
  for (const { dir, data } of scenario.segments) {
    const header = dir === 'out' ? /<stream:stream[^>]* to='([^']*)'/.exec(data) : null;
    if (header !== null) return header[1] ?? '';
  }
  const [first] = inboundOf(scenario);
  const to = first === undefined ? undefined : attributeOf(first, 'to');
  return to === undefined ? '' : to.replace(/^[^@/]*@/, '').replace(/\/.*$/, '');
}

export interface ReplayedQuestion {
  readonly id: string;
  readonly stanza: string;
  readonly answer: FakeAnswer;
}

/**
 * Sends the inbound side to an online component.
 * @returns the get and set IQs of it, each with its answer.
 */
export async function replayCapture(
  server: FakeXmppServer,
  scenario: CapturedScenario,
  answerMs: number,
): Promise<ReplayedQuestion[]> {
  const scanner = new StanzaScanner();
  const questions: Promise<ReplayedQuestion>[] = [];
  for (const segment of inboundOf(scenario)) {
    scanner.write(Buffer.from(segment), (scanned) => {
      if (scanned.kind !== 'element' || !isQuestion(scanned.text)) return true;
      const id = attributeOf(scanned.text, 'id') ?? '';
      const stanza = scanned.text;
      questions.push(server.answerTo(id, answerMs).then((answer) => ({ id, stanza, answer })));
      return true;
    });
    server.send(segment);
  }
  return Promise.all(questions);
}

function isQuestion(stanza: string): boolean {
  if (elementName(stanza) !== 'iq') return false;
  const type = attributeOf(stanza, 'type');
  return type === 'get' || type === 'set';
}

function captureLine(line: unknown): CapturedSegment & Omit<CapturedScenario, 'segments'> {
  const text = (name: string): string => {
    const value: unknown = typeof line === 'object' && line !== null ? Reflect.get(line, name) : undefined;
    if (typeof value !== 'string') throw new TypeError(`not a capture: "${name}" is missing`);
    return value;
  };
  return {
    file: text('file'),
    server: text('server') === 'prosody' ? 'prosody' : 'ejabberd',
    scenario: text('scenario'),
    stream: text('stream'),
    dir: text('dir') === 'in' ? 'in' : 'out',
    data: text('data'),
  };
}
