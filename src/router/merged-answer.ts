// Thread: main
/**
 * Several shards' answers to one question as one answer: what was found is put together, trouble of any shard wins over
 * what the others found, and "nothing matched" only counts when it is true of all.
 */
import type { CommandAnswer } from '../registration/commands.ts';

export function mergedAnswer(left: CommandAnswer, right: CommandAnswer): CommandAnswer {
  if (left.kind === 'listed' && right.kind === 'listed') {
    return {
      kind: 'listed',
      registrations: [...left.registrations, ...right.registrations],
      cut: left.cut || right.cut,
    };
  }
  if (left.kind === 'unregistered' && right.kind === 'unregistered') {
    return { kind: 'unregistered', nodes: [...left.nodes, ...right.nodes] };
  }
  if (left.kind === 'refused' && left.refusal !== 'nothing-matched') return left;
  if (right.kind === 'refused' && right.refusal !== 'nothing-matched') return right;
  return left.kind === 'refused' ? right : left;
}
