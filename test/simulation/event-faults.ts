/** What goes wrong around the event actor: a disk that fails or takes its time, push services that answer as drawn. */
import { EngineError } from '../../src/core/errors.ts';
import { accepted, rejected, throttled, unavailable, unregistered } from '../../src/core/outcome.ts';
import { MemoryEnabledStore } from '../../src/storage/memory-enabled-store.ts';
import { rowKey } from './event-ledger.ts';
import type { EventLedger } from './event-ledger.ts';
import type { Admission } from '../../src/actor/actor.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { EnabledRegistration } from '../../src/core/enabled.ts';
import type { BareJID } from '../../src/core/ids.ts';
import type { Notification } from '../../src/core/notification.ts';
import type { Outcome } from '../../src/core/outcome.ts';
import type { Random } from '../../src/core/random.ts';
import type { IqAnswer, IqReply, PublishIq } from '../../src/event/commands.ts';
import type { EventPublishing } from '../../src/event/event-publisher.ts';
import type { PublishCommand } from '../../src/registration/commands.ts';
import type { EnabledChange, EnabledKey, EnabledRows, EnabledStore } from '../../src/storage/enabled-store.ts';

export class FaultyEnabledStore implements EnabledStore {
  mode: 'well' | 'writes-fail' | 'reads-fail' | 'slow' = 'well';
  /** The next call ends in a defect, which no caller expects: the actor is restarted. */
  breaksOnce = false;
  defects = 0;
  readonly #rows = new MemoryEnabledStore(100_000);
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #ledger: EventLedger;

  constructor(clock: Clock, random: Random, ledger: EventLedger) {
    this.#clock = clock;
    this.#random = random;
    this.#ledger = ledger;
  }

  readMany(owners: readonly BareJID[]): readonly EnabledRows[] | Promise<readonly EnabledRows[]> {
    this.#break();
    if (this.mode === 'reads-fail') throw new EngineError('E_STORE_IO', 'the disk does not answer');
    return this.mode === 'slow' ? this.#slowly(() => this.#rows.readMany(owners)) : this.#rows.readMany(owners);
  }

  writeMany(changes: readonly EnabledChange[]): Promise<void> {
    return this.#write(() => {
      for (const change of changes) if (change.kind === 'remove') this.#removes(change.key, changes);
      return this.#rows.writeMany(changes);
    });
  }

  removeOwners(owners: readonly BareJID[]): Promise<number> {
    return this.#write(async () => {
      const count = await this.#rows.removeOwners(owners);
      for (const owner of owners) this.#ledger.removingAll('accounts', owner, count);
      return count;
    });
  }

  removeDomain(domain: string): Promise<number> {
    return this.#write(async () => {
      const count = await this.#rows.removeDomain(domain);
      this.#ledger.removingAll('domains', domain, count);
      return count;
    });
  }

  async scan(after: EnabledKey | undefined, limit: number): Promise<readonly EnabledRegistration[]> {
    if (this.mode === 'reads-fail') throw new EngineError('E_STORE_IO', 'the disk does not answer');
    return this.#rows.scan(after, limit);
  }

  count(): Promise<number> {
    return this.#rows.count();
  }

  async close(): Promise<void> {
    // The rows stay, for whoever wants to look at them after the end.
  }

  #removes(key: EnabledKey, changes: readonly EnabledChange[]): void {
    const [rows = []] = this.#rows.readMany([key.owner]);
    if (rows === 'unreadable') return;
    this.#ledger.removing(
      rows.filter((row) => rowKey(row) === rowKey(key)),
      rows.length + changes.filter((change) => change.kind === 'put' && change.row.owner === key.owner).length,
    );
  }

  async #write<T>(write: () => Promise<T>): Promise<T> {
    this.#break();
    if (this.mode === 'writes-fail') throw new EngineError('E_STORE_IO', 'the disk is full');
    return this.mode === 'slow' ? this.#slowly(write) : write();
  }

  #break(): void {
    if (!this.breaksOnce) return;
    this.breaksOnce = false;
    this.defects++;
    this.#ledger.restarts++;
    throw new TypeError('a defect of the store');
  }

  #slowly<T>(work: () => T | Promise<T>): Promise<T> {
    const delayMs = 100 + Math.ceil(this.#random.unit() * 4_000);
    return new Promise((resolve, reject) => {
      this.#clock.after(delayMs, () => void Promise.resolve().then(work).then(resolve, reject));
    });
  }
}

