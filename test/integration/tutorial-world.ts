/**
 * An engine as the tutorial configures it, between a client and his server that are text, and gateways that take
 * everything and remember it.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WireStream } from '../../bench/wire-stream.ts';
import { issueText } from '../../config/config-issue.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { accepted } from '../../src/core/outcome.ts';
import { Engine } from '../../src/engine.ts';
import { loadPlugins } from '../../src/plugin/load-plugins.ts';
import { within } from '../peers/deadline.ts';
import { lastFirst } from '../peers/last-first.ts';
import { projectRoot } from '../tidy/tree.ts';
import type { KeyObject } from 'node:crypto';
import type { TestContext } from 'node:test';
import type { EngineConfig } from '../../config/engine-config.ts';
import type { ProviderSource } from '../../src/engine-dispatchers.ts';
import type { Notification } from '../../src/core/notification.ts';

/** What every file of a token holds. */
export const httpToken = 'at-least-16-bytes-of-chance';

const client = 'anna@example.com/phone';

export interface TutorialWorld {
  readonly engine: Engine;
  /** What gateways were given. */
  readonly sent: readonly Notification[];
  /** A stanza of the client, and what he gets for it. What is for his own server reaches us by delegation. */
  readonly ask: (stanza: string) => Promise<string>;
}

/** The configuration with everything durable taken out, and any variables besides. */
export async function tutorialWorld(
  t: TestContext,
  toml: string,
  env: Readonly<Record<string, string>> = {},
): Promise<TutorialWorld> {
  const after = lastFirst(t);
  const dataDir = mkdtempSync(join(tmpdir(), 'meerkat-tutorial-'));
  after(() => rmSync(dataDir, { recursive: true, force: true }));
  const config = configOf(toml, {
    MEERKAT_ENGINE__DATA_DIR: dataDir,
    MEERKAT_REGISTRATIONS__STORE: 'memory',
    MEERKAT_PUSH__STORE: 'memory',
    ...env,
  });
  const streams: WireStream[] = [];
  const sent: Notification[] = [];
  const engine = new Engine(config, {
    plugins: await loadPlugins(config.plugins),
    providers: remembering(sent),
    streams: (server, owner) => {
      const stream = new WireStream(owner, server.stanzaBytesMax);
      stream.keepAnswers = true;
      streams.push(stream);
      return [stream];
    },
  });
  after(() => engine.stop());
  await engine.start();
  const feed = async (stanza: string): Promise<string> => {
    const [stream] = streams;
    assert.ok(stream, 'the configuration has no server');
    await within(`the answer to ${stanza}`, stream.feed([Buffer.from(stanza)], 1));
    return stream.answers.at(-1) ?? '';
  };
  return {
    engine,
    sent,
    ask: (stanza) => (isForPushService(stanza) ? feed(stamped(stanza)) : forwarded(stanza, feed)),
  };
}

/** Files that the configuration names hold what their names promise. Fails with every problem. */
export function configOf(toml: string, env: Readonly<Record<string, string>> = {}): EngineConfig {
  const checked = parseConfig({ text: toml, path: 'my.toml', env, readFile });
  if (!checked.ok) assert.fail(checked.error.map((issue) => issueText(issue, 'my.toml')).join('\n'));
  return checked.value;
}

function readFile(path: string): string {
  if (path.endsWith('.p8')) return pemOf(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey);
  if (path.endsWith('-key.pem')) return fixture('client-key.pem');
  if (path.endsWith('.pem')) return fixture('client-certificate.pem');
  if (!path.endsWith('service-account.json')) return httpToken;
  return JSON.stringify({
    project_id: 'chat-1a2b3',
    client_email: 'push@chat-1a2b3.iam.gserviceaccount.com',
    private_key: pemOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey),
    private_key_id: '1',
  });
}

function fixture(name: string): string {
  return readFileSync(join(projectRoot(), 'test', 'fixtures', 'config', name), 'utf8');
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function isForPushService(stanza: string): boolean {
  return /^<iq[^>]*\sto='push\.example\.net'/.test(stanza);
}

/** As his server stamps it. */
export function stamped(stanza: string): string {
  return stanza.replace('<iq ', `<iq from='${client}' `);
}

/** XEP-0355, as Prosody forwards. */
async function forwarded(stanza: string, feed: (stanza: string) => Promise<string>): Promise<string> {
  const inner = stamped(stanza).replace('<iq ', "<iq xmlns='jabber:client' ");
  const answer = await feed(
    "<iq type='set' id='f1' from='example.com' to='push.example.net'><delegation xmlns='urn:xmpp:delegation:2'>" +
      `<forwarded xmlns='urn:xmpp:forward:0'>${inner}</forwarded></delegation></iq>`,
  );
  const found = /<forwarded[^>]*>(.*)<\/forwarded>/s.exec(answer)?.[1];
  assert.ok(found, answer);
  return found.replace(" xmlns='jabber:client'", '');
}

function remembering(sent: Notification[]): ProviderSource {
  return {
    create: (_, { settle }) => ({
      publish(notification, _authorization, _deadlineMs, tag) {
        sent.push(notification);
        settle(tag, accepted(''));
      },
      drain: () => Promise.resolve(),
    }),
    credentials: () => undefined,
  };
}
