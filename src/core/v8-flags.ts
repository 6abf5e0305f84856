// Thread: any
/**
 * What a process that parses all day asks of V8, before it allocates. Where many objects of one kind survive for some
 * time, as when a store is filled at the start, V8 takes to allocating all of that kind in its old generation. Elements
 * of stanzas then live there, each with all that it points to, until the next full collection: the core bench parsed at
 * 35 to 41 µs for each publish instead of 9 to 11.
 */
import { setFlagsFromString } from 'node:v8';

/** For programs that are the whole process; what embeds the engine decides about its own process. */
export function keepElementsYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}
