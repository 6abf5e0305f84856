// Thread: main
/**
 * The key that node secrets and command sessions are derived from: the configured one, or one made at the first start
 * and kept in the data folder. Losing it makes every secret handed out worthless, so it is written before it is used.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../core/errors.ts';
import type { Random } from '../core/random.ts';

const fileName = 'secret.key';
const keyBytes = 32;

/** @throws EngineError E_STORE_IO when the file can be neither read nor made. */
export function secretKeyOf(configured: string, dataDir: string, random: Random): Buffer {
  if (configured !== '') return Buffer.from(configured);
  const path = join(dataDir, fileName);
  return read(path) ?? create(path, dataDir, random);
}

function read(path: string): Buffer | undefined {
  try {
    const key = Buffer.from(readFileSync(path, 'utf8').trim(), 'base64url');
    if (key.length >= keyBytes) return key;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new EngineError('E_STORE_IO', `${path} cannot be read; check its owner and mode`, { cause: error });
  }
  throw new EngineError('E_STORE_IO', `${path} is not a key of ${keyBytes} bytes; restore it from a backup`);
}

function create(path: string, dataDir: string, random: Random): Buffer {
  const key = random.bytes(keyBytes);
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    // 'wx': two engines that start at once must not each keep a key of their own.
    const file = openSync(path, 'wx', 0o600);
    writeSync(file, `${key.toString('base64url')}\n`);
    fsyncSync(file);
    closeSync(file);
    return key;
  } catch (error) {
    const other = isCode(error, 'EEXIST') ? read(path) : undefined;
    if (other !== undefined) return other;
    throw new EngineError('E_STORE_IO', `${path} cannot be made; check the data folder`, { cause: error });
  }
}

function isMissing(error: unknown): boolean {
  return isCode(error, 'ENOENT');
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
