// Thread: any
/**
 * One problem of a configuration, in words for the person who can remove it. Issues are collected, so that an operator
 * sees all of them at once; none of them ever contains the value of a secret.
 */
export interface ConfigIssue {
  /** Line of the file; 0 when the value came from the environment or from an object. */
  readonly line: number;
  /** `servers.0.port`, or the name of the environment variable. */
  readonly key: string;
  /** What is wrong, without a full stop. */
  readonly problem: string;
  /** What to write instead. */
  readonly remedy: string;
}

/** `meerkat.toml:12: servers.0.port: is 0. Write a number from 1 to 65535.` */
export function issueText(issue: ConfigIssue, path: string): string {
  const place = issue.line === 0 ? '' : `${path}:${issue.line}: `;
  return `${place}${issue.key === '' ? '' : `${issue.key}: `}${issue.problem}. ${issue.remedy}`;
}

/** Where a key was written: its line, and its name if the environment set it. */
export type KeyOrigin = (path: string) => { readonly line: number; readonly name: string };

/** For configurations given as an object. */
export const noOrigin: KeyOrigin = (path) => ({ line: 0, name: path });

export class ConfigIssues {
  readonly #origin: KeyOrigin;
  readonly #issues: ConfigIssue[] = [];
  readonly #paths = new Set<string>();
  readonly #sources = new Map<string, string>();

  constructor(origin: KeyOrigin) {
    this.#origin = origin;
  }

  /** Also marks `path`, so that checks which combine keys can leave out those that are wrong already. */
  add(path: string, problem: string, remedy: string): void {
    const { line, name } = this.#origin(this.#sources.get(path) ?? path);
    const sentence = `${remedy.charAt(0).toUpperCase()}${remedy.slice(1)}${remedy.endsWith('?') ? '' : '.'}`;
    this.#issues.push({ line, key: name, problem, remedy: sentence });
    this.#paths.add(path);
  }

  /** From now on trouble with the value of `path` is reported at `source`, the key that names its file. */
  readFrom(path: string, source: string): void {
    this.#sources.set(path, source);
  }

  /** Whether any of these keys has a problem of its own. */
  has(...paths: readonly string[]): boolean {
    return paths.some((path) => this.#paths.has(path));
  }

  /** How many there are so far. */
  get count(): number {
    return this.#issues.length;
  }

  /** In the order of the file. */
  list(): readonly ConfigIssue[] {
    return this.#issues.toSorted((a, b) => a.line - b.line);
  }
}
