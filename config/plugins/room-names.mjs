// Thread: main
/**
 * Example of a plugin: phones show "The Garden" where they would show garden@muc.example.com.
 *
 *     [[plugins]]
 *     module = "./plugins/room-names.mjs"
 *     [plugins.options]
 *     file = "./plugins/room-names.json"      # {"garden@muc.example.com": "The Garden", ...}
 *
 * The name stands in the title, and in templates for {room_name}. It goes to phones of our own push service only: other
 * services are told of rooms by JID, as their protocol has it. What `notifications.content` holds back stays held back.
 *
 * @import { Plugin } from 'meerkat'
 */
import { readFileSync } from 'node:fs';

/**
 * Called once at start. What is wrong with the options is thrown here: then the engine does not start, and says why.
 *
 * @param {{ readonly file?: unknown }} options `[plugins.options]`; relative paths are from the working directory.
 * @returns {Plugin}
 */
export function createPlugin({ file }) {
  if (typeof file !== 'string') throw new Error('room-names: write `file`, the path of a JSON file of names');
  const names = readNames(file);
  return {
    name: 'room-names',
    // Asked for every message that is to be pushed, in the turn of the event: it looks up, and reads nothing.
    prepareNotification(event, summary) {
      if (event.type !== 'groupchat') return summary;
      const name = names.get(bareOf(event.from));
      // A summary is never changed but copied: others may hold it.
      return name === undefined ? summary : { ...summary, roomName: name };
    },
  };
}

/**
 * A Map: a room may be called `__proto__`.
 *
 * @param {string} file
 * @returns {ReadonlyMap<string, string>}
 */
function readNames(file) {
  const table = JSON.parse(readFileSync(file, 'utf8'));
  if (typeof table !== 'object' || table === null || Array.isArray(table)) {
    throw new Error(`room-names: ${file} must hold one JSON object: {"room@muc.example.com": "Name", ...}`);
  }
  const names = new Map();
  for (const [room, name] of Object.entries(table)) {
    if (typeof name !== 'string') throw new Error(`room-names: ${file}: the name of ${room} must be text`);
    names.set(room.toLowerCase(), name);
  }
  return names;
}

/** @param {string} jid */
function bareOf(jid) {
  return jid.split('/', 1)[0] ?? '';
}
