// Thread: main
/**
 * Whether the publish-options of an `<enable/>` can work. MongooseIM checks nothing at this point, and the first push
 * then costs the client its registration (mongooseim 2.11): here it is told while it can still do something. Pure.
 */
import { carriedDevice } from '../notification/carried-device.ts';
import { limits } from '../core/limits.ts';
import { emptySummary } from '../core/notification.ts';
import { publishOptionsOf } from '../xmpp/publish-options.ts';
import { publishXml } from '../xmpp/publish-writer.ts';
import type { PublishOption } from '../core/enabled.ts';
import type { NodeId } from '../core/ids.ts';
import type { Mode, Service } from '../core/registration.ts';
import type { PublishOptions } from '../xmpp/publish-options.ts';

export type IsServed = (service: Service, mode: Mode, app: string) => boolean;

/**
 * Of a push service that is our own. Options that name no device are fine, because the node may have one.
 *
 * @param isServed whether a provider takes this; `''`: whatever mode, whatever app.
 * @returns `''`, or which field is wrong and how; never what is in it.
 */
export function optionsProblem(options: readonly PublishOption[], isServed: IsServed): string {
  if (options.length === 0) return '';
  const given = publishOptionsOf(options);
  if (given.service === '' && given.deviceId === '') return '';
  return deviceProblem(given, isServed) || shapeProblem(given);
}

/**
 * Of a push service that is not ours: nothing but whether publishes with these options can be sent to it at all. Half
 * of what a stanza may have is left for what is told of the message.
 */
export function publishProblem(node: NodeId, options: readonly PublishOption[]): string {
  const xml = publishXml({ node, summary: emptySummary, options, priorityWanted: false });
  const isLong = Buffer.byteLength(xml) > limits.outboundStanzaBytesMax / 2;
  return isLong ? 'node and fields are too long together to be published' : '';
}

const serviceNames: ReadonlySet<string> = new Set(['apns', 'fcm', 'gcm']);

function deviceProblem(given: PublishOptions, isServed: IsServed): string {
  if (given.service === '') return "the field 'device_id' needs the field 'service' beside it";
  if (given.deviceId === '') return "the field 'service' needs the field 'device_id' beside it";
  if (!serviceNames.has(given.service)) return "the field 'service' must be 'apns', 'fcm' or 'gcm'";
  const device = carriedDevice(given);
  if (device === undefined) return "the field 'device_id' is not a device token";
  const { service, mode } = device;
  if (!isServed(service, '', '')) return `nothing here pushes to '${service}', as the field 'service' asks`;
  if (!isServed(service, mode, '')) return `nothing here pushes to '${service}' as the field 'mode' asks`;
  const app = given.topic === '' ? 'pushModule' : 'topic'; // as a push chooses
  return isServed(service, mode, given[app]) ? '' : `nothing here pushes to '${service}' for what '${app}' names`;
}

type Field = 'mode' | 'priority' | 'silent' | 'mutableContent' | 'timeToLive';

interface Shape {
  readonly key: Field;
  /** As the form has it. */
  readonly name: string;
  readonly pattern: RegExp;
  readonly says: string;
}

// What MongoosePush takes (mongooseim 4.3), where flags come as text.
const shapes: readonly Shape[] = [
  { key: 'mode', name: 'mode', pattern: /^(?:prod|dev)$/, says: "'prod' or 'dev'" },
  { key: 'priority', name: 'priority', pattern: /^(?:normal|high)$/, says: "'normal' or 'high'" },
  { key: 'silent', name: 'silent', pattern: /^(?:true|false)$/, says: "'true' or 'false'" },
  { key: 'mutableContent', name: 'mutable_content', pattern: /^(?:true|false)$/, says: "'true' or 'false'" },
  { key: 'timeToLive', name: 'time_to_live', pattern: /^[0-9]{1,9}$/, says: 'a whole number of seconds' },
];

function shapeProblem(given: PublishOptions): string {
  for (const { key, name, pattern, says } of shapes) {
    if (given[key] !== '' && !pattern.test(given[key])) return `the field '${name}' must be ${says}`;
  }
  return '';
}
