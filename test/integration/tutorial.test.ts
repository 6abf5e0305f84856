/** Everything in docs/push-tutorial.md that a machine can read is run, in the order of the page. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { importMongooseIM } from '../../config/mongooseim/import-config.ts';
import { skips } from '../../src/event/verdicts.ts';
import { freePorts } from '../peers/server-process.ts';
import { projectRoot } from '../tidy/tree.ts';
import { assertCommands, assertMessages, wordsOf } from './docs-page.ts';
import { blocks, blocksNamed, firstCells, mistakesOf, page, withoutGaps } from './tutorial-page.ts';
import { configOf, httpToken, stamped, tutorialWorld } from './tutorial-world.ts';
import type { TestContext } from 'node:test';
import type { EventResult, MessageInput } from '../../src/index.ts';
import type { Block } from './docs-page.ts';
import type { TutorialWorld } from './tutorial-world.ts';

const deadline = { timeout: 60_000 };

const server = `
[[servers]]
name = "ejabberd"
domain = "push.example.net"
secret = "long-random"
delegated_domains = ["example.com"]
`;
const provider = `
[[providers]]
name = "trial"
kind = "blackhole"
`;

/** With what it has to be added to. */
function whole(part: string): string {
  return `${server}${part.includes('[[providers]]') ? '' : provider}\n${part}`;
}

describe('the tutorial', () => {
  for (const { info, text, line } of blocksNamed('toml', 'toml served', 'toml part')) {
    it(`line ${line}: the configuration has no problem`, () => {
      configOf(info === 'toml part' ? whole(text) : text);
    });
  }

  for (const { text, line } of blocksNamed('toml mongooseim')) {
    it(`line ${line}: MongooseIM's configuration can be read and translated`, () => {
      const imported = importMongooseIM(text, 'mongooseim.toml');
      assert.ok(imported.ok);
      configOf(imported.value.text);
      assert.ok(imported.value.findings.some(({ became }) => became === 'translated'));
      // Said of options that are not where MongooseIM looks for them.
      assert.ok(imported.value.findings.every(({ note }) => !note.startsWith('not an option')));
    });
  }

  it('every stanza and every request gets the answer that is printed below it', deadline, async (t) => {
    await runInOrder(t);
  });

  it('every command line is one of ours, with options that it has', deadline, async (t) => {
    const count = await assertCommands(t, page);
    assert.ok(count >= 7, String(count));
  });

  for (const shown of shownBlocks()) {
    it(`line ${shown.line}: phones show what is printed`, deadline, (t) => assertShown(t, shown));
  }

  it('every reason to skip has its row', () => {
    const rows = firstCells();
    const reasons = [...Object.values(skips).map(({ reason }) => reason), ...reasonsInSource()];
    assert.ok(reasons.length > Object.keys(skips).length + 10);
    assert.deepEqual(
      reasons.filter((reason) => !rows.has(reason)),
      [],
    );
  });

  it('every message of the log that is told of is written by the source', () => {
    const [, section = ''] = /^### 4\. Does the publish([\s\S]*?)^### 5/m.exec(page) ?? [];
    assert.ok(assertMessages(section) >= 10);
  });

  it('there are two diagrams', () => {
    const kinds = blocksNamed('mermaid').map(({ text }) => text.split('\n', 1)[0]);
    assert.deepEqual(kinds, ['sequenceDiagram', 'flowchart LR']);
  });
});