export type PublishingMode = 'well' | 'mixed' | 'dead' | 'refusing' | 'away' | 'silent' | 'offline';

/** Answers every publish that it takes once, as its contract says, at a moment of its own. */
export class DrawnPublishing implements EventPublishing {
  mode: PublishingMode = 'well';
  accepted = 0;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #ledger: EventLedger;

  constructor(clock: Clock, random: Random, ledger: EventLedger) {
    this.#clock = clock;
    this.#random = random;
    this.#ledger = ledger;
  }

  toDevice(
    { token, body }: Notification,
    _app: string,
    { deadlineMs, reply, tag }: Pick<PublishCommand, 'deadlineMs' | 'reply' | 'tag'>,
  ): Admission | 'no-provider' {
    if (this.mode === 'offline') return 'full';
    const copy = this.#ledger.published(this.#ledger.keyOf(token), body);
    const outcome = this.#outcome();
    const leftMs = deadlineMs - this.#clock.monotonicMs() + 500;
    this.#clock.after(this.mode === 'silent' ? leftMs : this.#delayMs(), () => {
      if (outcome.kind === 'accepted') this.accepted++;
      if (outcome.kind === 'unregistered') this.#ledger.dead(token);
      const isThere = outcome.kind === 'accepted' || (outcome.kind === 'unavailable' && outcome.reached === 'unknown');
      if (!isThere) this.#ledger.notThere(copy);
      reply.answered(tag, { kind: 'published', outcome });
    });
    return 'accepted';
  }

  toNode(): Admission {
    return 'full';
  }

  sendPublish(
    { account, service, payload, waitMs }: PublishIq,
    reply: IqReply,
    tag: number,
  ): 'sent' | 'full' | 'offline' {
    if (this.mode === 'offline') return this.#random.unit() < 0.5 ? 'offline' : 'full';
    const node = /<publish node='([^']*)'/.exec(payload)?.[1] ?? '';
    const key = `${account} ${service} ${node}`;
    const copy = this.#ledger.published(key, payload);
    const { restarts } = this.#ledger;
    const answer = this.#answer();
    this.#clock.after(answer.kind === 'timeout' ? waitMs : this.#delayMs(), () => {
      // What was under way when the actor was restarted is heard by nobody.
      if (answer.kind === 'result' && restarts === this.#ledger.restarts) this.#ledger.accepted(key);
      if (answer.kind === 'error') this.#ledger.notThere(copy);
      if (answer.kind === 'error' && answer.condition === 'item-not-found') this.#ledger.serviceRefused(key);
      reply.iqAnswered(tag, answer);
    });
    return 'sent';
  }

  #delayMs(): number {
    return this.#random.unit() < 0.5 ? 0 : Math.ceil(this.#random.unit() ** 4 * 5_000);
  }

  #drawn(): PublishingMode {
    if (this.mode !== 'mixed') return this.mode;
    return (
      (['well', 'well', 'dead', 'refusing', 'away', 'silent'] as const)[Math.floor(this.#random.unit() * 6)] ?? 'well'
    );
  }

  #outcome(): Outcome {
    switch (this.#drawn()) {
      case 'dead':
        return unregistered('UNREGISTERED', 0);
      case 'refusing':
        return rejected('BadTopic');
      case 'away':
        return this.#random.unit() < 0.5 ? unavailable('no', 'refused') : throttled('TooManyRequests', 1_000);
      case 'silent':
        return unavailable('unknown', 'no answer');
      case 'well':
      case 'mixed':
      case 'offline':
      default:
        return accepted('');
    }
  }

  #answer(): IqAnswer {
    const said = (type: string, condition: string): IqAnswer => ({ kind: 'error', type, condition, detail: '' });
    switch (this.#drawn()) {
      case 'dead':
      case 'refusing':
        return said('cancel', 'item-not-found');
      case 'away':
        return this.#random.unit() < 0.5 ? said('wait', 'resource-constraint') : said('cancel', 'service-unavailable');
      case 'silent':
        return { kind: 'timeout' };
      case 'well':
      case 'mixed':
      case 'offline':
      default:
        return { kind: 'result' };
    }
  }
}
