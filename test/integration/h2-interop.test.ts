/** Our HTTP/2 client and node:http2's server, which is always there. */
import { startNode } from '../peers/h2-servers.ts';
import { h2Interop } from './h2-interop-suite.ts';

h2Interop('node:http2', startNode, { letsGo: {} });
