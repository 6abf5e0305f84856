// Thread: worker
/** The implementations of the gateway port, by the names that the configuration has for them (`transport`). */
import { unreachable } from '../core/assert.ts';
import { openH2Session } from './h2/h2-session.ts';
import { openHttp2WrapperSession } from './http2-wrapper-session.ts';
import type { OpenGatewaySession } from './gateway-session.ts';

/** `h2`: our own client. `http2-wrapper`: that of Node.js; the only one that knows proxies. */
export function gatewaySessionOpener(transport: 'h2' | 'http2-wrapper'): OpenGatewaySession {
  switch (transport) {
    case 'h2':
      return openH2Session;
    case 'http2-wrapper':
      return openHttp2WrapperSession;
    default:
      return unreachable(transport);
  }
}
