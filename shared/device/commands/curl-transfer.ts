// One transfer of curl: a URL, with the redirects that it leads through, to its last byte or its error.

import { pipeline, Readable, Transform } from 'node:stream';
import { createBrotliDecompress, createUnzip } from 'node:zlib';
import { type FetchResponse, fetchUrl } from '../../apps/http/client.ts';
import type { Timer } from '../../core/clock.ts';
import type { Sockets } from '../../socket/sockets.ts';
import type { Console } from './console.ts';
import { type CurlBody, curlBody, uploadName } from './curl-body.ts';
import type { CurlConnection, CurlConnections } from './curl-connections.ts';
import { bodyError, CURLE, CurlError, requestError } from './curl-error.ts';
import type { CurlSettings } from './curl-options.ts';
import { type CurlOutput, readBody } from './curl-output.ts';
import { METER_HEADER, meterLine } from './curl-progress.ts';
import { type CurlRequest, initialMethod, redirected, requestFields, requestLines } from './curl-request.ts';
import type { TransferReport } from './curl-write-out.ts';
import { unlessAborted } from './host.ts';

const METER_INTERVAL = 1000;
const HTTP_PORT = 80;

/** Bytes of a body in memory that are sent, and counted, at a time. */
const PIECE = 65_536;

/** @throws CurlError for what is no http URL; a missing scheme means http */
export function curlUrl(text: string, base?: URL): URL {
  const absolute = base || /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  let url: URL;
  try {
    url = new URL(absolute, base);
  } catch {
    throw new CurlError(CURLE.URL_MALFORMAT, 'URL using bad/illegal format or missing URL');
  }
  if (url.protocol !== 'http:')
    throw new CurlError(
      CURLE.UNSUPPORTED_PROTOCOL,
      `Protocol "${url.protocol.slice(0, -1)}" not supported or disabled in libcurl`,
    );
  return url;
}

export class CurlTransfer {
  #phase: 'resolving' | 'connecting' | 'transferring' = 'resolving';
  #downloaded = 0;
  #uploaded = 0;
  #expected: number | undefined;
  #toUpload: number | undefined;
  #response: FetchResponse | undefined;
  #connection: CurlConnection | undefined;
  #redirects = 0;
  #connects = 0;
  #headerSize = 0;
  #requestSize = 0;
  #redirectUrl = '';
  #method = '';
  readonly #times = { lookup: 0, connect: 0, preTransfer: 0, startTransfer: 0, total: 0, redirect: 0 };
  readonly #begun: number;
  readonly #cancel = new AbortController();

  constructor(
    private readonly sockets: Sockets,
    private readonly console: Console,
    private readonly settings: CurlSettings,
    private readonly connections: CurlConnections,
    private url: URL,
    private readonly output: CurlOutput,
  ) {
    this.#begun = sockets.clock.now();
  }