async function runInOrder(t: TestContext): Promise<void> {
  const [served] = blocksNamed('toml served');
  assert.ok(served);
  const [port = 0] = await freePorts(1);
  const world = await tutorialWorld(t, served.text, { MEERKAT_HTTP__PORT: String(port) });
  // What capitals stand for; answers add to it.
  const words = new Map([
    ['APNS-TOKEN', '5c1f'.repeat(16)],
    ['FCM-TOKEN', 'fcm:APA91bHun4MxP5egoKMwt2KZFBaFUH-1RYqx'],
  ]);
  const counts = { stanzas: 0, requests: 0, mistakes: 0 };
  let answer: string | undefined;
  for (const block of blocks) {
    const place = `line ${block.line}`;
    if (block.info === 'xml client') {
      assert.equal(answer, undefined, `${place}: nothing is printed below what came before`);
      answer = await asked(world, withWords(withoutGaps(block.text), words));
      counts.stanzas++;
    } else if (block.info === 'xml mistakes') {
      counts.mistakes += await assertMistakes(world, block, words);
    } else if (block.info === 'sh' && block.text.includes('curl ')) {
      assert.equal(answer, undefined, `${place}: nothing is printed below what came before`);
      answer = await requested(withWords(block.text, words), port);
      counts.requests++;
    } else if (block.info.endsWith(' answer')) {
      assert.ok(answer !== undefined, `${place}: answers nothing`);
      if (block.info === 'json answer') assert.deepEqual(JSON.parse(answer), JSON.parse(block.text), place);
      else assertAlike(answer, withoutGaps(block.text), words, place);
      answer = undefined;
    }
  }
  assert.deepEqual(counts, { stanzas: 7, requests: 9, mistakes: 23 });
}

/** A server that cannot delegate hands the same over as text: it must be answered the same. */
async function asked(world: TutorialWorld, stanza: string): Promise<string> {
  const answer = await world.ask(stanza);
  if (stanza.includes('urn:xmpp:push:0')) assert.equal(await world.engine.push.pushIQ(stamped(stanza)), answer);
  return answer;
}

async function assertMistakes(world: TutorialWorld, block: Block, words: ReadonlyMap<string, string>): Promise<number> {
  const mistakes = mistakesOf(block);
  for (const { xml, answer, line } of mistakes) {
    const element = withWords(xml, words);
    const to = /^<(?:command|pubsub)\b/.test(element) ? " to='push.example.net'" : '';
    const error = await asked(
      world,
      element.startsWith('<iq') ? element : `<iq type='set' id='m'${to}>${element}</iq>`,
    );
    assert.equal(errorText(error), answer, `line ${line}: ${error}`);
  }
  return mistakes.length;
}

/** `type/condition`, `type/condition application-condition`, or `type/condition: text`. */
function errorText(stanza: string): string {
  const [, type, condition, detail = ''] =
    /<error type='(\w+)'><([\w-]+) xmlns='[^']*'\/>(.*)<\/error>/.exec(stanza) ?? [];
  const text = /<text [^>]*>(.*?)<\/text>/.exec(detail)?.[1];
  const application = /^<([\w-]+)/.exec(detail)?.[1];
  if (text !== undefined) return `${type}/${condition}: ${unescaped(text)}`;
  return application === undefined ? `${type}/${condition}` : `${type}/${condition} ${application}`;
}

function unescaped(xml: string): string {
  return xml.replaceAll('&apos;', "'").replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}

const unknownWords = /\b(?:NODE|SECRET|SESSION)\b/g;

function withWords(text: string, words: ReadonlyMap<string, string>): string {
  let filled = text;
  for (const [word, value] of words) filled = filled.replaceAll(new RegExp(`\\b${word}\\b`, 'g'), value);
  return filled;
}

/** Words that are not known yet are taken from the answer. A session is never known: each command has its own. */
function assertAlike(answer: string, printed: string, words: Map<string, string>, place: string): void {
  const wanted = withWords(printed, words);
  const names = [...wanted.matchAll(unknownWords)].map(([name]) => name);
  const pattern = wanted.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(unknownWords, "([^<>']+)");
  const match = new RegExp(`^${pattern}$`).exec(unescaped(answer));
  if (match === null) assert.equal(unescaped(answer), wanted, place);
  names.forEach((name, index) => {
    if (name !== 'SESSION') words.set(name, match?.[index + 1] ?? '');
  });
}

