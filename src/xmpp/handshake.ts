// Thread: any
/** The proof of XEP-0114 §3, used by the component and by the fake server. */
import { createHash } from 'node:crypto';

/** Lower-case hex SHA-1 over the stream id, unescaped, and the secret; ejabberd refuses upper case (xmpp 1.3). */
export function handshakeOf(streamId: string, secret: string): string {
  return createHash('sha1')
    .update(streamId + secret)
    .digest('hex');
}
