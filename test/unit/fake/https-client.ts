/** One HTTPS request over HTTP/1.1, for the tests of the fakes. */
import { Agent, request } from 'node:https';
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';

export interface HttpsAnswer {
  readonly status: number;
  readonly fields: IncomingHttpHeaders;
  readonly body: string;
}

export interface HttpsRequest {
  readonly port: number;
  readonly caPem: string;
  readonly path: string;
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
}

export function httpsRequest(options: HttpsRequest): Promise<HttpsAnswer> {
  const { port, caPem, path, method = 'POST', headers = {}, body = '' } = options;
  const agent = new Agent({ ca: caPem, keepAlive: false });
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, path, method, headers, agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const { statusCode = 0, headers: fields } = response;
        resolve({ status: statusCode, fields, body: Buffer.concat(chunks).toString() });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
