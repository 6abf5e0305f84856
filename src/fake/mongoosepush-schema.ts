// Thread: any
/**
 * MongoosePush's request schemas and its way of casting and complaining: unknown fields pre-empt everything, then
 * missing ones, then wrong values; numbers and booleans may come as text. MongoosePush's OpenAPI document, v1 to v3.
 */
import { unreachable } from '../core/assert.ts';
import { isObject } from './apns-token.ts';

export type ApiVersion = 'v1' | 'v2' | 'v3';

export interface SchemaError {
  readonly title: 'Invalid value';
  readonly source: { readonly pointer: string };
  readonly message: string;
}

/** A request after casting. */
export interface MongoosePushRequest {
  readonly service: 'apns' | 'fcm';
  readonly kind: 'alert' | 'silent' | 'mixed';
  /** Cast values by field name, with the schema's defaults; v1's flat fields stay flat. */
  readonly fields: Readonly<Record<string, unknown>>;
}

type Kind =
  | { readonly kind: 'text' }
  | { readonly kind: 'choice'; readonly values: readonly string[] }
  | { readonly kind: 'integer' }
  | { readonly kind: 'flag' }
  | { readonly kind: 'free' }
  | { readonly kind: 'texts' }
  | { readonly kind: 'object'; readonly schema: Schema };

interface Schema {
  readonly required: readonly string[];
  readonly fields: Readonly<Record<string, Kind>>;
}

const text: Kind = { kind: 'text' };
const integer: Kind = { kind: 'integer' };
const free: Kind = { kind: 'free' };
const service: Kind = { kind: 'choice', values: ['fcm', 'apns'] };
const mode: Kind = { kind: 'choice', values: ['prod', 'dev'] };
const priority: Kind = { kind: 'choice', values: ['normal', 'high'] };
const alert: Schema = {
  required: ['title', 'body'],
  fields: { title: text, body: text, badge: integer, click_action: text, tag: text, sound: text },
};
const common: Schema['fields'] = {
  service,
  mode,
  priority,
  time_to_live: integer,
  mutable_content: { kind: 'flag' },
  tags: { kind: 'texts' },
  topic: text,
};

const flatSchema: Schema = {
  required: ['service', 'title', 'body'],
  fields: {
    service,
    title: text,
    body: text,
    badge: integer,
    click_action: text,
    tag: text,
    topic: text,
    data: free,
    mode,
  },
};
const alertSchema: Schema = {
  required: ['service', 'alert'],
  fields: { ...common, alert: { kind: 'object', schema: alert } },
};
const silentSchema: Schema = { required: ['service', 'data'], fields: { ...common, data: free } };
const mixedSchema: Schema = {
  required: ['service', 'alert', 'data'],
  fields: { ...common, alert: { kind: 'object', schema: alert }, data: free },
};

const fieldNameMax = 40;
const int32Max = 2_147_483_647;

/** Returns the cast request, or every complaint in the order MongoosePush lists them. */
export function castRequest(version: ApiVersion, body: unknown): MongoosePushRequest | readonly SchemaError[] {
  if (!isObject(body)) return [schemaError('', wrongType('object', body))];
  const hasAlert = Object.hasOwn(body, 'alert');
  const hasData = Object.hasOwn(body, 'data');
  const kind = version === 'v1' ? (hasData ? 'mixed' : 'alert') : hasData ? (hasAlert ? 'mixed' : 'silent') : 'alert';
  const errors: SchemaError[] = [];
  const fields = castObject(body, schemaOf(version, kind), '', errors);
  if (errors.length > 0) return errors;
  const defaults = version === 'v1' ? {} : { mutable_content: false, tags: [] };
  return { service: fields['service'] === 'fcm' ? 'fcm' : 'apns', kind, fields: { ...defaults, ...fields } };
}

function schemaOf(version: ApiVersion, kind: MongoosePushRequest['kind']): Schema {
  if (version === 'v1') return flatSchema;
  return kind === 'alert' ? alertSchema : kind === 'silent' ? silentSchema : mixedSchema;
}

export function schemaError(pointer: string, message: string): SchemaError {
  return { title: 'Invalid value', source: { pointer: pointer === '' ? '/' : pointer }, message };
}

function castObject(
  value: Readonly<Record<string, unknown>>,
  schema: Schema,
  pointer: string,
  errors: SchemaError[],
): Readonly<Record<string, unknown>> {
  const unknown = Object.keys(value).find((name) => !Object.hasOwn(schema.fields, name));
  if (unknown !== undefined) {
    const name = unknown.slice(0, fieldNameMax);
    errors.push(schemaError(`${pointer}/${name}`, `Unexpected field: ${name}`));
    return {};
  }
  const missing = schema.required.filter((name) => !Object.hasOwn(value, name));
  for (const name of missing) errors.push(schemaError(`${pointer}/${name}`, `Missing field: ${name}`));
  if (missing.length > 0) return {};
  const cast: Record<string, unknown> = {};
  for (const [name, kind] of Object.entries(schema.fields)) {
    if (Object.hasOwn(value, name)) cast[name] = castValue(value[name], kind, `${pointer}/${name}`, errors);
  }
  return cast;
}

function castValue(value: unknown, kind: Kind, pointer: string, errors: SchemaError[]): unknown {
  const refuse = (message: string): undefined => {
    errors.push(schemaError(pointer, message));
    return undefined;
  };
  const type = typeNames[kind.kind];
  if (value === null) return refuse(`null value where ${type} expected`);
  switch (kind.kind) {
    case 'text':
      return typeof value === 'string' ? value : refuse(wrongType(type, value));
    case 'choice':
      if (typeof value !== 'string') return refuse(wrongType(type, value));
      return kind.values.includes(value) ? value : refuse('Invalid value for enum');
    case 'integer': {
      const number = typeof value === 'string' && /^[+-]?\d+$/.test(value) ? Number(value) : value;
      if (typeof number !== 'number' || !Number.isInteger(number)) return refuse(wrongType(type, value));
      return number > int32Max || number < -int32Max - 1 ? refuse('Invalid format. Expected :int32') : number;
    }
    case 'flag':
      if (value === 'true' || value === 'false') return value === 'true';
      return typeof value === 'boolean' ? value : refuse(wrongType(type, value));
    case 'free':
      return isObject(value) ? value : refuse(wrongType(type, value));
    case 'texts':
      if (!Array.isArray(value)) return refuse(wrongType(type, value));
      return value.map((item: unknown, index) => castValue(item, text, `${pointer}/${index}`, errors));
    case 'object':
      return isObject(value) ? castObject(value, kind.schema, pointer, errors) : refuse(wrongType(type, value));
    default:
      return unreachable(kind);
  }
}

const typeNames: Readonly<Record<Kind['kind'], string>> = {
  text: 'string',
  choice: 'string',
  integer: 'integer',
  flag: 'boolean',
  free: 'object',
  texts: 'array',
  object: 'object',
};

function wrongType(expected: string, value: unknown): string {
  return `Invalid ${expected}. Got: ${nameOfType(value)}`;
}

function nameOfType(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}
