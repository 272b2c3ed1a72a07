// A site out of a folder: nothing outside the folder is ever served, wherever a path or a symbolic link leads.

import { createReadStream, type ReadStream } from 'node:fs';
import { access, constants, realpath, stat } from 'node:fs/promises';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { join, sep } from 'node:path';
import { pipeline } from 'node:stream';
import { createGzip } from 'node:zlib';
import { type Answer, errorAnswer } from './answer.ts';
import { contentType, isCompressible } from './content-type.ts';
import { acceptsGzip, isNotModified, requestedRange } from './preconditions.ts';
import type { RequestTarget } from './request-target.ts';

/** Shorter texts grow rather than shrink. */
const LEAST_WORTH_COMPRESSING = 256;

/**
 * A page is asked for again every time and answered 304 while it is the same; what it is made of is kept
 * for an hour without asking.
 */
const CACHE_PAGE = 'no-cache';
const CACHE_REST = 'max-age=3600';

interface FoundFile {
  readonly path: string;
  readonly size: number;
  readonly etag: string;
  readonly lastModified: string;
}

export async function answerFromFolder(
  root: string,
  target: RequestTarget,
  request: IncomingMessage,
): Promise<Answer> {
  try {
    const found = await findFile(root, target.segments);
    if (found === 'folder') {
      const Location = `${target.path.replace(/^\/+/, '/')}/${target.query}`;
      return errorAnswer(301, `The page is at ${Location}.`, { Location });
    }
    return found ? answerWithFile(found, request) : notFound(target);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EACCES' || code === 'EPERM') return errorAnswer(403, 'This file may not be read.');
    if (typeof code === 'string' && MISSING.has(code)) return notFound(target);
    throw error;
  }
}

const MISSING = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'EINVAL']);

function notFound({ path }: RequestTarget): Answer {
  return errorAnswer(404, `There is no ${path} here.`);
}

/** `folder` for a folder that was asked for without its final slash. */
async function findFile(
  root: string,
  segments: readonly string[],
): Promise<FoundFile | 'folder' | undefined> {
  const realRoot = await realpath(root);
  const wanted = segments.at(-1) === '' ? [...segments.slice(0, -1), 'index.html'] : segments;
  const path = await realpath(join(realRoot, ...wanted));
  if (path !== realRoot && !path.startsWith(realRoot + sep)) return undefined;
  const info = await stat(path, { bigint: true });
  if (info.isDirectory()) return segments.at(-1) === '' ? undefined : 'folder';
  if (!info.isFile()) return undefined;
  await access(path, constants.R_OK);
  return {
    path,
    size: Number(info.size),
    etag: `"${info.mtimeNs.toString(16)}-${info.size.toString(16)}"`,
    lastModified: info.mtime.toUTCString(),
  };
}

function answerWithFile(file: FoundFile, request: IncomingMessage): Answer {
  const { size, lastModified } = file;
  const type = contentType(file.path);
  const compressible = isCompressible(type) && size >= LEAST_WORTH_COMPRESSING;
  const gzip = compressible && request.headers.range === undefined && acceptsGzip(request.headers);
  // Another representation, so another strong tag (RFC 9110 §8.8.3.3).
  const etag = gzip ? file.etag.replace(/"$/, '-gzip"') : file.etag;
  const headers: OutgoingHttpHeaders = {
    'Last-Modified': lastModified,
    ETag: etag,
    'Cache-Control': type.startsWith('text/html') ? CACHE_PAGE : CACHE_REST,
    ...(compressible && { Vary: 'Accept-Encoding' }),
  };
  if (isNotModified(request.headers, { etag, lastModified })) return { status: 304, headers };
  headers['Content-Type'] = type;
  if (gzip) {
    headers['Content-Encoding'] = 'gzip';
    return { status: 200, headers, body: () => compressed(createReadStream(file.path)) };
  }
  headers['Accept-Ranges'] = 'bytes';
  const range =
    request.method === 'GET' ? requestedRange(request.headers, size, { etag, lastModified }) : undefined;
  if (range === 'unsatisfiable')
    return errorAnswer(416, `The file has ${size} bytes.`, { 'Content-Range': `bytes */${size}` });
  if (range) {
    headers['Content-Range'] = `bytes ${range.first}-${range.last}/${size}`;
    return filePart(206, headers, file.path, range.first, range.last - range.first + 1);
  }
  return filePart(200, headers, file.path, 0, size);
}

function filePart(
  status: number,
  headers: OutgoingHttpHeaders,
  path: string,
  first: number,
  length: number,
): Answer {
  if (length === 0) return { status, headers, body: '', length };
  const body = (): ReadStream => createReadStream(path, { start: first, end: first + length - 1 });
  return { status, headers, body, length };
}

function compressed(file: ReadStream): ReturnType<typeof createGzip> {
  const gzip = createGzip();
  pipeline(file, gzip, () => {});
  return gzip;
}
