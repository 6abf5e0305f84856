// Thread: any
/**
 * Finds the line on which each key of a TOML file is written: smol-toml gives values without places, and a problem
 * without its line is half a message. Reads only files that smol-toml has accepted, so it may skip what it need not
 * know (TOML 1.0: headers, dotted and quoted keys, inline tables, all four kinds of strings).
 */
export type KeyLines = ReadonlyMap<string, number>;

/** Keys are dotted paths with array positions: `servers.0.tls.mode`. Tables have the line of their header. */
export function findKeyLines(text: string): KeyLines {
  const scanner = new Scanner(text);
  const arrays = new Map<string, number>();
  let table = '';
  for (;;) {
    scanner.skipBlank();
    if (scanner.atEnd) return scanner.lines;
    if (scanner.take('[')) {
      const isArray = scanner.take('[');
      table = tablePath(scanner.key(), isArray, arrays);
      scanner.note(table);
      scanner.skipLine();
    } else {
      scanner.pair(table);
    }
  }
}

/** The line of `path`, or of the nearest table around it; 1 when nothing of it is in the file. */
export function lineOf(lines: KeyLines, path: string): number {
  for (let known = path; known !== ''; known = known.slice(0, Math.max(0, known.lastIndexOf('.')))) {
    const line = lines.get(known);
    if (line !== undefined) return line;
  }
  return 1;
}

// `[[servers]]` starts a new member; `[servers.tls]` after it means the last one.
function tablePath(parts: readonly string[], isArray: boolean, arrays: Map<string, number>): string {
  let path = '';
  for (const [index, part] of parts.entries()) {
    path = join(path, part);
    const isLast = index === parts.length - 1;
    const count = arrays.get(path);
    if (isLast && isArray) {
      arrays.set(path, (count ?? 0) + 1);
      path = join(path, String(count ?? 0));
    } else if (count !== undefined) {
      path = join(path, String(count - 1));
    }
  }
  return path;
}

function join(path: string, part: string): string {
  return path === '' ? part : `${path}.${part}`;
}

class Scanner {
  readonly lines = new Map<string, number>();
  readonly #text: string;
  #at = 0;
  #line = 1;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  note(path: string): void {
    if (!this.lines.has(path)) this.lines.set(path, this.#line);
  }

  take(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  skipLine(): void {
    while (!this.atEnd && this.#text[this.#at] !== '\n') this.#at += 1;
  }

  skipBlank(): void {
    while (!this.atEnd) {
      const char = this.#text[this.#at] ?? '';
      if (char === '#') this.skipLine();
      else if (' \t\r\n,'.includes(char)) this.#step();
      else return;
    }
  }

  /** Reads `a."b.c".d` up to what follows it. */
  key(): readonly string[] {
    const parts: string[] = [];
    do {
      this.#skipSpaces();
      const char = this.#text[this.#at];
      parts.push(char === '"' || char === "'" ? this.#string().slice(1, -1) : this.#bareKey());
      this.#skipSpaces();
    } while (this.take('.'));
    return parts;
  }

  pair(table: string): void {
    const before = this.#at;
    const lineAtKey = this.#line;
    const parts = this.key();
    let path = table;
    for (const part of parts) {
      path = join(path, part);
      if (!this.lines.has(path)) this.lines.set(path, lineAtKey);
    }
    this.#skipSpaces();
    this.take('=');
    this.#value(path);
    // Text that this scanner does not understand must not stop it.
    if (this.#at === before) this.#step();
  }

  #value(path: string): void {
    this.skipBlank();
    const char = this.#text[this.#at];
    if (char === '"' || char === "'") this.#string();
    else if (char === '[') this.#array(path);
    else if (char === '{') this.#inlineTable(path);
    else while (!this.atEnd && !',]}#\n'.includes(this.#text[this.#at] ?? '')) this.#step();
  }

  #array(path: string): void {
    this.take('[');
    for (let index = 0; ; index++) {
      this.skipBlank();
      if (this.atEnd || this.take(']')) return;
      this.note(join(path, String(index)));
      const before = this.#at;
      this.#value(join(path, String(index)));
      if (this.#at === before) this.#step();
    }
  }

  #inlineTable(path: string): void {
    this.take('{');
    for (;;) {
      this.skipBlank();
      if (this.atEnd || this.take('}')) return;
      this.pair(path);
    }
  }

  /** One string with its quotes, of any of the four kinds. */
  #string(): string {
    const start = this.#at;
    const quote = this.#text[this.#at] ?? '"';
    const end = this.#text.startsWith(quote.repeat(3), this.#at) ? quote.repeat(3) : quote;
    this.#at += end.length;
    while (!this.atEnd && !this.#text.startsWith(end, this.#at)) {
      if (quote === '"' && this.#text[this.#at] === '\\') this.#step();
      this.#step();
    }
    this.#at += end.length;
    // A multi-line string may end in one or two quotes of its own before the closing three.
    if (end.length === 3) while (this.#text[this.#at] === quote) this.#at += 1;
    return this.#text.slice(start, this.#at);
  }

  #bareKey(): string {
    const start = this.#at;
    while (!this.atEnd && !/[\s.=\]#]/.test(this.#text[this.#at] ?? '')) this.#at += 1;
    return this.#text.slice(start, this.#at);
  }

  #skipSpaces(): void {
    while (this.#text[this.#at] === ' ' || this.#text[this.#at] === '\t') this.#at += 1;
  }

  #step(): void {
    if (this.#text[this.#at] === '\n') this.#line += 1;
    this.#at += 1;
  }
}
