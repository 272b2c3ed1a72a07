// Where a response's body goes: stdout, or a file that is made when the first response is there.

import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { resolve } from 'node:path';
import type { Console } from './console.ts';
import { CURLE, CurlError } from './curl-error.ts';

/** Bytes that wait for a file: what comes while one write goes on leaves with the next. */
const WRITE_BUFFER = 1024 * 1024;

export interface CurlOutput {
  /** Empty for stdout. */
  readonly fileName: string;
  open(): Promise<void>;
  write(bytes: Uint8Array | string): Promise<void>;
  close(): Promise<void>;
}

export function stdoutOutput(console: Console): CurlOutput {
  return {
    fileName: '',
    open: async () => {},
    write: (bytes) => console.print(bytes),
    close: async () => {},
  };
}

export function fileOutput(fileName: string, cwd: string): CurlOutput {
  let stream: WriteStream | undefined;
  const failed = (): never => {
    throw new CurlError(CURLE.WRITE_ERROR, 'Failure writing output to destination');
  };
  return {
    fileName,
    async open() {
      if (stream) return;
      stream = createWriteStream(resolve(cwd, fileName), { highWaterMark: WRITE_BUFFER });
      await once(stream, 'open').catch(failed);
      stream.on('error', () => {});
    },
    async write(bytes) {
      if (!stream || stream.errored) return failed();
      if (!stream.write(bytes)) await once(stream, 'drain').catch(failed);
    },
    async close() {
      if (!stream) return;
      if (stream.errored) failed();
      const closed = once(stream, 'close');
      stream.end();
      await closed.catch(failed);
    },
  };
}

/** -O: the last part of the path. */
export function remoteName(url: URL): string {
  const name = url.pathname.split('/').at(-1) ?? '';
  if (name === '') throw new CurlError(CURLE.WRITE_ERROR, 'Failed writing received data to disk/application');
  return decodeURIComponent(name).replaceAll('/', '_');
}
