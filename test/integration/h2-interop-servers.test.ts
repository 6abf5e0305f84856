/** Our HTTP/2 client and real servers of others. */
import { describe } from 'node:test';
import { goAbsent, nghttpdAbsent, nginxAbsent, startGo, startNghttpd, startNginx } from '../peers/h2-servers.ts';
import { h2Interop } from './h2-interop-suite.ts';

describe('nghttpd', { skip: nghttpdAbsent }, () => {
  const more = [{ windowBits: 10 }, { windowBits: 20, streamsMax: 1_000 }, { paddingBytes: 200 }];
  h2Interop('nghttpd', startNghttpd, { more });
});

describe('nginx', { skip: nginxAbsent }, () => {
  h2Interop('nginx', startNginx, { page: true, letsGo: { requestsMax: 100 } });
});

describe('Go net/http', { skip: goAbsent }, () => {
  h2Interop('Go net/http', startGo, { letsGo: {} });
});
