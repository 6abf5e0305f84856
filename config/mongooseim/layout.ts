// Thread: any
/**
 * Brings older layouts of MongooseIM's options to that of 6.8 (mongooseim 2.15, 7.1): what was `mod_push`, the level
 * `backend` of 4.x and 5.0, listeners called `service`, and sections that are written outside `modules`. Keys keep the
 * names under which their operator knows them.
 */
import { newSection, optionAt, place, sectionAt, sectionsIn, take } from './option-tree.ts';
import type { OptionSection } from './option-tree.ts';

const backends = ['push', 'http', 'rabbit', 'sns'];
/** Modules that this translation knows: outside `modules` MongooseIM does not start them, which is a known mistake. */
const pushModules = [
  'mod_event_pusher',
  'mod_event_pusher_push',
  'mod_push',
  'mod_pubsub',
  'mod_pubsub_old',
  'mod_push_service_mongoosepush',
  'mod_push_app_server',
  'mod_push_push_service',
];

export interface Misplaced {
  readonly key: string;
  readonly line: number;
  readonly problem: string;
}

/** Changes `root`; returns what was found in a place where MongooseIM does not read it. */
export function toCurrentLayout(root: OptionSection): readonly Misplaced[] {
  const misplaced = [...fromOutsideModules(root), ...fromWithoutBackend(root)];
  move(root, ['modules', 'mod_push'], ['modules', 'mod_event_pusher', 'push']);
  for (const backend of backends) {
    move(root, ['modules', `mod_event_pusher_${backend}`], ['modules', 'mod_event_pusher', backend]);
    move(root, ['modules', 'mod_event_pusher', 'backend', backend], ['modules', 'mod_event_pusher', backend]);
    move(root, ['modules', 'mod_event_pusher', 'backends', backend], ['modules', 'mod_event_pusher', backend]);
  }
  for (const level of ['backend', 'backends']) {
    if (sectionAt(root, 'modules', 'mod_event_pusher', level)?.entries.size === 0) {
      take(root, 'modules', 'mod_event_pusher', level);
    }
  }
  httpHandlers(root);
  move(root, ['listen', 'service'], ['listen', 'component']);
  return misplaced;
}

function move(root: OptionSection, from: readonly string[], to: readonly string[]): void {
  const node = take(root, ...from);
  if (node !== undefined) place(root, to, node);
}

function fromOutsideModules(root: OptionSection): readonly Misplaced[] {
  return pushModules.flatMap((name) => {
    const node = root.entries.get(name);
    if (node === undefined) return [];
    move(root, [name], ['modules', name]);
    const problem = 'stands outside `modules`, where MongooseIM does not start it; read as if it were inside';
    return [{ key: node.key, line: node.line, problem }];
  });
}

/** Options of the push backend one level too high: `[modules.mod_event_pusher] plugin_module = ...`. */
function fromWithoutBackend(root: OptionSection): readonly Misplaced[] {
  const pusher = sectionAt(root, 'modules', 'mod_event_pusher');
  if (pusher === undefined) return [];
  return ['backend', 'wpool', 'plugin_module', 'virtual_pubsub_hosts', 'rules', 'iqdisc'].flatMap((name) => {
    const node = pusher.entries.get(name);
    if (node === undefined || (name === 'backend' && node.kind === 'section')) return [];
    move(pusher, [name], ['push', name]);
    const problem = 'belongs to mod_event_pusher.push, one level deeper; read as if it were there';
    return [{ key: node.key, line: node.line, problem }];
  });
}

/** 4.x and 5.0 have the handlers themselves where there is a list `handlers` today; Erlang has one after another. */
function httpHandlers(root: OptionSection): void {
  const http = sectionAt(root, 'modules', 'mod_event_pusher', 'http');
  if (http === undefined || http.entries.has('handlers')) return;
  const configs = take(http, 'configs');
  if (configs !== undefined) {
    place(http, ['handlers'], configs);
    return;
  }
  const members = sectionsIn(http).filter(([name]) => /^\d+$/.test(name));
  const handlers = newSection(http.key, http.line);
  if (members.length > 0) {
    for (const [name, member] of members) handlers.entries.set(name, member);
  } else if (http.entries.size > 0) {
    handlers.entries.set('0', { ...http, entries: new Map(http.entries) });
  }
  http.entries.clear();
  if (handlers.entries.size > 0) http.entries.set('handlers', handlers);
}

/** Which host a member of `host_config` is for. */
export function hostOf(section: OptionSection): string {
  const option = optionAt(section, 'host') ?? optionAt(section, 'host_type');
  return typeof option?.value === 'string' ? option.value : '';
}
