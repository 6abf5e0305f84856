import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ns } from '../../../src/xmpp/namespaces.ts';
import { privilegedIqXml, readPrivileges } from '../../../src/xmpp/privilege-codec.ts';
import { parseXml } from '../../parse-xml.ts';
import type { Privileges } from '../../../src/xmpp/privilege-codec.ts';

function read(perms: string, namespace: string = ns.privilege2): Privileges | undefined {
  return readPrivileges(parseXml(`<message><privilege xmlns='${namespace}'>${perms}</privilege></message>`));
}

test('9.6-L2 Prosody puts the namespaces of a privilege into each other', () => {
  const captured =
    "<message from='prosody.lab' to='push.prosody.lab'><privilege xmlns='urn:xmpp:privilege:2'>" +
    "<perm access='roster' type='get'/><perm access='message' type='outgoing'/><perm access='presence' " +
    "type='managed_entity'/><perm access='iq'><namespace ns='urn:xmpp:push:0' type='both'><namespace " +
    "ns='urn:xmpp:ping' type='get'><namespace ns='http://jabber.org/protocol/pubsub' type='set'/></namespace>" +
    '</namespace></perm></privilege></message>';
  const granted = { presence: true, publish: true };
  assert.deepEqual(readPrivileges(parseXml(captured)), granted);
});

test('9.6-L ejabberd speaks version 1, which knows no IQs', () => {
  const captured =
    "<message to='push.ejabberd.lab' from='ejabberd.lab'><privilege xmlns='urn:xmpp:privilege:1'><perm " +
    "type='outgoing' access='message'/><perm type='get' access='roster'/><perm type='managed_entity' " +
    "access='presence'/></privilege></message>";
  assert.deepEqual(readPrivileges(parseXml(captured)), {
    presence: true,
    publish: false,
  });
  const iqs = `<perm access='iq'><namespace ns='${ns.pubsub}' type='set'/></perm>`;
  assert.equal(read(iqs, ns.privilege1)?.publish, false);
});

const permissions: readonly (readonly [perms: string, presence: boolean, publish: boolean])[] = [
  ['', false, false],
  ["<perm access='presence' type='managed_entity'/>", true, false],
  ["<perm access='presence' type='roster'/>", true, false],
  ["<perm access='presence' type='none'/>", false, false],
  ["<perm access='presence'/>", false, false],
  ["<perm access='message' type='managed_entity'/>", false, false],
  [`<perm access='iq'><namespace ns='${ns.pubsub}' type='set'/></perm>`, false, true],
  [`<perm access='iq'><namespace ns='${ns.pubsub}' type='both'/></perm>`, false, true],
  [`<perm access='iq'><namespace ns='${ns.pubsub}' type='get'/></perm>`, false, false],
  [`<perm access='iq'><namespace ns='${ns.pubsubOwner}' type='set'/></perm>`, false, false],
  [`<perm access='iq'><namespace ns='a' type='set'/><namespace ns='${ns.pubsub}' type='set'/></perm>`, false, true],
  [`<perm access='roster' type='both'><namespace ns='${ns.pubsub}' type='set'/></perm>`, false, false],
  [`<perm access='iq'><other><namespace ns='${ns.pubsub}' type='set'/></other></perm>`, false, false],
  [`<perm xmlns='urn:other' access='presence' type='managed_entity'/>`, false, false],
];

for (const [perms, presence, publish] of permissions) {
  test(`6.30 and 6.40 ${perms === '' ? 'nothing' : perms} grants presence: ${presence}, publish: ${publish}`, () => {
    assert.deepEqual(read(perms), { presence, publish });
  });
}

test('6.11 a message without a privilege, or in a version nobody knows, says nothing', () => {
  assert.equal(readPrivileges(parseXml('<message><body/></message>')), undefined);
  assert.equal(read("<perm access='presence' type='managed_entity'/>", 'urn:xmpp:privilege:3'), undefined);
});

test('9.6-M a publish in the name of a user is what Prosody took', () => {
  const payload = "<pubsub xmlns='http://jabber.org/protocol/pubsub'/>";
  const iq = { id: 'pp1', from: 'push.prosody.lab', account: "o'bob@prosody.lab", to: 'push-5.prosody.lab', payload };
  assert.equal(
    privilegedIqXml(iq),
    "<iq type='set' id='pp1' from='push.prosody.lab' to='o&apos;bob@prosody.lab'>" +
      "<privileged_iq xmlns='urn:xmpp:privilege:2'><iq xmlns='jabber:client' type='set' id='pp1' " +
      "to='push-5.prosody.lab'><pubsub xmlns='http://jabber.org/protocol/pubsub'/></iq></privileged_iq></iq>",
  );
});
