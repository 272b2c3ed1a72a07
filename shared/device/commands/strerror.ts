// Error codes in glibc's words, as the tools print them.

const TEXTS: Readonly<Record<string, string>> = {
  EACCES: 'Permission denied',
  EADDRINUSE: 'Address already in use',
  EADDRNOTAVAIL: 'Cannot assign requested address',
  EAI_AGAIN: 'Temporary failure in name resolution',
  ECONNREFUSED: 'Connection refused',
  ECONNRESET: 'Connection reset by peer',
  EHOSTUNREACH: 'No route to host',
  EMSGSIZE: 'Message too long',
  ENETDOWN: 'Network is down',
  ENETUNREACH: 'Network is unreachable',
  ENOENT: 'No such file or directory',
  ENOTFOUND: 'Name or service not known',
  EPIPE: 'Broken pipe',
  ETIMEDOUT: 'Connection timed out',
};

export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** `Network is unreachable` for ENETUNREACH; the error's own message for a code that is not listed. */
export function strerror(error: unknown): string {
  return TEXTS[errorCode(error)] ?? (error instanceof Error ? error.message : String(error));
}
