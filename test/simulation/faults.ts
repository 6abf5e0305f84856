/**
 * What goes wrong under the simulator: gateways that obey a script, credentials that end, disks that fail or take their
 * time. Everything is drawn from the run's own chance and timed by its clock.
 */
import { unreachable } from '../../src/core/assert.ts';
import { EngineError } from '../../src/core/errors.ts';
import { epochMs } from '../../src/core/ids.ts';
import { accepted, rejected, throttled, unauthorized, unavailable, unregistered } from '../../src/core/outcome.ts';
import { err, ok } from '../../src/core/result.ts';
import { MemoryStore } from '../../src/storage/memory-store.ts';
import type { Cancel, Clock } from '../../src/core/clock.ts';
import type { BareJID, EpochMs, NodeId } from '../../src/core/ids.ts';
import type { Notification } from '../../src/core/notification.ts';
import type { Outcome, OutcomeKind } from '../../src/core/outcome.ts';
import type { Random } from '../../src/core/random.ts';
import type { Registration } from '../../src/core/registration.ts';
import type { Result } from '../../src/core/result.ts';
import type { Credential, CredentialFailure, CredentialSource, Provider } from '../../src/provider/provider.ts';
import type { ProviderContext } from '../../src/provider/provider.ts';
import type { RegistrationStore } from '../../src/storage/registration-store.ts';

export const gatewayModes = [
  'well',
  'slow',
  'stalled',
  'refusing',
  'lossy',
  'throttling',
  'unauthorized',
  'rejecting',
  'throwing',
  'mixed',
] as const;

export type GatewayMode = (typeof gatewayModes)[number];

interface Flight {
  readonly key: string;
  readonly settle: () => void;
  readonly cancel: Cancel;
}

/** One gateway, and the provider that speaks to it. A notification's body names the publish it came from. */
export class ScriptedGateway {
  mode: GatewayMode = 'well';
  /** Tokens of devices that are gone. */
  readonly dead: Set<string> = new Set();
  /** How each publish ended, each time it was sent. */
  readonly ends: Map<string, OutcomeKind[]> = new Map();
  /** Publishes that were sent again though they may have been delivered, or had been: nothing may be in here. */
  readonly sentAgain: string[] = [];
  readonly #delivered = new Set<string>();
  readonly #maybeDelivered = new Map<string, number>();
  readonly #random: Random;
  readonly #needsCredential: boolean;
  readonly credentials: ScriptedCredentials = new ScriptedCredentials();

  constructor(random: Random, needsCredential: boolean) {
    this.#random = random;
    this.#needsCredential = needsCredential;
  }

  hasEnded(key: string, kind: OutcomeKind): boolean {
    return this.ends.get(key)?.includes(kind) ?? false;
  }

  provider(context: ProviderContext): Provider {
    const flights = new Map<number, Flight>();
    const settle = (tag: number, key: string, outcome: Outcome): void => {
      flights.delete(tag);
      this.#ended(key, outcome);
      context.settle(tag, outcome);
    };
    return {
      publish: (notification, authorization, deadlineMs, tag) => {
        const key = notification.body;
        // After an unknown loss once more, and only where the second copy replaces the first on the phone.
        const losses = this.#maybeDelivered.get(key) ?? 0;
        const mayCopy = losses === 0 || (losses === 1 && notification.collapseId !== '');
        if (this.#delivered.has(key) || !mayCopy) this.sentAgain.push(key);
        const { outcome, afterMs } = this.#decide(notification, authorization);
        const leftMs = Math.max(0, deadlineMs - context.clock.now());
        const isLate = afterMs > leftMs;
        const end = isLate ? unavailable('unknown', 'deadline') : outcome;
        if (afterMs === 0 && !isLate) {
          settle(tag, key, end);
          return;
        }
        const finish = (): void => settle(tag, key, end);
        const cancel = context.clock.after(isLate ? leftMs : afterMs, finish);
        flights.set(tag, { key, settle: () => settle(tag, key, unavailable('unknown', 'drained')), cancel });
      },
      drain: async () => {
        for (const flight of flights.values()) {
          flight.cancel();
          flight.settle();
        }
      },
    };
  }

  #ended(key: string, outcome: Outcome): void {
    const ends = this.ends.get(key);
    if (ends === undefined) this.ends.set(key, [outcome.kind]);
    else ends.push(outcome.kind);
    if (outcome.kind === 'accepted') this.#delivered.add(key);
    const isMaybe = outcome.kind === 'unavailable' && outcome.reached === 'unknown';
    if (isMaybe) this.#maybeDelivered.set(key, (this.#maybeDelivered.get(key) ?? 0) + 1);
  }

