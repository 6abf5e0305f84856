import assert from 'node:assert/strict';
import { test } from 'node:test';
import { epochMs, parseNodeId } from '../../../src/core/ids.ts';
import type { NodeId } from '../../../src/core/ids.ts';
import { bareJID } from '../../../src/core/jid.ts';
import { accepted, throttled, unregistered } from '../../../src/core/outcome.ts';
import type { Registration } from '../../../src/core/registration.ts';
import type { CommandAnswer } from '../../../src/registration/commands.ts';
import { answerXml } from '../../../src/router/command-answers.ts';
import type { Answering } from '../../../src/router/command-answers.ts';
import type { CommandContext } from '../../../src/xmpp/command-xml.ts';
import { readForm } from '../../../src/xmpp/data-form.ts';
import type { DataForm } from '../../../src/xmpp/data-form.ts';
import { ns } from '../../../src/xmpp/namespaces.ts';
import type { CommandProfile } from '../../../src/xmpp/push-commands.ts';
import { stanzaErrors } from '../../../src/xmpp/stanza-errors.ts';
import { iqError } from '../../../src/xmpp/stanza.ts';
import { attribute, childElements, childOf, childrenOf, textOf } from '../../../src/xmpp/xml.ts';
import type { XmlElement } from '../../../src/xmpp/xml.ts';
import { parseXml } from '../../parse-xml.ts';

const request = { id: 'q1', from: 'anna@example.com/phone', to: 'push.example.net' };
const empty = "<iq type='result' id='q1' from='push.example.net' to='anna@example.com/phone'/>";

function nodeId(text: string): NodeId {
  const node = parseNodeId(text);
  assert.ok(node.ok);
  return node.value;
}

function registration(changes: Partial<Registration> = {}): Registration {
  const owner = bareJID('anna@example.com');
  assert.ok(owner.ok);
  return {
    node: nodeId("n'1"),
    owner: owner.value,
    target: { kind: 'device', service: 'apns', token: 'secret-token', voipToken: '', topic: '', mode: '' },
    state: 'live',
    deathReason: '',
    deviceId: 'd',
    app: '',
    deviceName: "Anna's <phone>",
    room: '',
    secretVersion: 1,
    publishModel: 'publishers',
    publishers: ['example.com', 'boris@example.org'],
    createdAtMs: epochMs(Date.UTC(2026, 0, 2, 3, 4, 5)),
    confirmedAtMs: epochMs(0),
    diedAtMs: epochMs(0),
    ...changes,
  };
}

function answer(answering: Answering, given: CommandAnswer): string {
  return answerXml(request, answering, given, 'common');
}

/** The only child of a result. */
function payload(answering: Answering, given: CommandAnswer): XmlElement {
  const iq = parseXml(answer(answering, given));
  assert.equal(attribute(iq, 'type'), 'result');
  const [child, ...more] = childElements(iq);
  assert.ok(child !== undefined && more.length === 0);
  return child;
}

function command(name: string, profile: CommandProfile = 'common', sessionId = 's1'): Answering {
  const context: CommandContext = { command: name, sessionId, profile, jid: 'push.example.net' };
  return { kind: 'command', context };
}

function formOf(element: XmlElement): DataForm {
  const x = childOf(element, 'x', ns.data);
  assert.ok(x !== undefined);
  return readForm(x);
}

test('4.42 an accepted publish is answered with an empty result, and so is one with nothing to send', () => {
  assert.equal(answer({ kind: 'publish' }, { kind: 'published', outcome: accepted('x') }), empty);
  assert.equal(answer({ kind: 'publish' }, { kind: 'done' }), empty);
});

test('a publish that failed is answered by its verdict under the profile of the server', () => {
  const dead: CommandAnswer = { kind: 'published', outcome: unregistered('gone', 0) };
  const later: CommandAnswer = { kind: 'published', outcome: throttled('slow', 0) };
  assert.equal(answer({ kind: 'publish' }, dead), iqError(request, stanzaErrors.itemNotFound));
  assert.equal(answer({ kind: 'publish' }, later), iqError(request, stanzaErrors.waitUnavailable));
  const shipped = answerXml(request, { kind: 'publish' }, dead, 'mongooseim');
  assert.equal(shipped, iqError(request, stanzaErrors.deviceNotRegistered));
});

test('a refused publish is answered as a publish, a refused command as a command', () => {
  const precondition: CommandAnswer = { kind: 'refused', refusal: 'precondition' };
  assert.equal(answer({ kind: 'publish' }, precondition), iqError(request, stanzaErrors.waitPreconditionNotMet));
  assert.equal(answer({ kind: 'create' }, precondition), iqError(request, stanzaErrors.preconditionNotMet));
});

