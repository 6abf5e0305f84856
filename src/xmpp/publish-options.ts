// Thread: any
/**
 * Publish-options, known fields only (xmpp 4.45, 4.46, 5.30). ejabberd forwards forms without FORM_TYPE, so such a form
 * counts; one with a foreign FORM_TYPE is ignored. Unknown fields are ignored although XEP-0060 §7.1.5 would have them
 * rejected: apps put their own there. On the hot path: one walk, one object.
 */
import { fieldName, firstValue, fitsField, formKind } from './data-form.ts';
import { ns } from './namespaces.ts';
import { bequeaths, isElement } from './xml.ts';
import type { XmlElement } from './xml.ts';
import type { PublishOption } from '../core/enabled.ts';

/** As the publisher sent them; `''` = absent (xmpp 5.30, mongooseim 4.3). */
export interface PublishOptions {
  /** False when there was no form, or one with a foreign FORM_TYPE. */
  readonly present: boolean;
  readonly secret: string;
  readonly service: string;
  readonly deviceId: string;
  readonly mode: string;
  readonly topic: string;
  readonly silent: string;
  readonly priority: string;
  readonly sound: string;
  readonly clickAction: string;
  readonly mutableContent: string;
  readonly timeToLive: string;
  readonly sandbox: string;
  readonly pushModule: string;
  /** Of the phone, as BCP 47 writes it: `de-AT`. */
  readonly language: string;
  /** `pubsub#access_model` if it was given as a precondition (XEP-0060 §7.1.5). */
  readonly accessModel: string;
}

type Draft = { -readonly [K in keyof PublishOptions]: PublishOptions[K] };

function draft(present: boolean): Draft {
  return {
    present,
    secret: '',
    service: '',
    deviceId: '',
    mode: '',
    topic: '',
    silent: '',
    priority: '',
    sound: '',
    clickAction: '',
    mutableContent: '',
    timeToLive: '',
    sandbox: '',
    pushModule: '',
    language: '',
    accessModel: '',
  };
}

/** No form, or none of ours. */
export const noPublishOptions: PublishOptions = Object.freeze(draft(false));

/** @param element `<publish-options/>`, if there was one. */
export function readPublishOptions(element: XmlElement | undefined): PublishOptions {
  if (element === undefined) return noPublishOptions;
  let unnamed: PublishOptions | undefined;
  for (const child of element.children) {
    if (typeof child === 'string' || !isElement(child, 'x', ns.data) || formKind(child) === 'cancel') continue;
    const options = draft(true);
    const formType = readInto(options, child);
    if (formType === ns.pubsubPublishOptions) return options;
    if (formType === '') unnamed ??= options;
  }
  return unnamed ?? noPublishOptions;
}

/** What a form of these fields would be read as, without the form: for publishes that leave no trace on a wire. */
export function publishOptionsOf(fields: readonly PublishOption[]): PublishOptions {
  if (fields.length === 0) return noPublishOptions;
  const options = draft(true);
  for (const [name, value] of fields) if (value !== '' && fitsField(value)) keep(options, name, value);
  return options;
}

/** Returns the FORM_TYPE. */
function readInto(options: Draft, x: XmlElement): string {
  let formType = '';
  const inherits = bequeaths(x, ns.data);
  for (const child of x.children) {
    const name = fieldName(child, inherits);
    if (name === '') continue;
    const value = firstValue(child, inherits);
    // Too long for a credential or a token is as good as absent; a cut one would be somebody else's.
    if (value === undefined || value === '' || !fitsField(value)) continue;
    if (name === 'FORM_TYPE') formType ||= value;
    else keep(options, name, value);
  }
  return formType;
}

function keep(options: Draft, name: string, value: string): void {
  const key = keys.get(name);
  if (key !== undefined) options[key] ||= value;
}

type TextKey = Exclude<keyof PublishOptions, 'present'>;

const keys: ReadonlyMap<string, TextKey> = new Map<string, TextKey>([
  ['secret', 'secret'],
  ['service', 'service'],
  ['device_id', 'deviceId'],
  ['mode', 'mode'],
  ['topic', 'topic'],
  ['silent', 'silent'],
  ['priority', 'priority'],
  ['sound', 'sound'],
  ['click_action', 'clickAction'],
  ['mutable_content', 'mutableContent'],
  ['time_to_live', 'timeToLive'],
  ['sandbox', 'sandbox'],
  ['pushModule', 'pushModule'],
  ['language', 'language'],
  ['lang', 'language'],
  ['pubsub#access_model', 'accessModel'],
]);
