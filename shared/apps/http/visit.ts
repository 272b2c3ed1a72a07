// What a browser does with a URL: fetches the page, finds its style sheets, scripts and images, and fetches
// those, over connections that stay open, sparing what its cache still holds.

import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gunzip } from 'node:zlib';
import type { Sockets } from '../../socket/sockets.ts';
import type { CachedResponse, HttpCache } from './cache.ts';
import { type FetchResponse, fetchUrl, HttpAgent, parseHttpUrl } from './client.ts';
import { pageResources } from './page-resources.ts';

const MOST_REDIRECTS = 10;
const MOST_RESOURCES = 100;
/** Bytes of a page that are looked through for what it is made of. */
const LONGEST_PAGE = 8 * 1024 * 1024;

const REQUEST_HEADERS = {
  accept: '*/*',
  'accept-encoding': 'gzip',
  'user-agent': 'tincan-visit',
};

export interface VisitOptions {
  /** Kept from visit to visit; without, nothing is cached. */
  readonly cache?: HttpCache;
  readonly signal?: AbortSignal;
}

/** Where a resource came from: over the network, confirmed by a 304, or without a word from the cache. */
export type ResourceSource = 'network' | 'revalidated' | 'cache';

export interface VisitedResource {
  readonly url: string;
  /** 0 if there was no answer. */
  readonly status: number;
  /** Bytes of the body, as encoded. */
  readonly bytes: number;
  readonly source: ResourceSource;
  /** Whether the request went over a connection that was open already. */
  readonly reused: boolean;
  /** ms from asking to the last byte. */
  readonly duration: number;
  /** Why there is no body, or not all of it. */
  readonly error?: string;
}

export interface Visit {
  /** After redirects. */
  readonly url: string;
  /** The redirects, the page, then what it is made of, in order. */
  readonly resources: readonly VisitedResource[];
  /** TCP connections that were made. */
  readonly connections: number;
  /** Bytes of bodies that came over the network. */
  readonly bytes: number;
  /** ms. */
  readonly duration: number;
}

/**
 * Rejects if the page itself can't be fetched, with what `fetchUrl` rejects with; a resource that can't be
 * is noted in the summary.
 */
export async function visit(sockets: Sockets, address: string, options: VisitOptions = {}): Promise<Visit> {
  // One connection a host, so that what follows the page goes where the page came from.
  const agent = new HttpAgent(sockets, { maxSockets: 1 });
  const visitor = new Visitor(sockets, agent, options);
  const begun = sockets.clock.now();
  try {
    const page = await visitor.fetchPage(parseHttpUrl(address));
    for (const url of page.resources) await visitor.fetchResource(url);
    const { seen } = visitor;
    const fetched = seen.filter(({ source }) => source === 'network');
    return {
      url: page.url.href,
      resources: seen,
      connections: seen.filter(({ source, reused, status }) => source !== 'cache' && !reused && status > 0)
        .length,
      bytes: fetched.reduce((bytes, resource) => bytes + resource.bytes, 0),
      duration: sockets.clock.now() - begun,
    };
  } finally {
    agent.destroy();
  }
}

interface Obtained {
  readonly response: { readonly status: number; readonly headers: IncomingHttpHeaders };
  /** Undefined if it was too long to keep. */
  readonly body: Buffer | undefined;
}

class Visitor {
  readonly seen: VisitedResource[] = [];

  constructor(
    private readonly sockets: Sockets,
    private readonly agent: HttpAgent,
    private readonly options: VisitOptions,
  ) {}

  /** Follows redirects to the page. */
  async fetchPage(start: URL): Promise<{ url: URL; resources: URL[] }> {
    let url = start;
    for (let redirects = 0; ; redirects++) {
      const { response, body } = await this.#obtain(url);
      const { location } = response.headers;
      if (response.status < 300 || response.status > 399 || location === undefined) {
        const html = body && isHtml(response.headers) ? await decoded(body, response.headers) : undefined;
        const resources = html ? pageResources(html.toString(), url, MOST_RESOURCES) : [];
        return { url, resources };
      }
      if (redirects === MOST_REDIRECTS)
        throw new Error(`${start.href} redirects more than ${MOST_REDIRECTS} times`);
      url = parseHttpUrl(location, url);
    }
  }

