// The web server: node:http on the device's own sockets, a virtual host for each site name.

import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import type { Service, Sockets, TcpSocket } from '../../socket/sockets.ts';
import type { HttpServerSpec, SiteSpec } from '../../topology/types.ts';
import { ConnectionLimit } from '../connection-limit.ts';
import { type Answer, errorAnswer, textAnswer } from './answer.ts';
import { hashOfRandomBytes, MOST_BYTES, RandomBytes } from './random-bytes.ts';
import { parseRequestTarget } from './request-target.ts';
import { answerFromFolder } from './static-files.ts';
import { countUpload } from './upload.ts';

/** ms that a connection may be idle between two requests: nginx's 75 s. */
const KEEP_ALIVE_TIMEOUT = 75_000;

/** ms without a byte in the midst of a request or an answer, after which a connection is ended. */
const STALL_TIMEOUT = 120_000;
/** Connections at a time; beyond them the idlest makes room. */
const MOST_CONNECTIONS = 1024;

/** Hashes that are remembered, the oldest forgotten first. */
const MOST_HASHES = 256;

/** Serves the sites until closed. An address that is taken is logged as `http.failed`. */
export function startHttpServer(
  sockets: Sockets,
  spec: HttpServerSpec,
  options: {
    /** Of `/bytes/N`: the same seed gives the same bytes. */
    readonly seed: number;
  },
): Service {
  const server = new WebServer(sockets, spec, options.seed);
  return { close: () => server.close() };
}

class WebServer {
  readonly #sites: ReadonlyMap<string, SiteSpec>;
  readonly #http: http.Server;
  readonly #listener;
  /** Connections on which an answer is on its way. */
  readonly #answering = new WeakSet<Duplex>();
  readonly #hashes = new Map<number, string>();
  readonly #connections: ConnectionLimit;