  #decide(
    { token, body }: Notification,
    authorization: string,
  ): { readonly outcome: Outcome; readonly afterMs: number } {
    const unit = (): number => this.#random.unit();
    const afterMs = unit() < 0.5 ? 0 : Math.ceil(unit() * 50);
    if (this.#needsCredential && authorization !== this.credentials.valid) {
      return { outcome: unauthorized('ExpiredToken'), afterMs };
    }
    const mode =
      this.mode === 'mixed' ? (gatewayModes[Math.floor(unit() * (gatewayModes.length - 1))] ?? 'well') : this.mode;
    switch (mode) {
      case 'stalled':
        return { outcome: accepted(''), afterMs: Number.POSITIVE_INFINITY };
      case 'refusing':
        return { outcome: unavailable('no', 'refused', unit() < 0.2 ? 300 : 0), afterMs };
      case 'lossy':
        return { outcome: unavailable('unknown', 'cut'), afterMs };
      case 'throttling':
        return { outcome: throttled('TooManyRequests', 1_000), afterMs };
      case 'unauthorized':
        return { outcome: unauthorized('Forbidden'), afterMs };
      case 'rejecting':
        return { outcome: rejected('BadTopic'), afterMs };
      case 'throwing': {
        const lost = unavailable('unknown', 'the provider failed');
        this.#ended(body, lost);
        throw new Error('a defect of the provider');
      }
      case 'slow':
        return { outcome: this.#verdict(token), afterMs: 500 + Math.ceil(unit() * 3_000) };
      case 'well':
      case 'mixed':
        return { outcome: this.#verdict(token), afterMs };
      default:
        return unreachable(mode);
    }
  }

  #verdict(token: string): Outcome {
    return this.dead.has(token) ? unregistered('Unregistered', 0) : accepted('');
  }
}

export class ScriptedCredentials {
  /** What the gateway takes now. */
  valid = 'token-0';
  minting: 'well' | 'slow' | 'failing' | 'refused' = 'well';
  #minted = 0;

  /** What was minted before works no longer. */
  revoke(): void {
    this.valid = `token-${++this.#minted}`;
  }

  source(clock: Clock): CredentialSource {
    return {
      id: '',
      mint: (nowMs) =>
        new Promise((resolve) => {
          clock.after(this.minting === 'slow' ? 3_000 : 5, () => resolve(this.#mint(nowMs)));
        }),
      close: async () => undefined,
    };
  }

  #mint(nowMs: EpochMs): Result<Credential, CredentialFailure> {
    if (this.minting === 'failing') return err({ transient: true, reason: 'internal_failure', gatewayAtMs: 0 });
    if (this.minting === 'refused') return err({ transient: false, reason: 'invalid_grant', gatewayAtMs: 0 });
    return ok({
      authorization: this.valid,
      mintedAtMs: nowMs,
      renewAtMs: epochMs(nowMs + 1_800_000),
      expiresAtMs: epochMs(nowMs + 3_600_000),
      gatewayAtMs: 0,
    });
  }
}

/** The memory store behind a disk that fails or takes its time. */
export class FaultyStore implements RegistrationStore {
  mode: 'well' | 'writes-fail' | 'reads-fail' | 'slow' = 'well';
  /** The next call ends in a defect, which no caller expects: the shard is restarted. */
  breaksOnce = false;
  defects = 0;
  readonly rows: MemoryStore = new MemoryStore(100_000);
  readonly #clock: Clock;
  readonly #slowMs: () => number;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#slowMs = () => 100 + Math.ceil(random.unit() * 4_000);
  }

  readMany(
    nodes: readonly NodeId[],
  ): Promise<readonly (Registration | undefined)[]> | readonly (Registration | undefined)[] {
    this.#break();
    if (this.mode === 'reads-fail') throw new EngineError('E_STORE_IO', 'the disk does not answer');
    if (this.mode === 'slow') return this.#slowly(async () => this.rows.readMany(nodes));
    return this.rows.readMany(nodes);
  }

  readByOwner(owner: BareJID, limit: number): Promise<readonly Registration[]> {
    return this.#read(() => this.rows.readByOwner(owner, limit));
  }

  scan(after: NodeId | undefined, limit: number): Promise<readonly Registration[]> {
    return this.#read(() => this.rows.scan(after, limit));
  }

  writeMany(rows: readonly Registration[]): Promise<void> {
    return this.#write(() => this.rows.writeMany(rows));
  }

  removeMany(nodes: readonly NodeId[]): Promise<void> {
    return this.#write(() => this.rows.removeMany(nodes));
  }

  count(): Promise<number> {
    return this.rows.count();
  }

  async close(): Promise<void> {
    // The rows stay, for whoever wants to look at them after the end.
  }

  /** Past all trouble: what is really there. */
  row(node: NodeId): Registration | undefined {
    return this.rows.readMany([node])[0];
  }

  #read<T>(read: () => Promise<T>): Promise<T> {
    if (this.mode === 'reads-fail') return Promise.reject(new EngineError('E_STORE_IO', 'the disk does not answer'));
    return this.mode === 'slow' ? this.#slowly(read) : read();
  }

  #write(write: () => Promise<void>): Promise<void> {
    this.#break();
    if (this.mode === 'writes-fail') return Promise.reject(new EngineError('E_STORE_IO', 'the disk is full'));
    return this.mode === 'slow' ? this.#slowly(write) : write();
  }

  #break(): void {
    if (!this.breaksOnce) return;
    this.breaksOnce = false;
    this.defects++;
    throw new TypeError('a defect of the store');
  }

  #slowly<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#clock.after(this.#slowMs(), () => void work().then(resolve, reject));
    });
  }
}