test('4.1 a created node is named, even when it is another than the one asked for', () => {
  const pubsub = payload({ kind: 'create' }, { kind: 'created', node: nodeId("a'b") });
  const create = childOf(pubsub, 'create', ns.pubsub);
  assert.equal(create && attribute(create, 'node'), "a'b");
});

test('4.10 the configuration form says what is fixed and what is not', () => {
  const pubsub = payload(
    { kind: 'configuration', strictErrors: false },
    { kind: 'node', registration: registration({ publishModel: 'open' }) },
  );
  const configure = childOf(pubsub, 'configure', ns.pubsubOwner);
  assert.ok(configure !== undefined);
  assert.equal(attribute(configure, 'node'), "n'1");
  const form = formOf(configure);
  assert.deepEqual([form.type, form.formType], ['form', ns.pubsubNodeConfig]);
  assert.equal(form.get('pubsub#access_model'), 'whitelist');
  assert.equal(form.get('pubsub#publish_model'), 'open');
  assert.equal(form.get('pubsub#persist_items'), '0');
  assert.equal(form.get('pubsub#max_items'), '1');
  assert.equal(form.get('pubsub#deliver_payloads'), '1');
  assert.equal(form.get('pubsub#type'), 'urn:xmpp:push:0');
  assert.equal(form.get('pubsub#title'), "Anna's <phone>");
  assert.equal(form.get('{urn:meerkat:register:0}secret-required'), '1');
});

test('4.11, 4.20 and 4.31 done is an empty result', () => {
  assert.equal(answer({ kind: 'empty', strictErrors: false }, { kind: 'done' }), empty);
});

test('4.12 a stranger and an unknown node get the same bytes, unless the operator is strict', () => {
  for (const kind of ['empty', 'configuration', 'affiliations'] as const) {
    const refuse = (refusal: 'not-owner' | 'unknown-node', strictErrors: boolean): string =>
      answer({ kind, strictErrors }, { kind: 'refused', refusal });
    assert.equal(refuse('not-owner', false), refuse('unknown-node', false));
    assert.equal(refuse('not-owner', true), iqError(request, stanzaErrors.forbidden));
  }
});

test('3.7 disco of a node is for its owner; others see the same as for no node', () => {
  assert.match(answer({ kind: 'node-info' }, { kind: 'node', registration: registration() }), /type='leaf'/);
  const stranger = answer({ kind: 'node-info' }, { kind: 'refused', refusal: 'not-owner' });
  assert.equal(stranger, answer({ kind: 'node-info' }, { kind: 'refused', refusal: 'unknown-node' }));
});

test('4.30 the affiliations are the owner and those who may publish', () => {
  const pubsub = payload({ kind: 'affiliations', strictErrors: false }, { kind: 'node', registration: registration() });
  const list = childOf(pubsub, 'affiliations', ns.pubsubOwner);
  assert.ok(list !== undefined);
  const entries = childrenOf(list, 'affiliation', ns.pubsubOwner);
  assert.deepEqual(
    entries.map((entry) => [attribute(entry, 'jid'), attribute(entry, 'affiliation')]),
    [
      ['anna@example.com', 'owner'],
      ['example.com', 'publish-only'],
      ['boris@example.org', 'publish-only'],
    ],
  );
});

test('4.32 the own affiliations are all nodes, or the one asked for', () => {
  const registrations = [registration(), registration({ node: nodeId('n2') })];
  const nodesOf = (node: string): unknown[] => {
    const pubsub = payload({ kind: 'own-affiliations', node }, { kind: 'listed', registrations, cut: false });
    const list = childOf(pubsub, 'affiliations', ns.pubsub);
    return list === undefined ? [] : childElements(list).map((entry) => attribute(entry, 'node'));
  };
  assert.deepEqual(nodesOf(''), ["n'1", 'n2']);
  assert.deepEqual(nodesOf('n2'), ['n2']);
  assert.deepEqual(nodesOf('n3'), []);
});

test('5.35 Conversations gets jid, node and secret in a completed command', () => {
  const element = payload(command('register-push-fcm'), { kind: 'registered', node: nodeId('n'), secret: 's<' });
  assert.equal(attribute(element, 'node'), 'register-push-fcm');
  assert.deepEqual([attribute(element, 'status'), attribute(element, 'sessionid')], ['completed', 's1']);
  const form = formOf(element);
  assert.equal(form.type, 'result');
  assert.deepEqual([form.get('jid'), form.get('node'), form.get('secret')], ['push.example.net', 'n', 's<']);
});

