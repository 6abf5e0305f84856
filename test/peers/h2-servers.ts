/**
 * Real HTTP/2 servers that are not ours: nghttpd (nghttp2), nginx, Go's net/http, node:http2. Each answers POSTs to
 * `/echo` with what it got or, nginx, with a page.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http2 from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { absence } from './real-server.ts';
import { ServerProcess, accepts, freePorts, programPath, startServer } from './server-process.ts';
import type { ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { IssuedCertificate } from '../../src/fake/certificates.ts';

const nghttpd = programPath('nghttpd');
const nginx = programPath('nginx');
const go = programPath('go');
const setpriv = programPath('setpriv');

export const nghttpdAbsent: false | string = absence('nghttpd', [nghttpd, setpriv]);
export const nginxAbsent: false | string = absence('nginx', [nginx, setpriv]);
/** Go is a compiler of hundreds of megabytes: tested where it is, demanded nowhere. */
export const goAbsent: false | string =
  go !== undefined && setpriv !== undefined ? false : 'Go is not installed here: the HTTP/2 server of its net/http';
if (goAbsent !== false) console.error(`\n*** NOT TESTED: ${goAbsent}\n`);

export interface H2Server {
  readonly port: number;
  /** Name and version, as it tells them itself. */
  readonly version: string;
  /** Lets go of its connections as it does when it is replaced, and goes on with others. */
  readonly letGo: () => void;
  /** Tags (`x-tag`) of requests that came more than once, of a server that knows. */
  readonly handledTwice: () => readonly string[];
  readonly tail: () => string;
  readonly stop: () => Promise<void>;
}

export interface H2ServerOptions {
  readonly streamsMax: number;
  /** Requests after which nginx lets a connection go. */
  readonly requestsMax: number;
  /** nginx: of the page it answers with. */
  readonly pageBytes: number;
  /** nghttpd: INITIAL_WINDOW_SIZE of 2^bits - 1. */
  readonly windowBits: number;
  /** nghttpd: frames are padded by up to as many bytes, and responses end with trailers. */
  readonly paddingBytes: number;
}

export const usual: H2ServerOptions = {
  streamsMax: 128,
  requestsMax: 1_000_000,
  pageBytes: 20_000,
  windowBits: 16,
  paddingBytes: 0,
};

// 2 s for a server; building Go's takes longer on a busy machine.
const startMs = 60_000;

function certificateFiles({ certPem, keyPem }: IssuedCertificate): Record<string, string> {
  return { 'server.crt': certPem, 'server.key': keyPem };
}

const noEnvironment = (): Record<string, string> => ({});

export async function startNghttpd(
  certificate: IssuedCertificate,
  changes: Partial<H2ServerOptions>,
): Promise<H2Server> {
  const { streamsMax, windowBits, paddingBytes } = { ...usual, ...changes };
  const padded = paddingBytes === 0 ? [] : ['-b', String(paddingBytes), '--trailer', 'x-trailer: yes'];
  return await startServer(async () => {
    const [port = 0] = await freePorts(1);
    const server = new ServerProcess({
      name: 'nghttpd',
      user: 'www-data',
      files: () => certificateFiles(certificate),
      environment: noEnvironment,
      command: () => [
        nghttpd ?? 'nghttpd',
        ...['--address=127.0.0.1', '--echo-upload', '-m', String(streamsMax), '-w', String(windowBits), ...padded],
        ...[String(port), 'server.key', 'server.crt'],
      ],
    });
    return await upAt(server, port, {
      version: execFileSync(nghttpd ?? 'nghttpd', ['--version'], { encoding: 'utf8' }).trim(),
      letGo: () => undefined,
    });
  });
}

