// Thread: any
/**
 * What schema.ts says about one key, and the type a checked value of it has. The tables are plain data, so that the
 * reference page, the checks and the environment variables are all made from the same lines.
 */
interface KeyCommon {
  /** One or two sentences for an operator: what it does, special values, when to touch it. */
  readonly says: string;
  /** A valid value, for keys without a useful default. */
  readonly example?: string | number;
  /** Absent values are a problem. */
  readonly required?: true;
  /** Absent values stay absent: to leave the key out means something that no value means. */
  readonly optional?: true;
  /** Never shown; also readable from the file that `<key>_file` names. */
  readonly secret?: true;
  /** Also readable from the file that `<key>_file` names, though it is not secret. */
  readonly byFile?: true;
}

export interface TextKey extends KeyCommon {
  readonly type: 'text';
  readonly default?: string;
  /** What the text must look like besides its length; `''` always passes unless `minBytes` is set. */
  readonly form?: TextForm;
  readonly minBytes?: number;
  readonly maxBytes?: number;
}

export type TextForm =
  | 'domain'
  | 'host'
  | 'file'
  | 'folder'
  | 'url'
  | 'proxy-url'
  | 'amqp-url'
  | 'database-url'
  | 'label'
  | 'provider-name'
  | 'pem'
  | 'json'
  | 'token'
  | 'language'
  | 'time-of-day'
  | 'time-zone';

export interface NumberKey extends KeyCommon {
  readonly type: 'integer' | 'number';
  readonly unit: 'ms' | 's' | 'h' | 'days' | 'bytes' | 'MiB' | 'port' | 'share' | '';
  readonly default?: number;
  readonly min: number;
  readonly max: number;
  readonly powerOfTwo?: true;
}

export interface FlagKey extends KeyCommon {
  readonly type: 'flag';
  readonly default?: boolean;
}

export interface ChoiceKey extends KeyCommon {
  readonly type: 'choice';
  readonly choices: readonly string[];
  readonly default?: string;
}

/** A list of texts, or of choices. */
export interface ListKey extends KeyCommon {
  readonly type: 'list';
  readonly choices?: readonly string[];
  readonly default: readonly string[];
  readonly itemsMax: number;
}

export type ConfigKey = TextKey | NumberKey | FlagKey | ChoiceKey | ListKey;
export type KeyTable = Readonly<Record<string, ConfigKey>>;

type Member<C> = C extends readonly (infer Item)[] ? Item : never;

/** The type of a checked value of key `K`. */
export type KeyValue<K> = WrittenValue<K> | (K extends { readonly optional: true } ? undefined : never);

type WrittenValue<K> = K extends { readonly type: 'list'; readonly choices: infer C }
  ? readonly Member<C>[]
  : K extends { readonly type: 'list' }
    ? readonly string[]
    : K extends { readonly type: 'choice'; readonly choices: infer C }
      ? Member<C>
      : K extends { readonly type: 'integer' | 'number' }
        ? number
        : K extends { readonly type: 'flag' }
          ? boolean
          : string;

/** A checked section: every key is there. */
export type Checked<T extends KeyTable> = { readonly [K in keyof T]: KeyValue<T[K]> };
/** What may be written for a section: any key may be left to its default, any secret may be in a file. */
export type Written<T extends KeyTable> = { readonly [K in keyof T]?: KeyValue<T[K]> } & {
  readonly [K in keyof T & string as `${K}_file`]?: string;
};

/** Whether the value may also be given as the name of a file that holds it. */
export function isReadableFromFile(key: ConfigKey): boolean {
  return key.secret === true || key.byFile === true;
}