  constructor(
    private readonly sockets: Sockets,
    spec: HttpServerSpec,
    private readonly seed: number,
  ) {
    this.#sites = new Map(Object.entries(spec.sites).map(([name, site]) => [name.toLowerCase(), site]));
    this.#http = http.createServer({ keepAliveTimeout: KEEP_ALIVE_TIMEOUT }, (request, response) => {
      void this.#serve(request, response);
    });
    this.#http.timeout = STALL_TIMEOUT;
    // Only an upload that will be taken is waited for (RFC 9110 §10.1.1).
    this.#http.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      if (request.method === 'POST' && request.url === '/bytes') response.writeContinue();
      else response.shouldKeepAlive = false;
      void this.#serve(request, response);
    });
    this.#http.on('clientError', (error: NodeJS.ErrnoException, socket) => this.#refuse(error, socket));
    // node:http looks for requests that never end from here on.
    this.#http.emit('listening');
    this.#connections = new ConnectionLimit(MOST_CONNECTIONS, sockets.counters, 'http.too-many-connections');
    this.#listener = sockets.createServer({ allowHalfOpen: true }, (socket) => {
      this.#connections.add(socket);
      socket.setNoDelay(true);
      this.#http.emit('connection', socket);
    });
    this.#listener.on('error', (error: NodeJS.ErrnoException) =>
      sockets.log.error(
        'http.failed',
        { code: error.code, port: spec.port },
        `The web server can't run: ${error.message}`,
      ),
    );
    this.#listener.listen(spec.port);
  }

  async close(): Promise<void> {
    const closed = this.#listener.listening
      ? new Promise<void>((resolve) => this.#listener.close(() => resolve()))
      : undefined;
    this.#http.close();
    this.#http.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const socket = request.socket as unknown as TcpSocket;
    const begun = this.sockets.clock.now();
    const remote = `${socket.remoteAddress}:${socket.remotePort}`;
    this.#answering.add(socket);
    this.#connections.used(socket);
    let bytes = 0;
    let complete = false;
    try {
      const answer = await this.#answer(request, response);
      await send(request, response, answer, (length) => {
        bytes += length;
        this.#connections.used(socket);
      });
      complete = true;
    } catch (error) {
      this.#broken(error, request, response);
    }
    this.#answering.delete(socket);
    this.#log(request, response, { remote, bytes, complete, duration: this.sockets.clock.now() - begun });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<Answer> {
    const target = parseRequestTarget(request);
    if (!target) return errorAnswer(400, 'The path or the Host of the request is not well-formed.');
    const site = this.#sites.get(target.host);
    if (!site) {
      // As a default server of nginx that serves nothing: 421 would say that the connection was misdirected,
      // and nobody can know that without TLS.
      const names = [...this.#sites.keys()].join(', ');
      return errorAnswer(404, `There is no site ${target.host || 'without a name'} here, only ${names}.`);
    }
    if (request.method === 'POST' && target.path === '/bytes') return countUpload(request);
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return errorAnswer(405, `${request.method} is not served here.`, { Allow: 'GET, HEAD' });
    if (target.segments[0] === 'bytes' && target.segments.length === 2)
      return this.#answerBytes(target.segments[1] ?? '', response);
    if (site.answer === 'client-address') return textAnswer(200, `${request.socket.remoteAddress}\n`);
    if (site.root !== undefined) return answerFromFolder(site.root, target, request);
    return errorAnswer(404, `There is no ${target.path} here.`);
  }

  async #answerBytes(name: string, response: ServerResponse): Promise<Answer> {
    const match = /^(\d+)(\.sha256)?$/.exec(name);
    const length = Number(match?.[1]);
    if (!match || length > MOST_BYTES)
      return errorAnswer(
        400,
        `/bytes/N takes a whole number from 0 to ${MOST_BYTES} for N, /bytes/N.sha256 too.`,
      );
    if (match[2] !== undefined) return textAnswer(200, await this.#hash(length, response));
    const headers = { 'Content-Type': 'application/octet-stream', 'Cache-Control': 'no-store' };
    return { status: 200, headers, body: () => new RandomBytes(this.seed, length), length };
  }

  async #hash(length: number, response: ServerResponse): Promise<string> {
    const known = this.#hashes.get(length);
    if (known !== undefined) return known;
    const hash = await hashOfRandomBytes(this.seed, length, () => response.destroyed);
    if (hash === undefined) return '';
    this.#hashes.set(length, hash);
    const [oldest] = this.#hashes.keys();
    if (this.#hashes.size > MOST_HASHES && oldest !== undefined) this.#hashes.delete(oldest);
    return hash;
  }

  /** Something that is not HTTP, too long a header, or a request that never ended. */
  #refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
    this.sockets.counters.add('http.bad-request');
    const { remoteAddress, remotePort } = socket as TcpSocket;
    this.sockets.log.debug?.(
      'http.bad-request',
      { remote: `${remoteAddress}:${remotePort}`, reason: error.code ?? error.message },
      `A bad request from ${remoteAddress}:${remotePort}: ${error.message}`,
    );
    if (!socket.writable || this.#answering.has(socket)) {
      socket.destroy();
      return;
    }
    const status = REFUSALS.get(error.code ?? '') ?? '400 Bad Request';
    socket.write(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    (socket as TcpSocket).destroySoon();
  }

  #broken(error: unknown, request: IncomingMessage, response: ServerResponse): void {
    // The client went away: nothing is wrong here.
    if (response.destroyed || request.socket.destroyed) return;
    this.sockets.counters.add('http.internal-error');
    const reason = error instanceof Error ? error.message : String(error);
    this.sockets.log.warn('http.internal-error', { url: request.url, reason }, `A request failed: ${reason}`);
    if (response.headersSent) response.destroy();
    else response.writeHead(500, { Connection: 'close', 'Content-Length': 0 }).end();
  }

  #log(
    request: IncomingMessage,
    response: ServerResponse,
    done: { remote: string; bytes: number; complete: boolean; duration: number },
  ): void {
    const { method, url } = request;
    const host = request.headers.host ?? '';
    const status = response.headersSent ? response.statusCode : 0;
    const { remote, bytes, complete } = done;
    const duration = Math.round(done.duration * 1000) / 1000;
    this.sockets.log.info(
      'http.request',
      { role: 'server', method, host, url, status, bytes, duration, remote, complete },
      `${remote} asked ${host} for ${method} ${url}: ${status || 'no answer'}, ${bytes} bytes in ${duration.toFixed(1)} ms` +
        (complete ? '' : ', broken off'),
    );
  }
}

const REFUSALS = new Map([
  ['HPE_HEADER_OVERFLOW', '431 Request Header Fields Too Large'],
  ['ERR_HTTP_REQUEST_TIMEOUT', '408 Request Timeout'],
]);

/** Sends the answer, until all of it is with TCP; `sent` hears of the bytes of its body. */
async function send(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  sent: (bytes: number) => void,
): Promise<void> {
  const { status, headers, body, length } = answer;
  response.writeHead(status, {
    Server: 'tincan',
    ...headers,
    ...(length !== undefined && { 'Content-Length': length }),
  });
  if (body === undefined || typeof body === 'string' || request.method === 'HEAD') {
    const text = typeof body === 'string' && request.method !== 'HEAD' ? body : '';
    response.end(text);
    await finished(response);
    sent(Buffer.byteLength(text));
    return;
  }
  const stream = body();
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    sent(chunk.length);
  });
  await pipeline(stream, response);
  // A file that was cut short meanwhile: only the end of the connection can say so.
  if (length !== undefined && bytes < length) response.socket?.destroy();
}
