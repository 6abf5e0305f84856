// Thread: main
/** A configuration as a program writes it, checked: what is wrong with it is thrown, all of it at once. */
import { parseConfigObject } from '../config/parse-config.ts';
import { EngineError } from './core/errors.ts';
import type { EngineConfig } from '../config/engine-config.ts';
import type { EngineConfigInput } from '../config/provider-schema.ts';

/** @throws EngineError E_CONFIG_INVALID with every problem in `issues`. */
export function checkedConfig(config: EngineConfigInput): EngineConfig {
  const checked = parseConfigObject(config);
  if (checked.ok) return checked.value;
  const issues = checked.error.map(({ key, problem, remedy }) => `${key}: ${problem}; ${remedy}`);
  throw new EngineError('E_CONFIG_INVALID', `the configuration has ${issues.length} problem(s)`, { issues });
}
