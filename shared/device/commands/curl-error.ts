// How a transfer ends when it fails: curl's exit code and its message.

import type { SystemError } from '../../core/errors.ts';
import { errorCode, strerror } from './strerror.ts';

/** curl's CURLE_ numbers, which are its exit codes. */
export const CURLE = {
  UNSUPPORTED_PROTOCOL: 1,
  FAILED_INIT: 2,
  URL_MALFORMAT: 3,
  COULDNT_RESOLVE_HOST: 6,
  COULDNT_CONNECT: 7,
  WEIRD_SERVER_REPLY: 8,
  PARTIAL_FILE: 18,
  HTTP_RETURNED_ERROR: 22,
  WRITE_ERROR: 23,
  READ_ERROR: 26,
  OUT_OF_MEMORY: 27,
  OPERATION_TIMEDOUT: 28,
  TOO_MANY_REDIRECTS: 47,
  GOT_NOTHING: 52,
  SEND_ERROR: 55,
  RECV_ERROR: 56,
  BAD_CONTENT_ENCODING: 61,
} as const;

export class CurlError extends Error {
  constructor(
    readonly exitCode: number,
    message: string,
  ) {
    super(message);
  }
}

/** What broke an open connection, told by the system call that noticed. */
export function connectionError(error: SystemError): CurlError {
  return error.syscall === 'write'
    ? new CurlError(CURLE.SEND_ERROR, `Send failure: ${strerror(error)}`)
    : new CurlError(CURLE.RECV_ERROR, `Recv failure: ${strerror(error)}`);
}

/** Why there was no response header; `broken` is what the connection itself said. */
export function requestError(error: unknown, broken: SystemError | undefined): CurlError {
  if (error instanceof CurlError) return error;
  if (broken) return connectionError(broken);
  const code = errorCode(error);
  if (code === 'ECONNRESET') return new CurlError(CURLE.GOT_NOTHING, 'Empty reply from server');
  if (code === 'HPE_INVALID_CONSTANT')
    return new CurlError(CURLE.UNSUPPORTED_PROTOCOL, 'Received HTTP/0.9 when not allowed');
  if (code.startsWith('HPE_'))
    return new CurlError(CURLE.WEIRD_SERVER_REPLY, `Weird server reply: ${strerror(error)}`);
  return new CurlError(CURLE.RECV_ERROR, strerror(error));
}

/** Why a body did not come to its end; `expected` is its Content-Length. */
export function bodyError(
  error: unknown,
  broken: SystemError | undefined,
  received: number,
  expected: number | undefined,
): CurlError {
  if (error instanceof CurlError) return error;
  if (broken) return connectionError(broken);
  const code = errorCode(error);
  if (/^(Z_|ERR__ERROR_FORMAT)/.test(code))
    return new CurlError(
      CURLE.BAD_CONTENT_ENCODING,
      `Error while processing content unencoding: ${strerror(error)}`,
    );
  if (code.startsWith('HPE_')) return new CurlError(CURLE.RECV_ERROR, strerror(error));
  const what = expected === undefined ? 'outstanding read data' : `${expected - received} bytes`;
  return new CurlError(
    CURLE.PARTIAL_FILE,
    `transfer closed with ${what} remaining${expected === undefined ? '' : ' to read'}`,
  );
}