  async fetchResource(url: URL): Promise<void> {
    const begun = this.sockets.clock.now();
    try {
      await this.#obtain(parseHttpUrl(url));
    } catch (error) {
      if (this.options.signal?.aborted) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      const duration = this.sockets.clock.now() - begun;
      this.seen.push({
        url: url.href,
        status: 0,
        bytes: 0,
        source: 'network',
        reused: false,
        duration,
        error: reason,
      });
    }
  }

  async #obtain(url: URL): Promise<Obtained> {
    const key = urlKey(url);
    const known = this.options.cache?.find(key, REQUEST_HEADERS) ?? { kind: 'miss' };
    if (known.kind === 'fresh') return this.#fromCache(key, known.response, known.age);
    const begun = this.sockets.clock.now();
    const conditions = known.kind === 'stale' ? known.conditions : {};
    const response = await fetchUrl(this.sockets, url, {
      headers: { ...REQUEST_HEADERS, ...conditions },
      agent: this.agent,
      ...(this.options.signal && { signal: this.options.signal }),
    });
    const { bytes, body } = await collect(response.body);
    const duration = this.sockets.clock.now() - begun;
    const { status, reused } = response;
    if (known.kind === 'stale' && status === 304) {
      this.options.cache?.refresh(key, response.headers);
      this.seen.push({ url: key, status, bytes: 0, source: 'revalidated', reused, duration });
      this.#logCache('revalidated', key, known.response.body.length, 'is unchanged: 304');
      return { response: known.response, body: known.response.body };
    }
    this.#keep(key, response, body);
    this.seen.push({ url: key, status, bytes, source: 'network', reused, duration });
    return { response, body };
  }

  #fromCache(url: string, response: CachedResponse, age: number): Obtained {
    const { status, body } = response;
    this.seen.push({ url, status, bytes: body.length, source: 'cache', reused: false, duration: 0 });
    this.#logCache('hit', url, body.length, `needs no request, it came ${Math.floor(age / 1000)} s ago`);
    return { response, body };
  }

  #keep(url: string, response: FetchResponse, body: Buffer | undefined): void {
    const { cache } = this.options;
    const { status, headers } = response;
    if (body && cache?.mayStore(REQUEST_HEADERS, status, headers))
      cache.store(url, REQUEST_HEADERS, { status, headers, body });
    else if (status >= 200 && status < 400) cache?.forget(url);
  }

  #logCache(result: 'hit' | 'revalidated', url: string, bytes: number, what: string): void {
    this.sockets.log.info('http.cache', { result, url, bytes }, `${url} is in the cache and ${what}`);
  }
}

/** What is asked for: a URL without its fragment. */
function urlKey(url: URL): string {
  const plain = new URL(url);
  plain.hash = '';
  return plain.href;
}

function isHtml(headers: IncomingHttpHeaders): boolean {
  return headers['content-type']?.toLowerCase().startsWith('text/html') ?? false;
}

/** Reads to the end, whatever the length, and keeps the bytes if they are not too many. */
async function collect(stream: Readable): Promise<{ bytes: number; body: Buffer | undefined }> {
  let kept: Buffer[] | undefined = [];
  let bytes = 0;
  await pipeline(stream, async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > LONGEST_PAGE) kept = undefined;
      kept?.push(chunk);
    }
  });
  return { bytes, body: kept && Buffer.concat(kept) };
}

/** Without its gzip; undefined if it is damaged or longer than a page can be. */
async function decoded(body: Buffer, headers: IncomingHttpHeaders): Promise<Buffer | undefined> {
  if (headers['content-encoding'] !== 'gzip') return body;
  return new Promise((resolve) => {
    gunzip(body, { maxOutputLength: LONGEST_PAGE }, (error, plain) => resolve(error ? undefined : plain));
  });
}
