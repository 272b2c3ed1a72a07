// An HTTP/1.1 client: node:http on the device's own sockets. Redirects are the caller's to follow.

import { once } from 'node:events';
import http from 'node:http';
import { type Duplex, finished, pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Sockets, TcpSocket } from '../../socket/sockets.ts';

/** ms of silence on a kept connection before TCP asks whether the peer still lives. */
const KEEP_ALIVE_DELAY = 60_000;

/** Keeps connections for the next request to the same host and port. `destroy()` closes them. */
export class HttpAgent extends http.Agent {
  readonly #sockets: Sockets;

  constructor(sockets: Sockets, options: { maxSockets?: number } = {}) {
    super({ keepAlive: true, keepAliveMsecs: KEEP_ALIVE_DELAY, ...options });
    this.#sockets = sockets;
  }

  override createConnection(options: http.ClientRequestArgs): Duplex {
    const { host, port } = options;
    return this.#sockets.connect({ host: host ?? '', port: Number(port) }).setNoDelay(true);
  }
}

export interface FetchOptions {
  /** GET unless told, POST if there is a body. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array | Readable;
  /** Connections to use and to leave open; without, one of its own is made and closed after the answer. */
  readonly agent?: HttpAgent;
  readonly signal?: AbortSignal;
}

/** ms since the request was begun, 0 for what a reused connection spared; filled in as things happen. */
export interface FetchTimings {
  lookup: number;
  connect: number;
  firstByte: number;
  total: number;
}

export interface FetchResponse {
  readonly url: URL;
  readonly method: string;
  readonly status: number;
  readonly statusText: string;
  /** `1.1`. */
  readonly httpVersion: string;
  /** Names in lower case. */
  readonly headers: http.IncomingHttpHeaders;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  /** As it came, Content-Encoding included. Ends with ECONNRESET if the connection breaks before its end. */
  readonly body: Readable;
  /** Whether an open connection served again. */
  readonly reused: boolean;
  /** The server's `address:port`. */
  readonly remote: string;
  readonly local: string;
  /** The request as it was sent, first line and header fields. */
  readonly requestHead: string;
  readonly timings: FetchTimings;
}

/** A URL that can't be fetched; the code is ERR_INVALID_URL or ERR_UNSUPPORTED_PROTOCOL. */
export class FetchUrlError extends Error {
  constructor(
    readonly code: 'ERR_INVALID_URL' | 'ERR_UNSUPPORTED_PROTOCOL',
    message: string,
  ) {
    super(message);
  }
}

/** @throws FetchUrlError */
export function parseHttpUrl(text: string | URL, base?: URL): URL {
  let url: URL;
  try {
    url = new URL(text, base);
  } catch {
    throw new FetchUrlError(
      'ERR_INVALID_URL',
      `not a URL: ${text} (it should look like http://www.example.com/)`,
    );
  }
  if (url.protocol !== 'http:')
    throw new FetchUrlError(
      'ERR_UNSUPPORTED_PROTOCOL',
      `${url.protocol}// is not supported: only http:// URLs can be fetched`,
    );
  return url;
}

/**
 * Sends one request; resolves when the header of the answer is there, whatever its status.
 * Rejects with FetchUrlError, with the system error of the connection (ECONNREFUSED, ETIMEDOUT, ECONNRESET,
 * ENOTFOUND, …), with HPE_… for an answer that is not HTTP, or with the signal's AbortError.
 */
