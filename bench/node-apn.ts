// Thread: main
/** `@parse/node-apn`, what a Node.js program would push with today, sending to the same gateway as the engine. */
import { Notification, Provider } from '@parse/node-apn';
import { measureWindow, nextTurn } from './sustained.ts';
import type { AnsweringProcess } from './bench-gateway.ts';
import type { Sustained, Window } from './sustained.ts';

/** What both send, as their users write it. */
export function textOf(number: number): string {
  return `New message number ${number}: see you at eight, bring the blue folder`;
}

export const title = 'boris@example.org';

// Its rate does not grow past this: 100 in flight are slower, 1000 are no faster (measured).
const inFlightMax = 500;

/** A provider keeps one connection and all its promises on one thread. Throws unless every notification was sent. */
export async function sustainNodeApn(gateway: AnsweringProcess, window: Window): Promise<Sustained> {
  const { keyPem, keyId, teamId } = gateway.key;
  const provider = new Provider({
    token: { key: keyPem, keyId, teamId },
    ca: [gateway.caPem],
    address: 'localhost',
    port: gateway.port,
  });
  const load = { sent: 0, stopping: false };
  const sendInTurn = async (first: number): Promise<void> => {
    for (let number = first; !load.stopping; number += inFlightMax) {
      const answer = await provider.send(notification(gateway.key.topic, number), tokenAt(gateway, number));
      const [failure] = answer.failed;
      if (failure !== undefined) throw new Error(`node-apn: ${failure.status} ${String(failure.error)}`);
      load.sent += answer.sent.length;
    }
  };
  const sending = Promise.all(Array.from({ length: inFlightMax }, (_, first) => sendInTurn(first)));
  while (load.sent === 0) await Promise.race([nextTurn(), sending]);
  const result = await measureWindow(() => load.sent, window);
  load.stopping = true;
  await sending;
  await provider.shutdown();
  return result;
}

function notification(topic: string, number: number): Notification {
  const made = new Notification();
  made.topic = topic;
  made.pushType = 'alert';
  made.priority = 10;
  made.alert = { title, body: textOf(number) };
  made.badge = 3;
  made.sound = 'default';
  made.threadId = title;
  return made;
}

function tokenAt({ tokens }: AnsweringProcess, number: number): string {
  return tokens[number % tokens.length] ?? '';
}
