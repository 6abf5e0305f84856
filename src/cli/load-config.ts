// Thread: main
/**
 * Reads and checks the configuration file of a command, with the environment over it. Every command that needs one
 * complains in the same words.
 */
import { readFileSync } from 'node:fs';
import { issueText } from '../../config/config-issue.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { EngineError } from '../core/errors.ts';
import type { ConfigResult } from '../../config/parse-config.ts';
import type { EngineConfig } from '../../config/engine-config.ts';

/** Throws E_CONFIG_UNREADABLE when there is no such file. */
export function readConfig(path: string): ConfigResult {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const message = `cannot read ${path}; name the configuration file with --config`;
    throw new EngineError('E_CONFIG_UNREADABLE', message, { cause: error });
  }
  return parseConfig({ text, path, env: process.env, readFile: (name) => readFileSync(name, 'utf8') });
}

/** Throws E_CONFIG_UNREADABLE, or E_CONFIG_INVALID with a line for each problem. */
export function loadConfig(path: string): EngineConfig {
  const result = readConfig(path);
  if (result.ok) return result.value;
  const issues = result.error.map((issue) => issueText(issue, path));
  throw new EngineError('E_CONFIG_INVALID', `${path} has ${problemCount(issues.length)}`, { issues });
}

export function problemCount(count: number): string {
  return count === 1 ? 'one problem' : `${count} problems`;
}