test('5.35 without a secret there is no such field', () => {
  const form = formOf(payload(command('register-push'), { kind: 'registered', node: nodeId('n'), secret: '' }));
  assert.deepEqual([form.get('node'), form.get('secret')], ['n', undefined]);
});

test('5.35 Siskin gets node, features and the room for its encrypted payload', () => {
  const answering = command('register-device', 'tigase');
  const form = formOf(payload(answering, { kind: 'registered', node: nodeId('n'), secret: '' }));
  assert.deepEqual([form.get('node'), form.get('jid'), form.get('secret')], ['n', undefined, undefined]);
  assert.deepEqual(form.all('features'), [
    'tigase:push:encrypt:0',
    'tigase:push:encrypt:aes-128-gcm',
    'tigase:push:priority:0',
  ]);
  assert.equal(form.get('max-payload-size'), '3072');
});

test('5.E mod_push_app_server clients get jid and node only, and no session', () => {
  const answering = command('register-push', 'app-server', '');
  assert.equal(
    answer(answering, { kind: 'registered', node: nodeId('n'), secret: 's' }),
    `${empty.slice(0, -2)}><command xmlns='${ns.commands}' node='register-push' status='completed'>` +
      `<x xmlns='${ns.data}' type='result'><field var='jid' type='jid-single'><value>push.example.net</value></field>` +
      "<field var='node' type='text-single'><value>n</value></field></x></command></iq>",
  );
});

test('5.43 unregistering names the nodes that are gone, nothing matched is item-not-found', () => {
  const gone: CommandAnswer = { kind: 'unregistered', nodes: [nodeId('a'), nodeId('b')] };
  assert.deepEqual(formOf(payload(command('unregister-push'), gone)).all('nodes'), ['a', 'b']);
  assert.equal(childElements(payload(command('unregister-device', 'tigase'), gone)).length, 0);
  const nothing = answer(command('unregister-push'), { kind: 'refused', refusal: 'nothing-matched' });
  assert.equal(nothing, iqError(request, stanzaErrors.itemNotFound));
});

test('5.44 a list has a column for each thing, no tokens, and says when it was cut', () => {
  const publishOptions = registration({ node: nodeId('n2'), target: { kind: 'publish-options' }, deviceName: '' });
  const registrations = [registration(), publishOptions];
  const answering = command('list-push-registrations');
  const element = payload(answering, { kind: 'listed', registrations, cut: true });
  assert.equal(attribute(element, 'status'), 'completed');
  assert.equal(attribute(childOf(element, 'note', ns.commands) ?? element, 'type'), 'warn');
  const x = childOf(element, 'x', ns.data);
  assert.ok(x !== undefined);
  const rows = childrenOf(x, 'item', ns.data).map((item) =>
    childElements(item).map((cell) => textOf(childOf(cell, 'value', ns.data) ?? cell)),
  );
  assert.deepEqual(rows, [
    ["n'1", "Anna's <phone>", 'apns', '2026-01-02T03:04:05Z'],
    ['n2', '', '', '2026-01-02T03:04:05Z'],
  ]);
  assert.equal(answer(answering, { kind: 'listed', registrations, cut: false }).includes('secret-token'), false);
  assert.equal(
    childOf(payload(answering, { kind: 'listed', registrations: [], cut: false }), 'note', ns.commands),
    undefined,
  );
});

test('an answer that does not belong to the question costs nobody a registration', () => {
  const wait = iqError(request, stanzaErrors.waitInternal);
  const wrong: readonly (readonly [Answering, CommandAnswer])[] = [
    [{ kind: 'publish' }, { kind: 'created', node: nodeId('n') }],
    [{ kind: 'create' }, { kind: 'done' }],
    [
      { kind: 'empty', strictErrors: false },
      { kind: 'created', node: nodeId('n') },
    ],
    [{ kind: 'configuration', strictErrors: false }, { kind: 'done' }],
    [{ kind: 'affiliations', strictErrors: false }, { kind: 'done' }],
    [{ kind: 'node-info' }, { kind: 'done' }],
    [{ kind: 'own-affiliations', node: '' }, { kind: 'done' }],
    [command('register-push'), { kind: 'done' }],
  ];
  for (const [answering, given] of wrong) assert.equal(answer(answering, given), wait, answering.kind);
});