  /** Undefined if all went well. Rejects only when the command itself is to end. */
  async run(): Promise<CurlError | undefined> {
    const { maxTime } = this.settings;
    const deadline =
      maxTime === undefined
        ? undefined
        : this.sockets.clock.after(maxTime, () => this.#cancel.abort(this.#timeoutError()));
    const interrupt = (): void => this.#cancel.abort(this.console.signal.reason);
    this.console.signal.addEventListener('abort', interrupt);
    if (this.console.signal.aborted) interrupt();
    const meter = this.#startMeter();
    try {
      await unlessAborted(this.#follow(), this.#cancel.signal);
      await this.output.close();
      return undefined;
    } catch (error) {
      // What came is kept, whatever ended it.
      await this.output.close().catch(() => {});
      this.console.signal.throwIfAborted();
      if (!(error instanceof CurlError)) throw error;
      this.#note(error.message);
      if (this.#connection) this.#note(`Closing connection ${this.#connection.number}`);
      return error;
    } finally {
      this.#times.total = this.#elapsed();
      deadline?.cancel();
      meter?.end();
      this.console.signal.removeEventListener('abort', interrupt);
      // Whatever still runs, an upload that nobody waits for included, ends here.
      this.#cancel.abort();
    }
  }

  report(error: CurlError | undefined): TransferReport {
    const { socket, remote = '' } = this.#connection ?? {};
    return {
      url: this.url.href,
      method: this.#method,
      status: this.#response?.status ?? 0,
      httpVersion: this.#response?.httpVersion ?? '0',
      contentType: this.#response?.headers['content-type'] ?? '',
      redirectUrl: this.#redirectUrl,
      redirects: this.#redirects,
      remote: { address: remote, port: this.#connection ? portOf(this.url) : 0 },
      local: this.#local ?? { address: socket?.localAddress ?? '', port: socket?.localPort ?? 0 },
      connects: this.#connects,
      downloaded: this.#downloaded,
      uploaded: this.#uploaded,
      headerSize: this.#headerSize,
      requestSize: this.#requestSize,
      times: this.#times,
      fileName: this.output.fileName,
      exitCode: error?.exitCode ?? 0,
      errorMessage: error?.message ?? '',
    };
  }

  #local: { address: string; port: number } | undefined;

  async #follow(): Promise<void> {
    const body = await curlBody(this.settings, this.console.io);
    if (this.url.pathname.endsWith('/')) this.url = new URL(uploadName(this.settings) || this.url, this.url);
    let request: CurlRequest = {
      url: this.url,
      method: initialMethod(this.settings, body),
      body,
      sameHost: true,
    };
    for (;;) {
      const response = await this.#send(request);
      const target = redirectTarget(response);
      this.#redirectUrl = target?.href ?? '';
      if (!target || !this.settings.followRedirects) return this.#finish(response);
      if (this.#redirects === this.settings.maxRedirects)
        throw new CurlError(
          CURLE.TOO_MANY_REDIRECTS,
          `Maximum (${this.settings.maxRedirects}) redirects followed`,
        );
      await this.#receive(response, false);
      this.#redirects++;
      this.#times.redirect = this.#elapsed();
      this.#note(`Issue another request to this URL: '${target.href}'`);
      request = redirected(request, curlUrl(target.href), response.status, this.settings);
      this.url = request.url;
    }
  }

  async #finish(response: FetchResponse): Promise<void> {
    if (this.settings.failOnError && response.status >= 400)
      throw new CurlError(CURLE.HTTP_RETURNED_ERROR, `The requested URL returned error: ${response.status}`);
    await this.output.open();
    await this.#receive(response, true);
  }

  /** Sends the request over an open connection or a new one, until the response's header is there. */
  async #send(request: CurlRequest): Promise<FetchResponse> {
    const host = request.url.hostname;
    const port = portOf(request.url);
    const idle = this.connections.idle(host, port);
    if (idle) this.#note(`Re-using existing connection #${idle.number} with host ${host}`);
    const connection = idle ?? (await this.#connect(host, port));
    this.#connection = connection;
    const { localAddress = '', localPort = 0 } = connection.socket;
    this.#local = { address: localAddress, port: localPort };
    try {
      return await this.#exchange(request, connection);
    } catch (error) {
      // The server may have closed an idle connection just when it was used again: that is no failure.
      const body = request.body?.content;
      if (!idle || this.#cancel.signal.aborted || typeof body === 'function') throw error;
      this.#note(`Connection died, retrying a fresh connect`);
      const fresh = await this.#connect(host, port);
      this.#connection = fresh;
      return this.#exchange(request, fresh);
    }
  }

  async #connect(host: string, port: number): Promise<CurlConnection> {
    this.#phase = 'resolving';
    const connection = await this.connections.connect({
      host,
      port,
      timeout: this.settings.connectTimeout,
      signal: this.#cancel.signal,
      note: (line) => this.#note(line),
      lookedUp: () => {
        this.#phase = 'connecting';
        this.#times.lookup = this.#elapsed();
      },
    });
    this.#times.connect = this.#elapsed();
    this.#connects++;
    return connection;
  }

  async #exchange(request: CurlRequest, connection: CurlConnection): Promise<FetchResponse> {
    this.#phase = 'transferring';
    this.#times.preTransfer = this.#elapsed();
    this.#method = request.method;
    this.#downloaded = 0;
    this.#expected = undefined;
    const fields = requestFields(request, this.settings);
    const lines = requestLines(request, fields);
    this.#requestSize += lines.join('\r\n').length + 4;
    this.#trace('>', lines);
    try {
      const response = await fetchUrl(this.sockets, request.url, {
        method: request.method,
        headers: fields,
        agent: this.connections.agent,
        signal: this.#cancel.signal,
        ...(request.body && { body: this.#sent(request.body) }),
      });
      this.#times.startTransfer = this.#elapsed();
      this.#response = response;
      const length = response.headers['content-length'];
      if (length !== undefined && request.method !== 'HEAD') this.#expected = Number(length);
      await this.#showHeader(response);
      return response;
    } catch (error) {
      this.#cancel.signal.throwIfAborted();
      throw requestError(error, connection.broken);
    }
  }

  /** The body of a request, counted as it is taken. */
  #sent(body: CurlBody): Uint8Array | Readable {
    this.#toUpload = body.length;
    const { content } = body;
    if (typeof content !== 'function' && content.length <= PIECE) {
      this.#uploaded += content.length;
      return content;
    }
    const counter = new Transform({
      transform: (chunk: Uint8Array, _encoding, done) => {
        this.#uploaded += chunk.length;
        done(null, chunk);
      },
    });
    pipeline(typeof content === 'function' ? content() : Readable.from(pieces(content)), counter, () => {});
    return counter;
  }

  async #showHeader(response: FetchResponse): Promise<void> {
    const { rawHeaders } = response;
    const lines = [`HTTP/${response.httpVersion} ${response.status} ${response.statusText}`];
    for (let index = 0; index < rawHeaders.length; index += 2)
      lines.push(`${rawHeaders[index]}: ${rawHeaders[index + 1]}`);
    this.#headerSize += lines.join('\r\n').length + 4;
    this.#trace('<', lines);
    const hidden = this.settings.failOnError && response.status >= 400;
    if ((!this.settings.includeHeaders && !this.settings.head) || hidden) return;
    await this.output.open();
    await this.output.write(`${lines.join('\r\n')}\r\n\r\n`);
  }

  /** Takes the body to its end; what a redirect says beside its header is not shown. */
  async #receive(response: FetchResponse, show: boolean): Promise<void> {
    const connection = this.#connection;
    if (!show) this.#note('Ignoring the response-body');
    try {
      response.body.on('data', (chunk: Buffer) => {
        this.#downloaded += chunk.length;
      });
      await readBody(show ? this.#decoded(response) : response.body, (chunk) =>
        show ? this.output.write(chunk) : undefined,
      );
    } catch (error) {
      if (error instanceof CurlError) throw error;
      this.#cancel.signal.throwIfAborted();
      if (this.console.signal.aborted || this.console.io.stdout.destroyed) throw error;
      throw bodyError(error, connection?.broken, this.#downloaded, this.#expected);
    }
    if (!show) this.#downloaded = 0;
    // The agent takes the connection back once this turn's work is done.
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (!connection) return;
    const kept = this.connections.idle(response.url.hostname, portOf(response.url)) === connection;
    const { number } = connection;
    this.#note(
      kept
        ? `Connection #${number} to host ${response.url.hostname} left intact`
        : `Closing connection ${number}`,
    );
    if (!kept) connection.socket.destroySoon();
  }

  #decoded({ headers, body }: FetchResponse): Readable {
    const encoding = this.settings.compressed ? headers['content-encoding'] : undefined;
    if (encoding !== 'gzip' && encoding !== 'deflate' && encoding !== 'br') return body;
    const decoder = encoding === 'br' ? createBrotliDecompress() : createUnzip();
    pipeline(body, decoder, () => {});
    return decoder;
  }

