/** Commands for tests, and a reply that remembers what was answered. */
import { bare, full, node } from './registration-rows.ts';
import { epochMs } from '../src/core/ids.ts';
import { emptySummary } from '../src/core/notification.ts';
import { noPublishOptions } from '../src/xmpp/publish-options.ts';
import type { PublishOptions } from '../src/xmpp/publish-options.ts';
import type {
  CommandAnswer,
  CommandReply,
  CreateCommand,
  PublishCommand,
  RegisterCommand,
  UnregisterCommand,
} from '../src/registration/commands.ts';

export class Answers implements CommandReply {
  /** Commands that were answered again: there must be none. */
  readonly doubles: number[] = [];
  readonly #answers = new Map<number, CommandAnswer>();

  answered(tag: number, answer: CommandAnswer): void {
    if (this.#answers.has(tag)) this.doubles.push(tag);
    this.#answers.set(tag, answer);
  }

  get count(): number {
    return this.#answers.size;
  }

  of(tag: number): CommandAnswer | undefined {
    return this.#answers.get(tag);
  }

  /** The refusal, or the kind of any other answer. */
  word(tag: number): string {
    const answer = this.#answers.get(tag);
    if (answer === undefined) return 'nothing';
    return answer.kind === 'refused' ? answer.refusal : answer.kind;
  }
}

export const nobody: CommandReply = { answered: () => undefined };

export function publish(name: string, over: Partial<PublishCommand> = {}): PublishCommand {
  return {
    kind: 'publish',
    node: node(name),
    from: full('example.com'),
    summary: emptySummary,
    options: noPublishOptions,
    deadlineMs: epochMs(0),
    reply: nobody,
    tag: 0,
    ...over,
  };
}

export function options(over: Partial<PublishOptions>): PublishOptions {
  return { ...noPublishOptions, present: true, ...over };
}

export function create(name: string, over: Partial<CreateCommand> = {}): CreateCommand {
  return {
    kind: 'create',
    node: name === '' ? '' : node(name),
    owner: bare('anna@example.com'),
    publishModel: 'open',
    reply: nobody,
    tag: 0,
    ...over,
  };
}

export function register(over: Partial<RegisterCommand> = {}): RegisterCommand {
  return {
    kind: 'register',
    owner: bare('anna@example.com'),
    service: 'apns',
    token: 'a1'.repeat(32),
    voipToken: '',
    topic: '',
    app: '',
    mode: '',
    deviceId: 'phone',
    deviceName: "Anna's phone",
    room: '',
    withSecret: true,
    reply: nobody,
    tag: 0,
    ...over,
  };
}

export function unregister(over: Partial<UnregisterCommand> = {}): UnregisterCommand {
  return {
    kind: 'unregister',
    owner: bare('anna@example.com'),
    deviceId: '',
    nodes: [],
    token: '',
    service: '',
    room: '',
    reply: nobody,
    tag: 0,
    ...over,
  };
}
