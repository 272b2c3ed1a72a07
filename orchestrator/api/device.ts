// A device as its user has it: what programs on it can do with its network.

import { text } from 'node:stream/consumers';
import type {
  ConnectHead,
  PingCall,
  PingError,
  PingLine,
  PingReply,
  PingResult,
  ResolveCall,
  ResolveResult,
} from '../../shared/control/device-calls.ts';
import { WrongUsage } from '../failure.ts';
import { linesOf } from '../lines.ts';
import type { DeviceReport } from '../net-status.ts';
import type { DeviceLink } from './device-link.ts';
import { fetchFrom } from './fetch.ts';
import { TcpConnection } from './tcp-connection.ts';
import { type Duration, readDuration } from './units.ts';

/** Bytes of data in an echo request: 65,535 of an IPv4 packet (RFC 791) less the headers of IPv4 and ICMP. */
const MOST_PING_DATA = 65_507;

export interface PingOptions {
  /** Requests to send, 1 unless told. */
  readonly count?: number;
  /** From one request to the next, `'100ms'` unless told. */
  readonly interval?: Duration;
  /** Bytes of data in a request, 0 to 65507, 56 unless told. */
  readonly size?: number;
  /** How long to wait for outstanding answers after the last request, `'1s'` unless told. */
  readonly timeout?: Duration;
  readonly signal?: AbortSignal;
}

/** What became of all echo requests. Times are in ms. */
export interface PingSummary extends PingResult {
  /** In the order in which they came, duplicates included. */
  readonly replies: readonly PingReply[];
  /** ICMP errors, and requests that could not be sent. */
  readonly errors: readonly PingError[];
}

export interface ConnectOptions {
  /** A name or an address. */
  readonly host: string;
  readonly port: number;
  /** How long name and handshake may take; as long as TCP tries unless told. */
  readonly timeout?: Duration;
  readonly signal?: AbortSignal;
}

/** Record types that can be asked for, with the form in which their data is given, which is that of node:dns. */
export interface ResolvedData {
  A: string;
  AAAA: string;
  CNAME: string;
  NS: string;
  PTR: string;
  /** The lowest priority is tried first. */
  MX: { priority: number; exchange: string };
  /** The strings of one record. */
  TXT: string[];
}

export interface ResolveOptions {
  /** Address of a name server to ask, as `dig @server` does: past the device's cache and its own servers. */
  readonly server?: string;
  /** How long to wait for an answer; 5 s a try, each server twice, unless told. */
  readonly timeout?: Duration;
  readonly signal?: AbortSignal;
}

export interface ExecOptions {
  /** What the command reads on its standard input: nothing unless told. */
  readonly input?: string | Uint8Array;
  /** Folder that its file arguments are relative to, the process's own unless told. */
  readonly cwd?: string;
  readonly signal?: AbortSignal;
}

export interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
  /** As the real tool's. */
  readonly exitCode: number;
}

/**
 * A device of a net. What its methods do happens in the device's own process, over its own tables and
 * sockets. They reject with Errors that have a `code`: what can happen on a network by the names that Node
 * gives it, and EHOSTDOWN if the device does not run, is frozen, or loses power meanwhile.
 */
export class Device {
  readonly #link: DeviceLink;
  readonly #report: () => DeviceReport;

  /** @internal */
  constructor(link: DeviceLink, report: () => DeviceReport) {
    this.#link = link;
    this.#report = report;
  }

  get name(): string {
    return this.#link.name;
  }

  /** What is known of it at this moment; `net.status()` asks anew. */
  get report(): DeviceReport {
    return this.#report();
  }

