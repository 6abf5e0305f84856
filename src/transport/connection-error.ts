// Thread: any
/** What an error of a socket or of a library says that may be shown: its code; messages may carry what was sent. */

export function codeOfError(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

/** The code where there is one, otherwise the beginning of the message. */
export function reasonOfError(error: unknown): string {
  const code = codeOfError(error);
  if (code !== '') return code;
  return error instanceof Error ? error.message.slice(0, 120) : 'unknown error';
}
