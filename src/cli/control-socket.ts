// Thread: main
/**
 * By which `meerkat reload` reaches the process that runs: a socket in the data folder, open to its owner alone. One
 * line in, one JSON line out. It can do nothing but make the process read its own configuration file again.
 */
import { chmod, mkdir, rm } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { EngineError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { Server, Socket } from 'node:net';

export interface ControlSocket {
  close(): void;
}

const fileName = 'control.sock';
const command = 'reload';

/** @param reload answers with what is printed as JSON; never rejects. Rejects when the socket cannot be made. */
export async function openControlSocket(dataDir: string, reload: () => Promise<unknown>): Promise<ControlSocket> {
  const path = join(dataDir, fileName);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    serve(socket, reload);
  });
  server.maxConnections = limits.controlConnectionsMax;
  try {
    await listen(server, path);
  } catch (error) {
    // A process that was killed leaves its socket behind; one that answers is at work.
    if (codeOf(error) !== 'EADDRINUSE' || (await isAnswered(path))) throw error;
    await rm(path, { force: true });
    await listen(server, path);
  }
  await chmod(path, 0o600);
  server.unref();
  return {
    close() {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}

/** Resolves with the answer. Throws E_ENGINE_STATE when no process serves this folder. */
export async function askForReload(dataDir: string): Promise<unknown> {
  const path = join(dataDir, fileName);
  const text = await new Promise<string>((resolve, reject) => {
    const socket = createConnection(path, () => socket.write(`${command}\n`));
    let answer = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      answer += chunk;
      if (answer.length > limits.controlAnswerBytesMax) socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
  }).catch((cause: unknown) => {
    const message = `no \`meerkat run\` answers at ${path}; is it running, with this data_dir?`;
    throw new EngineError('E_ENGINE_STATE', message, { cause });
  });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new EngineError('E_ENGINE_STATE', 'the running process ended without an answer; see its log', { cause });
  }
}

function serve(socket: Socket, reload: () => Promise<unknown>): void {
  let asked = '';
  socket.setEncoding('utf8');
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: string) => {
    asked += chunk;
    if (asked === `${command}\n`) void reload().then((answer) => socket.end(`${JSON.stringify(answer)}\n`));
    else if (asked.length > command.length) socket.destroy();
  });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
