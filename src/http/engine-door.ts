// Thread: main
/** What the HTTP server needs of the engine; in tests, a door that answers as a test wants. */
import type { EventDoor } from '../event/event-door.ts';

export type EngineDoor = Pick<
  EventDoor,
  'onRawEvents' | 'enable' | 'disable' | 'removeAccount' | 'removeDomain' | 'enabledOf' | 'pushIQ'
>;