  /**
   * Fetches a URL, with the arguments and the Response of the standard's `fetch`. Each request opens a
   * connection of its own; http only. Unlike the standard's, it rejects with the network's error itself:
   * `code` is ENOTFOUND, EAI_AGAIN (no name server answered), ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, …; if the
   * connection breaks in the middle of the body, reading that rejects with ECONNRESET or ETIMEDOUT. A server
   * that has lost power answers nothing at all: set a limit with `signal: AbortSignal.timeout(ms)`.
   */
  fetch(url: string | URL | Request, init?: RequestInit): Promise<Response> {
    return fetchFrom(this.#link, url, init);
  }

  /**
   * Sends ICMP echo requests. Resolves when all are answered, or `timeout` after the last one: no answer is no
   * error. Rejects if a name does not resolve (ENOTFOUND, EAI_AGAIN).
   * @param destination a name or an address
   */
  async ping(destination: string, options: PingOptions = {}): Promise<PingSummary> {
    const { count = 1, interval = '100ms', size = 56, timeout = '1s', signal } = options;
    if (!Number.isInteger(count) || count < 1)
      throw new WrongUsage(`count ${count} should be a number from 1`);
    if (!Number.isInteger(size) || size < 0 || size > MOST_PING_DATA)
      throw new WrongUsage(`size ${size} should be a whole number from 0 to ${MOST_PING_DATA}`);
    const params: PingCall = {
      destination,
      count,
      interval: readDuration('interval', interval),
      size,
      timeout: readDuration('timeout', timeout),
    };
    const call = await this.#link.open('ping', params, signal);
    const lines = linesOf(call.stdout)[Symbol.asyncIterator]();
    const replies: PingReply[] = [];
    const errors: PingError[] = [];
    try {
      for (let line = await lines.next(); !line.done; line = await lines.next()) {
        const said = JSON.parse(line.value) as PingLine;
        if ('reply' in said) replies.push(said.reply);
        else errors.push(said.error);
      }
    } catch {
      // A stream that breaks says less of the reason than the answer.
    }
    return { ...(await call.value<PingResult>()), replies, errors };
  }

  /**
   * Opens a TCP connection. Rejects with the error of the handshake or of the name: ECONNREFUSED, ETIMEDOUT,
   * EHOSTUNREACH, ENOTFOUND, …
   */
  async connect({ host, port, timeout, signal }: ConnectOptions): Promise<TcpConnection> {
    const given = new AbortController();
    const limit = timeout === undefined ? undefined : readDuration('timeout', timeout);
    const overdue = (): void => given.abort(timedOut(`connect ETIMEDOUT ${host}:${port} after ${timeout}`));
    const timer = limit === undefined ? undefined : setTimeout(overdue, limit);
    const abort = (): void => given.abort(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) abort();
    try {
      const call = await this.#link.open('connect', { host, port }, given.signal);
      return new TcpConnection(call, await call.head<ConnectHead>());
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
  }

  /**
   * Asks for the records of a name; with a `server` that one, else the device's resolver, which remembers
   * what it has learned (`net.flush(device, 'dns')` makes it forget). Rejects as node:dns does: ENOTFOUND (no
   * such name), ENODATA (no records of that type), ESERVFAIL, EREFUSED, ETIMEDOUT, or EAI_AGAIN when none
   * of the device's servers gave an answer.
   */
  async resolve<T extends keyof ResolvedData = 'A'>(
    name: string,
    type: T = 'A' as T,
    { server, timeout, signal }: ResolveOptions = {},
  ): Promise<ResolvedData[T][]> {
    const params: ResolveCall = {
      name,
      type,
      server,
      timeout: timeout === undefined ? undefined : readDuration('timeout', timeout),
    };
    const call = await this.#link.open('resolve', params, signal);
    const { records } = await call.value<ResolveResult>();
    return records.map(dataOf) as ResolvedData[T][];
  }

  /**
   * Runs a console command of the device (ping, traceroute, dig, curl, arp, ip, ss, nat, leases, …) to its end.
   * Its exit code is no error, whatever it is.
   * @param argv the command and its arguments, such as `['ip', 'route']`
   */
  async exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const { input, cwd = process.cwd(), signal } = options;
    const call = await this.#link.open('exec', { argv, cwd }, signal);
    call.stdin.end(input);
    const [stdout, stderr] = await Promise.all(
      // A stream that breaks says less of the reason than the answer.
      [call.stdout, call.stderr].map((stream) => text(stream).catch(() => '')),
    );
    const exitCode = (await call.answer) as number;
    return { stdout: stdout ?? '', stderr: stderr ?? '', exitCode };
  }
}

function timedOut(message: string): Error {
  return Object.assign(new Error(message), { code: 'ETIMEDOUT', syscall: 'connect' });
}

function dataOf(record: ResolveResult['records'][number]): ResolvedData[keyof ResolvedData] {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return record.address;
    case 'MX':
      return { priority: record.priority, exchange: record.exchange };
    case 'TXT':
      return [...record.strings];
    default:
      return record.target;
  }
}
