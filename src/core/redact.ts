// Thread: any
import { createHash } from 'node:crypto';

/** Stands for a token, secret or node id where people read: the first 8 hex digits of its SHA-256. Not reversible. */
export function hashForPeople(secret: string): string {
  return `#${createHash('sha256').update(secret).digest('hex').slice(0, 8)}`;
}
