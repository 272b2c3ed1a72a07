// Header fields that decide how much of a file is sent: conditions (RFC 9110 §13), ranges (§14) and
// content codings (§12.5.3).

import type { IncomingHttpHeaders } from 'node:http';

export interface Validators {
  /** Strong, quotes included. */
  readonly etag: string;
  /** An HTTP date: whole seconds. */
  readonly lastModified: string;
}

/** Whether what the client has is still right: 304. If-None-Match wins over If-Modified-Since (RFC 9110 §13.2.2). */
export function isNotModified(headers: IncomingHttpHeaders, { etag, lastModified }: Validators): boolean {
  const tags = headers['if-none-match'];
  if (tags !== undefined) return tags.trim() === '*' || entityTags(tags).includes(etag);
  const since = Date.parse(headers['if-modified-since'] ?? '');
  return Date.parse(lastModified) <= since;
}

/** The tags of a list, compared weakly (RFC 9110 §8.8.3.2): without their W/. */
function entityTags(list: string): string[] {
  return [...list.matchAll(/(?:W\/)?("[^"]*")/g)].map((match) => match[1] ?? '');
}

export interface ByteRange {
  readonly first: number;
  /** Included. */
  readonly last: number;
}

/**
 * The one range that is asked for; undefined if the whole is to be sent: no Range, several ranges, another
 * unit, or an If-Range that no longer holds; `unsatisfiable` for 416.
 */
export function requestedRange(
  headers: IncomingHttpHeaders,
  size: number,
  validators: Validators,
): ByteRange | 'unsatisfiable' | undefined {
  const match = /^bytes=\s*(?:(\d+)\s*)?-\s*(?:(\d+)\s*)?$/i.exec(headers.range ?? '');
  if (!match || !ifRangeHolds(headers, validators)) return undefined;
  const [, from = '', to = ''] = match;
  if (from === '') {
    if (to === '') return undefined;
    const length = Math.min(Number(to), size);
    return length === 0 ? 'unsatisfiable' : { first: size - length, last: size - 1 };
  }
  if (to !== '' && Number(to) < Number(from)) return undefined;
  if (Number(from) >= size) return 'unsatisfiable';
  return { first: Number(from), last: to === '' ? size - 1 : Math.min(Number(to), size - 1) };
}

function ifRangeHolds(headers: IncomingHttpHeaders, { etag, lastModified }: Validators): boolean {
  const condition = headers['if-range'];
  return condition === undefined || condition === etag || condition === lastModified;
}

/** Whether the client takes gzip: named, or by `*`, with a weight over 0. */
export function acceptsGzip(headers: IncomingHttpHeaders): boolean {
  const accepted = headers['accept-encoding'];
  const codings = typeof accepted === 'string' ? accepted.toLowerCase().split(',') : [];
  const weights = new Map<string, number>();
  for (const coding of codings) {
    const [name = '', ...parameters] = coding.split(';').map((part) => part.trim());
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    weights.set(name, weight === undefined ? 1 : Number(weight.slice(2)) || 0);
  }
  return (weights.get('gzip') ?? weights.get('*') ?? 0) > 0;
}
