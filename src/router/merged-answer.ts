// Thread: main
/**
 * Several shards' answers to one question as one answer: what was found is put together, trouble of any shard wins over
 * what the others found, and "nothing matched" only counts when it is true of all.
 */
import { limits } from '../core/limits.ts';
import type { CommandAnswer } from '../registration/commands.ts';

export function mergedAnswer(left: CommandAnswer, right: CommandAnswer): CommandAnswer {
  if (left.kind === 'listed' && right.kind === 'listed') {
    const registrations = [...left.registrations, ...right.registrations];
    return {
      kind: 'listed',
      registrations: registrations.slice(0, limits.listMax),
      cut: left.cut || right.cut || registrations.length > limits.listMax,
    };
  }
  if (left.kind === 'unregistered' && right.kind === 'unregistered') {
    return { kind: 'unregistered', nodes: [...left.nodes, ...right.nodes] };
  }
  if (left.kind === 'refused' && left.refusal !== 'nothing-matched') return left;
  if (right.kind === 'refused' && right.refusal !== 'nothing-matched') return right;
  return left.kind === 'refused' ? right : left;
}
