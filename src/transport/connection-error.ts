// Thread: any
/** What an error of a socket or of a library says that may be shown: its code; messages may carry what was sent. */

export function codeOfError(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

/** The peer has chosen another protocol by ALPN, or none. */
export const notHttp2 = 'the gateway does not speak HTTP/2';

/** The code where there is one, otherwise the beginning of the message. */
export function reasonOfError(error: unknown): string {
  const code = codeOfError(error);
  if (code === 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL') return notHttp2; // RFC 7301 §3.2
  if (code !== '') return code;
  return error instanceof Error ? error.message.slice(0, 120) : 'unknown error';
}
