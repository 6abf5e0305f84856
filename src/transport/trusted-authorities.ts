// Thread: any
/**
 * Reads the PEM file of the authorities an operator trusts for one gateway. With such a file nobody else is trusted,
 * because a private gateway needs no public authority to vouch for it.
 */
import { readFileSync } from 'node:fs';
import { EngineError } from '../core/errors.ts';

/** PEM text; `''` for no file. Throws `E_CONFIG_UNREADABLE`. */
export function readTrustedAuthorities(caFile: string): string {
  if (caFile === '') return '';
  try {
    return readFileSync(caFile, 'utf8');
  } catch (error) {
    throw new EngineError('E_CONFIG_UNREADABLE', `the authorities' file ${caFile} cannot be read`, { cause: error });
  }
}
