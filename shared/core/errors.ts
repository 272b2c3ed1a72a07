// Errors that a caller can meet carry a code, in the shape that Node's own have. What can't happen throws
// a plain Error.

import { getSystemErrorMap } from 'node:util';

const errnoByCode = new Map([...getSystemErrorMap()].map(([errno, [code]]) => [code, errno]));

/** A system call's error as Node shapes it: `connect ECONNREFUSED 93.184.216.34:80`. */
export interface SystemError extends Error {
  /** `ECONNREFUSED`, `ETIMEDOUT`, … */
  code: string;
  errno?: number;
  syscall: string;
  address?: string;
  port?: number;
  /** EMSGSIZE of a datagram: bytes of the longest packet that may go, as Linux's error queue tells. */
  mtu?: number;
}

export function systemError(code: string, syscall: string, address?: string, port?: number): SystemError {
  const where = address === undefined ? '' : ` ${address}${port === undefined ? '' : `:${port}`}`;
  const error = new Error(`${syscall} ${code}${where}`) as SystemError;
  error.errno = errnoByCode.get(code);
  error.code = code;
  error.syscall = syscall;
  if (address !== undefined) error.address = address;
  if (port !== undefined) error.port = port;
  return error;
}

/** What a decoder returns for bytes that are not what they claim: counted and dropped, never thrown. */
export class Malformed {
  /** @param reason a short stable name, such as `bad-checksum`, that drops are counted under */
  constructor(readonly reason: string) {}
}
