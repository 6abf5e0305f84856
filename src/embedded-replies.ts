// Thread: main
/**
 * Outcomes for programs that embed the engine: `publish` hands them out as promises. This is an edge; between actors no
 * promise stands for one notification.
 */
import { unavailable } from './core/outcome.ts';
import type { Outcome } from './core/outcome.ts';
import type { CommandAnswer, CommandReply } from './registration/commands.ts';

export class EmbeddedReplies implements CommandReply {
  readonly #waiting = new Map<number, (outcome: Outcome) => void>();
  #lastTag = 0;

  /** Publishes that wait for their outcome. */
  get size(): number {
    return this.#waiting.size;
  }

  /** A tag for one publish and the promise of its outcome, which every accepted publish message keeps. */
  open(): { readonly tag: number; readonly outcome: Promise<Outcome> } {
    const tag = ++this.#lastTag;
    return { tag, outcome: new Promise((resolve) => this.#waiting.set(tag, resolve)) };
  }

  answered(tag: number, answer: CommandAnswer): void {
    const resolve = this.#waiting.get(tag);
    this.#waiting.delete(tag);
    resolve?.(answer.kind === 'published' ? answer.outcome : unavailable('no', answer.kind));
  }
}
