// What curl sends with a request: -d, --data-binary, -T.

import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { concatBytes } from '../../core/bytes.ts';
import type { CommandIo } from '../command.ts';
import { CURLE, CurlError } from './curl-error.ts';
import type { CurlData, CurlSettings } from './curl-options.ts';

/** What -d may read into memory; -T streams, whatever the length. */
const LARGEST_DATA = 256 << 20;

export interface CurlBody {
  /** Bytes, or a stream that is made when it is sent. */
  readonly content: Uint8Array | (() => Readable);
  /** Undefined for a stream that ends when it ends: it is sent in chunks. */
  readonly length: number | undefined;
  readonly contentType: string | undefined;
}

export async function curlBody(settings: CurlSettings, io: CommandIo): Promise<CurlBody | undefined> {
  if (settings.upload !== undefined) return uploadBody(settings.upload, io);
  if (settings.data.length === 0) return undefined;
  const parts: Uint8Array[] = [];
  for (const part of settings.data) {
    if (parts.length > 0) parts.push(Buffer.from('&'));
    parts.push(await readData(part, io));
  }
  const content = concatBytes(parts);
  return { content, length: content.length, contentType: 'application/x-www-form-urlencoded' };
}

/** The name that is appended to a URL that ends in a slash; none for stdin. */
export function uploadName(settings: CurlSettings): string {
  return settings.upload === undefined || isStdin(settings.upload) ? '' : basename(settings.upload);
}

function isStdin(file: string): boolean {
  return file === '-' || file === '.';
}

async function uploadBody(file: string, io: CommandIo): Promise<CurlBody> {
  if (isStdin(file)) return { content: () => io.stdin, length: undefined, contentType: undefined };
  const path = resolve(io.cwd, file);
  const stats = await stat(path).catch(() => undefined);
  if (!stats?.isFile())
    throw new CurlError(
      CURLE.READ_ERROR,
      `Failed to open/read local data from file/application: can't open '${file}'`,
    );
  return { content: () => createReadStream(path), length: stats.size, contentType: undefined };
}

async function readData({ kind, value }: CurlData, io: CommandIo): Promise<Uint8Array> {
  if (kind === 'raw' || !value.startsWith('@')) return Buffer.from(value);
  const file = value.slice(1);
  const bytes = file === '-' ? await readAll(io.stdin) : await readDataFile(resolve(io.cwd, file), file);
  // Only --data-binary keeps line ends.
  return kind === 'binary' ? bytes : bytes.filter((byte) => byte !== 0x0a && byte !== 0x0d);
}

async function readDataFile(path: string, file: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch {
    throw new CurlError(
      CURLE.READ_ERROR,
      `Failed to open/read local data from file/application: can't open '${file}'`,
    );
  }
}

async function readAll(stream: Readable): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Uint8Array | string>) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    length += bytes.length;
    if (length > LARGEST_DATA)
      throw new CurlError(
        CURLE.OUT_OF_MEMORY,
        `More than ${LARGEST_DATA} bytes of data on stdin: stream it with -T -`,
      );
    chunks.push(bytes);
  }
  return concatBytes(chunks);
}
