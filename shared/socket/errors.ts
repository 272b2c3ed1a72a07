// Errors of sockets, in the shapes that node:net and node:dgram give them.

import { getSystemErrorMap } from 'node:util';
import { type SystemError, systemError } from '../core/errors.ts';

/** One of Node's own errors: `code` such as ERR_SERVER_NOT_RUNNING, or EPIPE. */
export function codedError(
  code: string,
  message: string,
  kind: new (message: string) => Error = Error,
): Error & { code: string } {
  return Object.assign(new kind(message), { code });
}

/** What the stack threw as a system error of `syscall`; anything else is a fault of the program and thrown on. */
export function toSystemError(error: unknown, syscall: string): SystemError {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string')
    return systemError(error.code, syscall);
  throw error;
}

const descriptions = new Map(getSystemErrorMap().values());

/** `listen EADDRINUSE: address already in use 0.0.0.0:80`, as net.Server words it. */
export function listenError(code: string, address: string, port: number): SystemError {
  const error = systemError(code, 'listen', address, port);
  error.message = `listen ${code}: ${descriptions.get(code) ?? 'failed'} ${address}:${port}`;
  return error;
}
