// Where a response's body goes: stdout, or a file that is made when the first response is there.

import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { resolve } from 'node:path';
import { finished, type Readable } from 'node:stream';
import type { Clock, Timer } from '../../core/clock.ts';
import type { Console } from './console.ts';
import { CURLE, CurlError } from './curl-error.ts';

/** Bytes that wait for a file: what comes while one write goes on leaves with the next. */
const WRITE_BUFFER = 1024 * 1024;
/**
 * Bytes, and ms, that are gathered for one write to a file: it takes another thread, and to wake that costs more
 * than TCP has done for them.
 */
const GATHERED = 256 * 1024;
const GATHERING = 5;

export interface CurlOutput {
  /** Empty for stdout. */
  readonly fileName: string;
  open(): Promise<void>;
  /** Undefined if more may be written at once: who waits for nothing gets on faster. */
  write(bytes: Uint8Array | string): Promise<void> | undefined;
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

export function fileOutput(fileName: string, cwd: string, clock: Clock): CurlOutput {
  let stream: WriteStream | undefined;
  let gathering: Timer | undefined;
  const failed = (): never => {
    throw new CurlError(CURLE.WRITE_ERROR, 'Failure writing output to destination');
  };
  const flush = (): void => {
    gathering?.cancel();
    gathering = undefined;
    stream?.uncork();
  };
  return {
    fileName,
    async open() {
      if (stream) return;
      stream = createWriteStream(resolve(cwd, fileName), { highWaterMark: WRITE_BUFFER });
      await once(stream, 'open').catch(failed);
      stream.on('error', () => {});
    },
    write(bytes) {
      if (!stream || stream.errored) return Promise.resolve().then(failed);
      if (!gathering) {
        stream.cork();
        gathering = clock.after(GATHERING, flush);
      }
      const hasRoom = stream.write(bytes);
      if (stream.writableLength >= GATHERED) flush();
      return hasRoom ? undefined : once(stream, 'drain').then(ignore, failed);
    },
    async close() {
      if (!stream) return;
      flush();
      if (stream.errored) failed();
      const closed = once(stream, 'close');
      stream.end();
      await closed.catch(failed);
    },
  };
}

/**
 * Gives `take` each chunk of the body, and stops the body while `take` says to wait. Rejects with what is wrong with
 * the body, or with what `take` rejects with, after which the body is of no use any more.
 */
export function readBody(body: Readable, take: (chunk: Buffer) => Promise<void> | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    /** Of the last chunk. */
    let taken: Promise<void> | undefined;
    const failed = (error: unknown): void => {
      reject(error);
      body.destroy();
    };
    body.on('data', (chunk: Buffer) => {
      taken = take(chunk);
      if (!taken) return;
      body.pause();
      taken.then(() => body.resume(), failed);
    });
    finished(body, { writable: false }, (error) => {
      if (error) reject(error);
      else resolve(taken);
    });
  });
}

function ignore(): void {}

/** -O: the last part of the path. */
export function remoteName(url: URL): string {
  const name = url.pathname.split('/').at(-1) ?? '';
  if (name === '') throw new CurlError(CURLE.WRITE_ERROR, 'Failed writing received data to disk/application');
  return decodeURIComponent(name).replaceAll('/', '_');
}
