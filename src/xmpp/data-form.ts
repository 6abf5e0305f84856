// Thread: any
/**
 * Data forms (XEP-0004), read and written. Reading is liberal: a field without `<value>` is absent, the first value and
 * the first field of a name count, a missing form type is `submit` (xmpp 4.45, 5.21, 8.24). Names come from strangers,
 * so they are kept in a Map (xmpp 8.11). A codec on the hot path builds no form: it walks the children of `<x>` with
 * `fieldName` and `firstValue`.
 */
import { limits } from '../core/limits.ts';
import { ns } from './namespaces.ts';
import { escapeXml } from './stanza.ts';
import { attribute, bequeaths, isElement, isHeir, textOf } from './xml.ts';
import type { XmlElement } from './xml.ts';

export type FormKind = 'form' | 'submit' | 'result' | 'cancel';

export interface DataForm {
  readonly type: FormKind;
  /** First value of the field FORM_TYPE, `''` if there is none (XEP-0068). */
  readonly formType: string;
  /** The first value; `undefined` if the field is absent or has no value. `''` and `0` are values. */
  get(name: string): string | undefined;
  all(name: string): readonly string[];
}

export function formKind(x: XmlElement): FormKind {
  const type = attribute(x, 'type');
  return type === 'form' || type === 'result' || type === 'cancel' ? type : 'submit';
}

/**
 * The `var` of a `<field>`; `''` for anything else.
 *
 * @param inherits whether `<x>` bequeaths the namespace of forms; so below.
 */
export function fieldName(child: XmlElement | string, inherits: boolean): string {
  if (typeof child === 'string' || !isHeir(child, 'field', ns.data, inherits)) return '';
  return attribute(child, 'var') ?? '';
}

/** The text of the first `<value>`, whatever its length. */
export function firstValue(element: XmlElement | string, inherits: boolean): string | undefined {
  if (typeof element === 'string') return undefined;
  const own = element.attrs['xmlns'];
  const passesOn = own === undefined ? inherits : own === ns.data;
  for (const child of element.children) {
    if (typeof child !== 'string' && isHeir(child, 'value', ns.data, passesOn)) return textOf(child);
  }
  return undefined;
}

/** False: longer than a field may be; such a value counts as absent, because a cut one would mean something else. */
export function fitsField(value: string, bytesMax: number = limits.fieldBytesMax): boolean {
  return value.length * 3 <= bytesMax || (value.length <= bytesMax && Buffer.byteLength(value) <= bytesMax);
}

const noValues: readonly string[] = [];

/** For requests that are not on the hot path. Fields past `limits.formFieldsMax` are not looked at. */
export function readForm(x: XmlElement): DataForm {
  const fields = new Map<string, readonly string[]>();
  const inherits = bequeaths(x, ns.data);
  let seen = 0;
  for (const child of x.children) {
    const name = fieldName(child, inherits);
    if (name === '' || typeof child === 'string') continue;
    seen += 1;
    if (seen > limits.formFieldsMax) break;
    if (!fields.has(name)) fields.set(name, valuesOf(child));
  }
  const get = (name: string): string | undefined => fields.get(name)?.[0];
  return { type: formKind(x), formType: get('FORM_TYPE') ?? '', get, all: (name) => fields.get(name) ?? noValues };
}

function valuesOf(element: XmlElement): readonly string[] {
  const values: string[] = [];
  for (const child of element.children) {
    if (typeof child === 'string' || !isElement(child, 'value', ns.data)) continue;
    const value = textOf(child);
    if (fitsField(value)) values.push(value);
    if (values.length === limits.formFieldsMax) break;
  }
  return values;
}

export interface FormField {
  readonly name: string;
  /** XEP-0004 §3.3; `''` = not written, which means text-single. */
  readonly type: string;
  readonly values: readonly string[];
  /** `''` = none. */
  readonly label: string;
  readonly required: boolean;
  readonly options: readonly { readonly label: string; readonly value: string }[];
}

const plain = { label: '', required: false, options: [] } as const;

export function field(name: string, type: string, ...values: readonly string[]): FormField {
  return { ...plain, name, type, values };
}

/** The hidden field that says which form this is. */
export function formTypeField(formType: string): FormField {
  return field('FORM_TYPE', 'hidden', formType);
}

/** @param title `''` = none. */
export function formXml(type: FormKind, fields: readonly FormField[], title = ''): string {
  const head = title === '' ? '' : `<title>${escapeXml(title)}</title>`;
  return `<x xmlns='${ns.data}' type='${type}'>${head}${fields.map(fieldXml).join('')}</x>`;
}

function fieldXml({ name, type, label, required, options, values }: FormField): string {
  let xml = `<field var='${escapeXml(name)}'`;
  if (type !== '') xml += ` type='${type}'`;
  if (label !== '') xml += ` label='${escapeXml(label)}'`;
  xml += '>';
  if (required) xml += '<required/>';
  for (const value of values) xml += `<value>${escapeXml(value)}</value>`;
  for (const option of options) {
    xml += `<option label='${escapeXml(option.label)}'><value>${escapeXml(option.value)}</value></option>`;
  }
  return `${xml}</field>`;
}

/** Several results at once: `reported` comes before the items, and every item has every column (XEP-0004 §3.4). */
export function tableXml(
  columns: readonly { readonly name: string; readonly label: string }[],
  rows: readonly (readonly string[])[],
): string {
  const reported = columns.map(({ name, label }) =>
    fieldXml({ ...plain, name, label, type: 'text-single', values: [] }),
  );
  const items = rows.map(
    (row) => `<item>${columns.map(({ name }, index) => fieldXml(field(name, '', row[index] ?? ''))).join('')}</item>`,
  );
  return `<x xmlns='${ns.data}' type='result'><reported>${reported.join('')}</reported>${items.join('')}</x>`;
}
