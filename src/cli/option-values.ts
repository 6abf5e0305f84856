// Thread: main
/**
 * Values of options, read from the text of the command line. A wrong one is wrong usage, in commander's words.
 */
import { InvalidArgumentError } from 'commander';

/** Reads a whole number within bounds. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`write a whole number from ${min} to ${max}.`);
  };
}

/** Reads one of `choices`. */
export function oneOf<T extends string>(choices: readonly T[]): (text: string) => T {
  return (text) => {
    const choice = choices.find((candidate) => candidate === text);
    if (choice !== undefined) return choice;
    throw new InvalidArgumentError(`write one of: ${choices.join(', ')}.`);
  };
}

/** Collects `--data key=value`, which may be given several times. */
export function keyAndValue(
  text: string,
  before: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('write key=value.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** Collects an option that may be given several times. */
export function oneMore(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}
