// A browser's private HTTP cache (RFC 9111): what it may keep, how long it serves it without asking, and
// how it asks whether what it has is still right.

import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../../core/clock.ts';

export interface CachedResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** As it came, Content-Encoding included. */
  readonly body: Buffer;
}

/** Request header fields by name in lower case. */
export type RequestHeaders = Readonly<Record<string, string>>;

interface Entry extends CachedResponse {
  /** The request's values of the fields that Vary names. */
  readonly varied: ReadonlyMap<string, string | undefined>;
  /** ms on the clock. */
  readonly storedAt: number;
}

export type CacheAnswer =
  /** Nothing that fits. */
  | { readonly kind: 'miss' }
  /** May be used without asking. */
  | { readonly kind: 'fresh'; readonly response: CachedResponse; readonly age: number }
  /** May be used if a request with these fields is answered 304. */
  | { readonly kind: 'stale'; readonly response: CachedResponse; readonly conditions: RequestHeaders };

const DEFAULT_CAPACITY = 32 * 1024 * 1024;
/** Responses that are kept, however short: each has header fields and a URL too, of up to some 16 KiB. */
const MOST_ENTRIES = 1000;

export class HttpCache {
  /** By URL, least recently used first. One variant of each is kept. */
  readonly #entries = new Map<string, Entry>();
  #size = 0;

  /** @param capacity bytes of bodies that are kept in all */
  constructor(
    private readonly clock: Clock,
    readonly capacity: number = DEFAULT_CAPACITY,
  ) {}

  /** Bytes of bodies that are kept. */
  get size(): number {
    return this.#size;
  }

  /** What is there for a GET of `url`. */
  find(url: string, request: RequestHeaders): CacheAnswer {
    const entry = this.#entries.get(url);
    if (!entry || 'no-store' in directives(request['cache-control']) || !matchesVary(entry, request))
      return { kind: 'miss' };
    this.#entries.delete(url);
    this.#entries.set(url, entry);
    const age = this.#age(entry);
    const asked = directives(request['cache-control']);
    const stored = directives(entry.headers['cache-control']);
    const ask = 'no-cache' in asked || 'no-cache' in stored;
    if (!ask && age < freshnessLifetime(entry.headers)) return { kind: 'fresh', response: entry, age };
    const conditions = validators(entry.headers);
    return conditions ? { kind: 'stale', response: entry, conditions } : { kind: 'miss' };
  }

  /** Whether a response to a GET may be kept at all (RFC 9111 §3), before its body has come. */
  mayStore(request: RequestHeaders, status: number, headers: IncomingHttpHeaders): boolean {
    const length = Number(headers['content-length'] ?? 0);
    return (
      status === 200 &&
      !('no-store' in directives(headers['cache-control'])) &&
      !('no-store' in directives(request['cache-control'])) &&
      headers.vary?.trim() !== '*' &&
      (freshnessLifetime(headers) > 0 || validators(headers) !== undefined) &&
      length <= this.capacity
    );
  }

  /** Keeps a response that `mayStore` let pass, and forgets the least recently used for it. */
  store(url: string, request: RequestHeaders, response: CachedResponse): void {
    this.forget(url);
    if (response.body.length > this.capacity) return;
    const { status, headers, body } = response;
    const varied = new Map(fieldNames(headers.vary).map((name) => [name, request[name]]));
    this.#entries.set(url, { status, headers, body, varied, storedAt: this.clock.now() });
    this.#size += body.length;
    for (const [oldest] of this.#entries) {
      if (this.#size <= this.capacity && this.#entries.size <= MOST_ENTRIES) break;
      this.forget(oldest);
    }
  }

  /** A 304 came: its header fields replace the stored ones (RFC 9111 §3.2) and the age begins anew. */
  refresh(url: string, headers: IncomingHttpHeaders): void {
    const entry = this.#entries.get(url);
    if (!entry) return;
    const { 'content-length': _, 'content-encoding': __, ...news } = headers;
    this.#entries.set(url, { ...entry, headers: { ...entry.headers, ...news }, storedAt: this.clock.now() });
  }

  forget(url: string): void {
    const entry = this.#entries.get(url);
    if (!entry) return;
    this.#entries.delete(url);
    this.#size -= entry.body.length;
  }

  /** ms since the origin gave it out. */
  #age(entry: Entry): number {
    return this.clock.now() - entry.storedAt + seconds(entry.headers.age);
  }
}

/** The directives of a Cache-Control field; one without a value has ''. */
function directives(field: string | undefined): Readonly<Record<string, string>> {
  const found: Record<string, string> = Object.create(null);
  for (const directive of field?.toLowerCase().split(',') ?? []) {
    const [name = '', value = ''] = directive.split('=');
    found[name.trim()] = value.trim().replace(/^"(.*)"$/, '$1');
  }
  return found;
}

/** ms: max-age, else Expires less Date; 0 where neither is given, as nothing is guessed here (RFC 9111 §4.2.1). */
function freshnessLifetime(headers: IncomingHttpHeaders): number {
  const { 'max-age': maxAge } = directives(headers['cache-control']);
  if (maxAge !== undefined) return seconds(maxAge);
  const lifetime = Date.parse(headers.expires ?? '') - Date.parse(headers.date ?? '');
  return Number.isNaN(lifetime) ? 0 : Math.max(lifetime, 0);
}

function seconds(text: string | undefined): number {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) * 1000 : 0;
}

function validators({
  etag,
  'last-modified': lastModified,
}: IncomingHttpHeaders): RequestHeaders | undefined {
  if (etag !== undefined) return { 'if-none-match': etag };
  return lastModified === undefined ? undefined : { 'if-modified-since': lastModified };
}

function fieldNames(vary: string | undefined): string[] {
  return (vary ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function matchesVary(entry: Entry, request: RequestHeaders): boolean {
  return [...entry.varied].every(([name, value]) => request[name] === value);
}
