// Thread: main
/** The device that travels in the publish-options, which MongooseIM's clients give with every `<enable/>`. */
import { limits } from '../core/limits.ts';
import type { Mode, Service, Target } from '../core/registration.ts';
import type { PublishOptions } from '../xmpp/publish-options.ts';

export type Device = Extract<Target, { readonly kind: 'device' }>;

/** Both `service` and `device_id` are needed (mongooseim 3.5, 4.3). */
export function carriedDevice(options: PublishOptions): Device | undefined {
  const service = serviceOf(options.service);
  const token = tokenOf(options.deviceId, service);
  if (service === undefined || token === '') return undefined;
  return { kind: 'device', service, token, voipToken: '', topic: options.topic, mode: modeOf(options) };
}

function serviceOf(name: string): Service | undefined {
  if (name === 'apns' || name === 'fcm') return name;
  return name === 'gcm' ? 'fcm' : undefined;
}

// A token ends up in paths and headers: nothing that could break out of one, whatever the gateway says of the rest.
const tokenPattern = /^[\x21-\x7e]+$/;
const hexPattern = /^[0-9a-fA-F]+$/;

function tokenOf(text: string, service: Service | undefined): string {
  if (text.length > limits.tokenBytesMax || !tokenPattern.test(text)) return '';
  return service === 'apns' && hexPattern.test(text) ? text.toLowerCase() : text;
}

function modeOf({ mode, sandbox }: PublishOptions): Mode {
  if (mode === 'prod' || mode === 'dev') return mode;
  return sandbox === 'true' ? 'dev' : '';
}