/** What `curl` prints. */
async function requested(script: string, port: number): Promise<string> {
  const words = wordsOf(script.slice(script.indexOf('curl ')), { TOKEN: httpToken });
  let [url, method, format] = ['', 'GET', ''];
  const headers = new Headers();
  const data: string[] = [];
  for (let at = 1; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word.startsWith('http')) url = word.replace(':5290/', `:${port}/`);
    else if (word !== '-sS') {
      const value = words[++at] ?? '';
      if (word === '-H') headers.append(value.slice(0, value.indexOf(':')), value.slice(value.indexOf(':') + 1).trim());
      else if (word === '-X') method = value;
      else if (word === '-w') format = value;
      else if (word === '-d') data.push(value);
      else assert.fail(`curl ${word}`);
    }
  }
  if (data.length > 0) {
    method = 'POST';
    if (!headers.has('content-type')) headers.set('content-type', 'application/x-www-form-urlencoded');
  }
  const response = await fetch(url, { method, headers, ...(data.length > 0 ? { body: data.join('&') } : {}) });
  const body = await response.text();
  return format === '' ? body : body + format.replace('%{http_code}\\n', String(response.status));
}

interface Shown {
  /** Of the part of the configuration above it, `''` if there is none. */
  readonly toml: string;
  readonly plugin: string;
  readonly lines: readonly string[];
  readonly line: number;
}

function shownBlocks(): readonly Shown[] {
  return blocks.flatMap((block, index) => {
    if (block.info !== 'text shown') return [];
    const [before, above] = [blocks[index - 2], blocks[index - 1]];
    const toml = above?.info === 'toml part' ? above.text : '';
    const plugin = before?.info === 'js plugin' ? before.text : '';
    return [{ toml, plugin, lines: block.text.split('\n'), line: block.line }];
  });
}

const events: Readonly<Record<string, MessageInput>> = {
  message: { from: 'boris@example.org/desk', to: 'anna@example.com', type: 'chat', body: 'Hello' },
  group: {
    ...{ from: 'garden@muc.example.com/Boris', to: 'anna@example.com', type: 'groupchat', body: 'Dinner?' },
    ...{ roomKind: 'private', nick: 'Anna' },
  },
};

async function assertShown(t: TestContext, { toml, plugin, lines }: Shown): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'meerkat-tutorial-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'my-rules.mjs'), plugin);
  const text = toml.replace('./my-rules.mjs', join(folder, 'my-rules.mjs'));
  const { engine, sent } = await tutorialWorld(t, whole(text));
  const owner = 'anna@example.com';
  const options = { service: 'fcm', device_id: 'fcm:APA91bHun4MxP5egoKMwt2KZFBaFUH-1RYqx' };
  await engine.push.enable({ owner, service: 'push.example.net', node: 'phone-1', options });
  const shown: string[] = [];
  for (const [name, event] of Object.entries(events)) {
    const result = await engine.onEvent({ userStatus: 'offline', ...event });
    const { title = '', body = '' } = sent.at(-1) ?? {};
    shown.push(`${name}: ${textOf(result, [title, body])}`);
  }
  assert.deepEqual(shown, lines);
}

function textOf(result: EventResult, words: readonly string[]): string {
  if (result.kind === 'skipped') return `skipped, ${result.reason}`;
  assert.equal(result.kind, 'pushed');
  return words.filter((word) => word !== '').join(' | ');
}

/** Reasons that are no verdict, as they are written. */
function reasonsInSource(): readonly string[] {
  const read = (name: string): string => readFileSync(join(projectRoot(), 'src', 'event', name), 'utf8');
  const notifier = [...read('notifier.ts').matchAll(/(?:skipReason = |\? )'([^']+ [^']+)'/g)];
  const filter = [...read('registration-filter.ts').matchAll(/(?:return|[?:]) '([^']+ [^']+)'/g)];
  const choice = [...read('registration-choice.ts').matchAll(/(?:return|[?:=]) '([^']+ [^']+)'/g)];
  assert.ok(notifier.length >= 2 && filter.length >= 8 && choice.length >= 5);
  return [...notifier, ...filter, ...choice].map(([, reason = '']) => reason);
}