  #elapsed(): number {
    return this.sockets.clock.now() - this.#begun;
  }

  #timeoutError(): CurlError {
    const after = `after ${Math.round(this.#elapsed())} milliseconds`;
    const { OPERATION_TIMEDOUT } = CURLE;
    if (this.#phase === 'resolving') return new CurlError(OPERATION_TIMEDOUT, `Resolving timed out ${after}`);
    if (this.#phase === 'connecting')
      return new CurlError(OPERATION_TIMEDOUT, `Connection timed out ${after}`);
    const of = this.#expected === undefined ? '' : ` out of ${this.#expected}`;
    return new CurlError(
      OPERATION_TIMEDOUT,
      `Operation timed out ${after} with ${this.#downloaded}${of} bytes received`,
    );
  }

  #note(line: string): void {
    if (this.settings.verbose) void this.console.complain(`* ${line}\n`);
  }

  #trace(direction: '>' | '<', lines: readonly string[]): void {
    if (!this.settings.verbose) return;
    void this.console.complain([...lines, ''].map((line) => `${direction} ${line}\n`).join(''));
  }

  #startMeter(): { end(): void } | undefined {
    if (this.settings.silent || this.output.fileName === '') return undefined;
    let timer: Timer;
    let before = { bytes: 0, at: 0 };
    void this.console.complain(METER_HEADER);
    const show = (): void => {
      const elapsed = this.#elapsed();
      const bytes = this.#downloaded + this.#uploaded;
      const interval = elapsed - before.at;
      void this.console.complain(
        meterLine({
          downloaded: this.#downloaded,
          uploaded: this.#uploaded,
          expected: this.#expected,
          toUpload: this.#toUpload,
          elapsed,
          currentSpeed: interval > 0 ? ((bytes - before.bytes) * 1000) / interval : 0,
        }),
      );
      before = { bytes, at: elapsed };
    };
    const tick = (): void => {
      show();
      timer = this.sockets.clock.after(METER_INTERVAL, tick);
    };
    tick();
    return {
      end: () => {
        timer.cancel();
        show();
        void this.console.complain('\n');
      },
    };
  }
}

function* pieces(bytes: Uint8Array): Iterable<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += PIECE) yield bytes.subarray(offset, offset + PIECE);
}

function portOf(url: URL): number {
  return url.port === '' ? HTTP_PORT : Number(url.port);
}

function redirectTarget(response: FetchResponse): URL | undefined {
  const { location } = response.headers;
  if (response.status < 300 || response.status > 399 || location === undefined) return undefined;
  try {
    return new URL(location, response.url);
  } catch {
    return undefined;
  }
}