export async function fetchUrl(
  sockets: Sockets,
  address: string | URL,
  options: FetchOptions = {},
): Promise<FetchResponse> {
  const url = parseHttpUrl(address);
  const { clock } = sockets;
  const begun = clock.now();
  const timings: FetchTimings = { lookup: 0, connect: 0, firstByte: 0, total: 0 };
  const agent = options.agent ?? new HttpAgent(sockets);
  const method = options.method ?? (options.body === undefined ? 'GET' : 'POST');
  const request = http.request(url, {
    method,
    headers: requestHeaders(url, options),
    agent,
    ...(options.signal && { signal: options.signal }),
  });
  // HTTP/1.1 connections persist unless told: nothing to say.
  request.removeHeader('connection');
  request.once('socket', (socket) => {
    if (request.reusedSocket) return;
    socket.once('lookup', () => {
      timings.lookup = clock.now() - begun;
    });
    socket.once('connect', () => {
      timings.connect = clock.now() - begun;
    });
  });
  let received = () => 0;
  // At once: a short body comes with the header.
  request.once('response', (response) => {
    received = countBytes(response);
  });
  const answer = once(request, 'response') as Promise<[http.IncomingMessage]>;
  sendBody(request, options.body);
  try {
    const [response] = await answer;
    timings.firstByte = clock.now() - begun;
    const socket = response.socket as unknown as TcpSocket;
    const result: FetchResponse = {
      url,
      method,
      status: response.statusCode ?? 0,
      statusText: response.statusMessage ?? '',
      httpVersion: response.httpVersion,
      headers: response.headers,
      rawHeaders: response.rawHeaders,
      body: response,
      reused: request.reusedSocket,
      remote: `${socket.remoteAddress}:${socket.remotePort}`,
      local: `${socket.localAddress}:${socket.localPort}`,
      requestHead: requestHead(request),
      timings,
    };
    finished(response, () => {
      timings.total = clock.now() - begun;
      // An answer that did not wait for the whole request: as curl does, stop sending. (node:http would
      // neither send the rest nor ever use the connection again.)
      if (!request.writableFinished) request.destroy();
      if (!options.agent) agent.destroy();
      logFetch(sockets, result, received(), response.complete);
    });
    return result;
  } catch (error) {
    if (!options.agent) agent.destroy();
    throw error;
  } finally {
    // What goes wrong after this reaches the reader through the body.
    request.on('error', () => {});
  }
}

/** The body without its Content-Encoding: gzip is undone, anything else passes as it came. */
export function decodedBody(response: FetchResponse): Readable {
  if (response.headers['content-encoding'] !== 'gzip') return response.body;
  const decoder = createGunzip();
  pipeline(response.body, decoder, () => {});
  return decoder;
}

/** Counts a body as it comes in; a stream behind it that counts would cost as much as all of HTTP. */
function countBytes(response: http.IncomingMessage): () => number {
  let count = 0;
  const push = response.push;
  response.push = (chunk: Buffer | null, encoding?: BufferEncoding) => {
    count += chunk?.length ?? 0;
    return push.call(response, chunk, encoding);
  };
  return () => count;
}

/** With all that node:http would add by itself, so that `requestHead` is what was sent. */
function requestHeaders(url: URL, { headers: given = {}, body }: FetchOptions): http.OutgoingHttpHeaders {
  const names = new Set(Object.keys(given).map((name) => name.toLowerCase()));
  const headers: http.OutgoingHttpHeaders = {};
  if (!names.has('host')) headers.Host = url.host;
  for (const [name, value] of Object.entries(given))
    headers[name] = typeof value === 'string' ? value : [...value];
  if (body === undefined || names.has('content-length') || names.has('transfer-encoding')) return headers;
  if (body instanceof Readable) headers['Transfer-Encoding'] = 'chunked';
  else headers['Content-Length'] = Buffer.byteLength(body);
  return headers;
}

function sendBody(request: http.ClientRequest, body: FetchOptions['body']): void {
  if (body instanceof Readable) {
    pipeline(body, request, (error) => {
      if (error) request.destroy(error);
    });
  } else request.end(body);
}

function requestHead(request: http.ClientRequest): string {
  const fields = request
    .getRawHeaderNames()
    .flatMap((name) => [request.getHeader(name) ?? []].flat().map((value) => `${name}: ${value}\r\n`));
  return `${request.method} ${request.path} HTTP/1.1\r\n${fields.join('')}\r\n`;
}

function logFetch(sockets: Sockets, response: FetchResponse, bytes: number, complete: boolean): void {
  const { url, method, status, remote, local, reused, timings } = response;
  const duration = Math.round(timings.total * 1000) / 1000;
  sockets.log.info(
    'http.request',
    { role: 'client', method, url: url.href, status, bytes, duration, remote, local, reused, complete },
    `${method} ${url.href} from ${remote}: ${status}, ${bytes} bytes in ${duration.toFixed(1)} ms` +
      (reused ? ' on an open connection' : '') +
      (complete ? '' : ', broken off'),
  );
}