export async function startNginx(certificate: IssuedCertificate, changes: Partial<H2ServerOptions>): Promise<H2Server> {
  const options = { ...usual, ...changes };
  return await startServer(async () => {
    const [port = 0] = await freePorts(1);
    const server = new ServerProcess({
      name: 'nginx',
      user: 'www-data',
      files: () => ({
        ...certificateFiles(certificate),
        echo: 'p'.repeat(options.pageBytes),
        'nginx.conf': nginxConfiguration(port, options),
      }),
      environment: noEnvironment,
      // One process: workers would outlive a master that is killed.
      command: (folder) => [nginx ?? 'nginx', '-p', folder, '-e', 'nginx.log', '-c', 'nginx.conf'],
    });
    return await upAt(server, port, {
      version: server.run('sh', ['-c', `${nginx ?? 'nginx'} -v 2>&1`]).trim(),
      letGo: () => undefined,
    });
  });
}

function nginxConfiguration(port: number, { streamsMax, requestsMax }: H2ServerOptions): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
daemon off;
master_process off;
pid nginx.pid;
error_log nginx.log warn;
events { worker_connections 256; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${name};`).join(' ')}
  default_type text/plain;
  server {
    listen 127.0.0.1:${port} ssl http2;
    ssl_certificate server.crt;
    ssl_certificate_key server.key;
    http2_max_concurrent_streams ${streamsMax};
    keepalive_requests ${requestsMax};
    root .;
    location = /ok { add_header apns-id nginx always; return 200; }
    location = /bad { add_header apns-id nginx always; return 400 '{"reason":"BadTopic"}'; }
    location = /echo { error_page 405 =200 /echo; }
  }
}
`;
}

let goProgram: string | undefined;

/** Built once for each test process; its cache is Go's own. */
function goServerProgram(): string {
  if (goProgram !== undefined) return goProgram;
  const folder = mkdtempSync(join(tmpdir(), 'meerkat-go-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const source = fileURLToPath(new URL('../../../test/peers/h2-server.go', import.meta.url));
  const program = join(folder, 'h2-server');
  execFileSync(go ?? 'go', ['build', '-o', program, source], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  execFileSync('chmod', ['755', folder]);
  return (goProgram = program);
}

export async function startGo(certificate: IssuedCertificate, changes: Partial<H2ServerOptions>): Promise<H2Server> {
  const { streamsMax } = { ...usual, ...changes };
  const program = goServerProgram();
  return await startServer(async () => {
    const [port = 0, control = 0] = await freePorts(2);
    const server = new ServerProcess({
      name: 'go',
      user: 'www-data',
      files: () => certificateFiles(certificate),
      environment: noEnvironment,
      command: () => [program, `127.0.0.1:${port}`, `127.0.0.1:${control}`, String(streamsMax)],
    });
    return await upAt(server, port, {
      version: execFileSync(go ?? 'go', ['version'], { encoding: 'utf8' }).trim(),
      letGo: () => void accepts(control),
    });
  });
}

async function upAt(
  server: ServerProcess,
  port: number,
  { version, letGo }: Pick<H2Server, 'version' | 'letGo'>,
): Promise<H2Server> {
  try {
    await server.untilUp(() => accepts(port), startMs);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return {
    port,
    version,
    letGo,
    handledTwice: () => [],
    tail: () => server.tail(),
    stop: () => server.stop(),
  };
}

/** In this process. */
export async function startNode(certificate: IssuedCertificate, changes: Partial<H2ServerOptions>): Promise<H2Server> {
  const { streamsMax } = { ...usual, ...changes };
  const sessions = new Set<ServerHttp2Session>();
  const server = http2.createSecureServer({
    cert: certificate.certPem,
    key: certificate.keyPem,
    settings: { maxConcurrentStreams: streamsMax },
  });
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => undefined);
    session.once('close', () => sessions.delete(session));
  });
  const tags = new Set<string>();
  const twice: string[] = [];
  server.on('stream', (stream, fields) => {
    const tag = String(fields['x-tag']);
    if (tags.has(tag)) twice.push(tag);
    tags.add(tag);
    stream.on('error', () => undefined);
    stream.respond({ ':status': 200, 'apns-id': 'node' });
    stream.pipe(stream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    version: `node ${process.version}`,
    letGo: () => sessions.forEach((session) => session.close()),
    handledTwice: () => twice,
    tail: () => '',
    stop: async () => {
      sessions.forEach((session) => session.destroy());
      server.close();
      await once(server, 'close');
    },
  };
}
