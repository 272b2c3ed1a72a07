// The request that curl sends: its method and header fields, in curl's order.

import type { CurlBody } from './curl-body.ts';
import type { CurlSettings } from './curl-options.ts';

/** Methods that say nothing of a body when they have none; others say that its length is 0 (RFC 9110 §8.6). */
const BODILESS = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);

/** One request of a transfer; a redirect makes another. */
export interface CurlRequest {
  readonly url: URL;
  readonly method: string;
  readonly body: CurlBody | undefined;
  /** Whether the host is the one that the user named: credentials go to no other. */
  readonly sameHost: boolean;
}

export function initialMethod(settings: CurlSettings, body: CurlBody | undefined): string {
  if (settings.method !== undefined) return settings.method;
  if (settings.head) return 'HEAD';
  if (settings.upload !== undefined) return 'PUT';
  return body ? 'POST' : 'GET';
}

/** The request that a redirect asks for: 301, 302 and 303 turn a POST into a GET (RFC 9110 §15.4). */
export function redirected(
  request: CurlRequest,
  url: URL,
  status: number,
  settings: CurlSettings,
): CurlRequest {
  const sameHost = request.sameHost && url.host === request.url.host;
  const becomesGet = status === 303 || (request.method === 'POST' && (status === 301 || status === 302));
  if (!becomesGet || request.method === 'HEAD') return { ...request, url, sameHost };
  return { url, sameHost, body: undefined, method: settings.method ?? 'GET' };
}

export function requestFields(
  request: CurlRequest,
  settings: CurlSettings,
): Record<string, string | string[]> {
  const { url, body } = request;
  const fields: [string, string][] = [['Host', url.host]];
  const user = settings.user ?? (url.username === '' ? undefined : `${url.username}:${url.password}`);
  if (user !== undefined && request.sameHost)
    fields.push(['Authorization', `Basic ${Buffer.from(user).toString('base64')}`]);
  if (settings.range !== undefined) fields.push(['Range', `bytes=${settings.range}`]);
  if (settings.userAgent !== '') fields.push(['User-Agent', settings.userAgent]);
  fields.push(['Accept', '*/*']);
  if (settings.compressed) fields.push(['Accept-Encoding', 'deflate, gzip, br']);
  if (settings.referer !== undefined) fields.push(['Referer', settings.referer]);
  if (body?.length !== undefined) fields.push(['Content-Length', String(body.length)]);
  else if (!body && !BODILESS.has(request.method)) fields.push(['Content-Length', '0']);
  else if (body) fields.push(['Transfer-Encoding', 'chunked']);
  if (body?.contentType !== undefined) fields.push(['Content-Type', body.contentType]);
  return withCustom(fields, settings.headers);
}

/** -H replaces, removes (`Name:`) or adds; a name given twice is sent twice. */
function withCustom(
  fields: readonly [string, string][],
  headers: readonly string[],
): Record<string, string | string[]> {
  const custom = headers.flatMap((header): [string, string][] => {
    const empty = /^([^:;\s]+);\s*$/.exec(header);
    if (empty) return [[empty[1]!, '']];
    const [, name, value = ''] = /^([^:\s]+):\s*(.*)$/.exec(header) ?? [];
    return name === undefined ? [] : [[name, value.trimEnd()]];
  });
  const removed = new Set(
    headers.flatMap((header) =>
      /^[^:\s]+:\s*$/.test(header) ? [header.slice(0, header.indexOf(':')).toLowerCase()] : [],
    ),
  );
  const replaced = new Set(custom.map(([name]) => name.toLowerCase()));
  const result: Record<string, string | string[]> = {};
  for (const [name, value] of fields) {
    const own = custom.find(([given]) => given.toLowerCase() === name.toLowerCase());
    // Host keeps its place, the first.
    if (name === 'Host' && own && !removed.has('host')) result[own[0]] = own[1];
    else if (!replaced.has(name.toLowerCase())) result[name] = value;
  }
  for (const [name, value] of custom) {
    if (name.toLowerCase() === 'host' || removed.has(name.toLowerCase())) continue;
    const before = result[name];
    result[name] = before === undefined ? value : [before, value].flat();
  }
  return result;
}

/** The lines of the request as they go out, for -v. */
export function requestLines(
  request: CurlRequest,
  fields: Readonly<Record<string, string | string[]>>,
): string[] {
  const { pathname, search } = request.url;
  return [
    `${request.method} ${pathname}${search} HTTP/1.1`,
    ...Object.entries(fields).flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}`)),
  ];
}
