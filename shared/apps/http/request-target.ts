// Which site and which file a request means: Host, and the path of the request target (RFC 9112 §3.2),
// which is the one thing that a stranger can aim at the file system.

import type { IncomingMessage } from 'node:http';

export interface RequestTarget {
  /** In lower case, without port and final dot. */
  readonly host: string;
  /** The path's segments, decoded, `.` and `..` resolved; the last is empty for a folder. */
  readonly segments: readonly string[];
  /** The path as it came, without the query. */
  readonly path: string;
  readonly query: string;
}

/** Undefined for a target that is not well-formed, or climbs above the root, and for two Hosts: 400. */
export function parseRequestTarget(request: IncomingMessage): RequestTarget | undefined {
  // RFC 9112 §3.2. node:http takes the first in silence; somebody on the way may have taken the second.
  if ((request.headersDistinct.host?.length ?? 0) > 1) return undefined;
  let target = request.url ?? '';
  let host = request.headers.host ?? '';
  const absolute = /^http:\/\/([^/?#]*)(.*)$/i.exec(target);
  if (absolute) {
    // RFC 9112 §3.2.2: the absolute form wins over Host.
    host = absolute[1] ?? '';
    target = absolute[2] || '/';
    if (target.startsWith('?')) target = `/${target}`;
  }
  if (!target.startsWith('/')) return undefined;
  const queryAt = target.indexOf('?');
  const path = queryAt < 0 ? target : target.slice(0, queryAt);
  const query = queryAt < 0 ? '' : target.slice(queryAt);
  const segments = resolveSegments(path);
  return segments && { host: siteName(host), segments, path, query };
}

function siteName(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '');
}

function resolveSegments(path: string): string[] | undefined {
  const resolved: string[] = [];
  const raw = path.split('/').slice(1);
  for (const [index, encoded] of raw.entries()) {
    const segment = decodeSegment(encoded);
    if (segment === undefined) return undefined;
    const last = index === raw.length - 1;
    if (segment === '..') {
      if (resolved.length === 0) return undefined;
      resolved.pop();
    } else if (segment !== '.' && segment !== '') resolved.push(segment);
    if (last && (segment === '..' || segment === '.' || segment === '')) resolved.push('');
  }
  return resolved;
}

/** An encoded slash or NUL is no part of any file's name. */
function decodeSegment(encoded: string): string | undefined {
  try {
    const segment = decodeURIComponent(encoded);
    return /[/\0]/.test(segment) ? undefined : segment;
  } catch {
    return undefined;
  }
}
