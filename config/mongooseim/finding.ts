// Thread: any
/**
 * What became of one option of MongooseIM, in words for the person who changes over. A value that may be a secret is
 * never in a finding.
 */
import type { Option, OptionSection, OptionValue } from './option-tree.ts';

/**
 * `translated`: the note names the key of Meerkat; `no-counterpart`: it says why none is needed; `ignored`: nothing to
 * do with push, or unknown; `decision`: somebody must look at the result, and the note says what for.
 */
export type Became = 'translated' | 'no-counterpart' | 'ignored' | 'decision';

export interface Finding {
  readonly key: string;
  readonly line: number;
  /** As text; `''` for a section; `[secret]` where it may be one. */
  readonly value: string;
  readonly became: Became;
  readonly note: string;
}

const valueCharactersMax = 80;
const secretName = /(?:^|[._ (])(?:\w*password\w*|\w*secret\w*|access_key_id|settings|pass)\)?$/i;

export function findingOf(node: Option | OptionSection, became: Became, note: string): Finding {
  const value = node.kind === 'section' ? '' : shownValue(node);
  return { key: printable(node.key), line: node.line, value, became, note: printable(note) };
}

function shownValue(option: Option): string {
  if (secretName.test(option.key)) return '[secret]';
  const text = printable(valueText(option.value).replace(/\/\/[^/@\s]*@/, '//[secret]@'));
  return text.length > valueCharactersMax ? `${text.slice(0, valueCharactersMax)}...` : text;
}

function valueText(value: OptionValue): string {
  return typeof value === 'object' ? `[${value.map(valueText).join(', ')}]` : String(value);
}

// The file is somebody's input: a terminal must not obey it.
function printable(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '\ufffd');
}
