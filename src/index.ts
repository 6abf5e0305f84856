// Thread: main
/**
 * The embedding API; no other module is public.
 *
 *     const engine = await createEngine({ providers: [{ name: 'apns-prod', kind: 'apns', ... }] });
 *     await engine.start();
 *     const outcome = await engine.publish({ service: 'apns', token, body: 'Hello' });
 *     await engine.stop();
 *
 * Works without any XMPP server configured: then it is a push library.
 */
import { checkedConfig } from './checked-config.ts';
import { Engine } from './engine.ts';
import { loadPlugins } from './plugin/load-plugins.ts';
import type { EngineConfigInput } from '../config/provider-schema.ts';
import type { EngineOptions } from './engine.ts';

export { Engine } from './engine.ts';
export { EngineError } from './core/errors.ts';
export type { ErrorCode } from './core/errors.ts';
export type { Clock } from './core/clock.ts';
export type { Logger } from './core/log.ts';
export type { Notification, Summary } from './core/notification.ts';
export type { Outcome, OutcomeKind } from './core/outcome.ts';
export type { Random } from './core/random.ts';
export type { Mode, Registration, Service, Target } from './core/registration.ts';
export type { ProviderReload, ReloadReport } from './engine-reload.ts';
export type { EngineFigures } from './engine-figures.ts';
export type { EngineOptions } from './engine.ts';
export type { EventResult, PublishEnd } from './core/event.ts';
export type { EventInput, MemberInput, MessageInput, StatusInput } from './event/event-input.ts';
export type { PushAdmin } from './event/event-door.ts';
export type { DisableInput, EnableInput } from './event/enable-input.ts';
export type { EnabledAnswer, EnabledRegistration, PublishOption, PushPreferences } from './core/enabled.ts';
export type { MessageEvent } from './core/event.ts';
export type { Plugin, PublishEvent, PublishNext } from './plugin/plugin.ts';
export type { PublishRequest } from './publish/publish-request.ts';
export type { EngineConfigInput } from '../config/provider-schema.ts';

/**
 * Checks a configuration in the shape of `config/meerkat.toml` (snake_case keys; what is left out has its default) and
 * makes an engine of it, which then waits for `start()`. Plugins of `[[plugins]]` are asked after those given here.
 *
 * @throws EngineError E_CONFIG_INVALID with every problem in `issues`; E_PLUGIN_INVALID.
 */
export async function createEngine(config: EngineConfigInput, options: EngineOptions = {}): Promise<Engine> {
  const checked = checkedConfig(config);
  const configured = await loadPlugins(checked.plugins);
  return new Engine(checked, { ...options, plugins: [...(options.plugins ?? []), ...configured] });
}
