/** Runs the built command in a child process, in a folder of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { TestContext } from 'node:test';

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

type Variables = Readonly<Record<string, string>>;

export interface CommandLine {
  readonly folder: string;
  readonly write: (name: string, content: string) => string;
  readonly start: (args: readonly string[], env?: Variables) => ChildProcessWithoutNullStreams;
  readonly run: (args: readonly string[], env?: Variables, input?: string) => Promise<Ran>;
}

export const program: string = fileURLToPath(new URL('../../../../dist/src/cli.js', import.meta.url));

export function commandLine(t: TestContext): CommandLine {
  const folder = mkdtempSync(join(tmpdir(), 'meerkat-cli-'));
  const children = new Set<ChildProcessWithoutNullStreams>();
  t.after(() => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  const start: CommandLine['start'] = (args, env = {}) => {
    const child = spawn(process.execPath, [program, ...args], {
      cwd: folder,
      env: { PATH: process.env['PATH'] ?? '', ...env },
    });
    children.add(child);
    child.once('close', () => children.delete(child));
    return child;
  };
  return {
    folder,
    start,
    write(name, content) {
      const path = join(folder, name);
      writeFileSync(path, content);
      return path;
    },
    async run(args, env, input = '') {
      const child = start(args, env);
      child.stdin.end(input);
      return endOf(child);
    },
  };
}

/** Everything it will have written, from now on. */
export async function endOf(child: ChildProcessWithoutNullStreams): Promise<Ran> {
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { exitCode: Number(code), stdout, stderr };
}

/** The lines of its standard output, one for each call; '' when there are no more. */
export function linesOf(child: ChildProcessWithoutNullStreams): () => Promise<string> {
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async () => {
    const next = await lines.next();
    return next.done === true ? '' : next.value;
  };
}
