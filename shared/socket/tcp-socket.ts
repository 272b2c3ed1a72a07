// A TCP connection as node:net shows it: a Duplex that node:http runs on. Bytes are pulled from the
// connection only when the reader asks, so an unread socket closes its receive window; a write waits for
// room in the send buffer. Order of events, codes and messages are those of net.Socket.

import { isIPv4 } from 'node:net';
import { addAbortSignal, Duplex } from 'node:stream';
import { formatIpv4, ipv4, parseIpv4 } from '../core/address.ts';
import { Alarm, type Clock } from '../core/clock.ts';
import { type SystemError, systemError } from '../core/errors.ts';
import type { TcpApi, TcpConnection, TcpUser } from '../stack/tcp/connection-api.ts';
import { codedError, toSystemError } from './errors.ts';
import type { AddressInfo, Lookup, TcpConnectOptions, TcpSocket } from './sockets.ts';

/** Bytes buffered on each side of the stream before it says stop. */
const HIGH_WATER_MARK = 64 * 1024;

type Done = (error?: Error | null) => void;

export interface TcpStreamOptions {
  readonly clock: Clock;
  readonly allowHalfOpen?: boolean | undefined;
  /** A connection that a listener accepted. */
  readonly connection?: TcpConnection;
  /** Called once, when the socket is destroyed. */
  readonly released?: () => void;
}

/** What a connecting socket needs of its device. */
export interface Dialer {
  readonly tcp: TcpApi;
  readonly lookup: Lookup;
}

const nobody: TcpUser = { connected() {}, readable() {}, writable() {}, drained() {}, closed() {} };

export class TcpStream extends Duplex implements TcpSocket {
  connecting = false;
  /** ms, as `setTimeout` set it. */
  timeout: number | undefined;
  #connection: TcpConnection | undefined;
  #peer: AddressInfo | undefined;
  /** The stream has asked for bytes that have not come yet. */
  #reading = false;
  /** Chunks of the current write that the connection has not taken yet, and whom to tell. */
  #unsent: Uint8Array[] = [];
  #sent: Done | undefined;
  #bytesRead = 0;
  #bytesSent = 0;
  /** Of the current write, which `writableLength` counts whole until it is done. */
  #bytesSentOfWrite = 0;
  #broken: SystemError | undefined;
  /** Bytes in the send buffer when there was traffic last. */
  #unacknowledged = 0;
  #resetting = false;
  readonly #idle: Alarm;
  readonly #released: (() => void) | undefined;

  constructor(options: TcpStreamOptions) {
    super({
      allowHalfOpen: options.allowHalfOpen ?? false,
      // 'close' carries hadError, so it is emitted here.
      emitClose: false,
      readableHighWaterMark: HIGH_WATER_MARK,
      writableHighWaterMark: HIGH_WATER_MARK,
    });
    this.#released = options.released;
    this.#idle = new Alarm(options.clock, () => this.#idled());
    this.on('end', () => this.#endedByPeer());
    if (options.connection) {
      this.#adopt(options.connection);
      this.#established(options.connection);
      this.read(0);
    }
  }

  /** Looks the name up and begins the handshake, from the next turn on. */
  connect(options: TcpConnectOptions, dialer: Dialer): this {
    this.connecting = true;
    if (options.signal) addAbortSignal(options.signal, this);
    process.nextTick(() => {
      if (!this.connecting) return;
      if (isIPv4(options.host)) this.#dial([options.host], options, dialer.tcp);
      else void this.#lookUpAndDial(options, dialer);
    });
    return this;
  }

  async #lookUpAndDial(options: TcpConnectOptions, { tcp, lookup }: Dialer): Promise<void> {
    const { host } = options;
    let addresses: readonly string[];
    try {
      addresses = await lookup(host);
      if (addresses.length === 0) throw systemError('ENOTFOUND', 'getaddrinfo', host);
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      this.emit('lookup', failure, undefined, undefined, host);
      if (this.connecting) this.destroy(failure);
      return;
    }
    if (this.destroyed) return;
    for (const address of addresses) this.emit('lookup', null, address, 4, host);
    if (this.connecting) this.#dial(addresses, options, tcp);
  }

  /** Tries the addresses in their order; the last one's error is the socket's. */
  #dial(addresses: readonly string[], options: TcpConnectOptions, tcp: TcpApi): void {
    const [address = '', ...others] = addresses;
    const { port, localAddress, localPort } = options;
    const failed = (error: SystemError): void => {
      if (others.length > 0) this.#dial(others, options, tcp);
      else this.destroy(systemError(error.code, error.syscall, address, port));
    };
    try {
      const connection = tcp.connect({
        address: ipv4(address),
        port,
        ...(localAddress !== undefined && { localAddress: ipv4(localAddress) }),
        ...(localPort !== undefined && { localPort }),
        user: nobody,
      });
      this.#adopt(connection, (error) => failed(systemError(error.code, 'connect')));
    } catch (error) {
      failed(toSystemError(error, 'connect'));
    }
  }

  #adopt(connection: TcpConnection, connectFailed?: (error: SystemError) => void): void {
    this.#connection = connection;
    connection.user = {
      connected: () => this.#connected(connection),
      readable: () => {
        this.#active();
        if (this.#reading) this.#pull();
      },
      writable: () => {
        this.#active();
        this.#push();
      },
      drained: () => this.#active(),
      closed: (error) => {
        if (error && this.connecting) {
          this.#connection = undefined;
          connectFailed?.(error);
        } else if (error) {
          // In a turn of its own, as libuv has it: what the same batch of segments brought before is done with by
          // then. (node:http has nobody listen for errors while a connection changes hands.)
          setImmediate(() => this.#reset(error));
          // After an orderly end what is left to read is still read.
        } else if (this.#reading) this.#pull();
      },
    };
  }

  #established(connection: TcpConnection): void {
    const { address, port } = connection.remote;
    this.#peer = { address: formatIpv4(address), family: 'IPv4', port };
  }

  #connected(connection: TcpConnection): void {
    this.connecting = false;
    this.#established(connection);
    this.#active();
    this.emit('connect');
    this.emit('ready');
    if (!this.isPaused()) this.read(0);
  }

  /** A reset, or the peer given up: what came before it is still read first, as on Linux. */
  #reset(error: SystemError): void {
    if (this.destroyed) return;
    this.#broken = systemError(error.code, this.#sent && !this.#reading ? 'write' : 'read');
    if (this.#connection && this.#connection.readableLength > 0 && !this.#sent) {
      if (this.#reading) this.#pull();
    } else this.destroy(this.#broken);
  }

  override _read(): void {
    this.#reading = true;
    if (this.connecting) this.once('connect', () => this.#pull());
    else this.#pull();
  }

  #pull(): void {
    const connection = this.#connection;
    if (!connection || this.destroyed) return;
    for (;;) {
      const bytes = connection.read(HIGH_WATER_MARK);
      if (!bytes || bytes.length === 0) break;
      this.#bytesRead += bytes.length;
      this.#reading = this.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
      if (!this.#reading || this.destroyed) return;
    }
    if (this.#broken) this.destroy(this.#broken);
    else if (connection.ended) {
      this.#reading = false;
      this.push(null);
      // An end that nobody reads for is seen all the same, as the stream is empty.
      if (this.readableLength === 0) this.read(0);
    }
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#send([chunk], done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: Done): void {
    this.#send(gathered(chunks.map(({ chunk }) => chunk)), done);
  }

  #send(chunks: Uint8Array[], done: Done): void {
    this.#unsent = chunks;
    this.#sent = done;
    if (this.connecting) {
      const closedFirst = (): void =>
        done(
          codedError(
            'ERR_SOCKET_CLOSED_BEFORE_CONNECTION',
            'Socket closed before the connection was established',
          ),
        );
      this.once('close', closedFirst);
      this.once('connect', () => {
        this.off('close', closedFirst);
        this.#push();
      });
    } else this.#push();
  }

  #push(): void {
    const done = this.#sent;
    if (!done) return;
    const connection = this.#connection;
    if (!connection || this.#broken) return this.#finishWrite(systemError('EPIPE', 'write'));
    for (let chunk = this.#unsent[0]; chunk; chunk = this.#unsent[0]) {
      const taken = connection.write(chunk);
      this.#bytesSentOfWrite += taken;
      if (taken < chunk.length) {
        this.#unsent[0] = chunk.subarray(taken);
        this.#active();
        return;
      }
      this.#unsent.shift();
    }
    this.#active();
    this.#finishWrite();
  }

  #finishWrite(error?: Error): void {
    const done = this.#sent;
    this.#sent = undefined;
    this.#unsent = [];
    this.#bytesSent += this.#bytesSentOfWrite;
    this.#bytesSentOfWrite = 0;
    done?.(error);
  }

  override _final(done: Done): void {
    if (this.connecting) {
      this.once('connect', () => this._final(done));
      return;
    }
    this.#connection?.shutdown();
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    // A write that waits for the connection hears of its end by itself.
    const unfinished = this.connecting ? undefined : this.#sent;
    this.connecting = false;
    this.#idle.close();
    const connection = this.#connection;
    this.#connection = undefined;
    this.#sent = undefined;
    this.#unsent = [];
    if (connection) {
      connection.user = nobody;
      if (this.#resetting) connection.abort();
      else connection.close();
    }
    done(error);
    // As libuv, which reports a closed handle in a phase of its own, after 'error' and 'end'.
    setImmediate(() => {
      unfinished?.();
      this.emit('close', error !== null);
    });
    this.#released?.();
  }

  /** As net.Socket: without half-open, a write after the peer's end fails with EPIPE, not with "write after end". */
  #endedByPeer(): void {
    if (this.allowHalfOpen) return;
    const write = this.write;
    this.write = (chunk: unknown, encoding?: BufferEncoding | Done, done?: Done): boolean => {
      if (!this.writableEnded) return write.call(this, chunk, encoding as BufferEncoding, done);
      const told = typeof encoding === 'function' ? encoding : done;
      const error = codedError('EPIPE', 'This socket has been ended by the other party');
      if (told) process.nextTick(told, error);
      this.destroy(error);
      return false;
    };
  }

  #active(): void {
    if (this.timeout) this.#idle.set(this.timeout);
    this.#unacknowledged = this.#connection?.unacknowledged ?? 0;
  }

  /** As net.Socket: what the peer has acknowledged meanwhile is traffic too. */
  #idled(): void {
    if (this.#connection && this.#connection.unacknowledged < this.#unacknowledged) this.#active();
    else this.emit('timeout');
  }

  get remoteAddress(): string | undefined {
    return this.#peer?.address;
  }

  get remotePort(): number | undefined {
    return this.#peer?.port;
  }

  get remoteFamily(): 'IPv4' | undefined {
    return this.#peer?.family;
  }

  get localAddress(): string | undefined {
    return this.#connection && formatIpv4(this.#connection.local.address);
  }

  get localPort(): number | undefined {
    return this.#connection?.local.port;
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** Bytes written, those that still wait in the stream included. */
  get bytesWritten(): number {
    return this.#bytesSent + this.writableLength;
  }

  get pending(): boolean {
    return !this.#connection || this.connecting;
  }

  get readyState(): 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.connecting) return 'opening';
    if (this.readable) return this.writable ? 'open' : 'readOnly';
    return this.writable ? 'writeOnly' : 'closed';
  }

  address(): AddressInfo | Record<string, never> {
    const local = this.#connection?.local;
    return local ? { address: formatIpv4(local.address), family: 'IPv4', port: local.port } : {};
  }

  setNoDelay(on = true): this {
    return this.#whenConnected((connection) => connection.setNoDelay(on));
  }

  setKeepAlive(on = false, initialDelay = 0): this {
    return this.#whenConnected((connection) => connection.setKeepAlive(on, initialDelay || undefined));
  }

  #whenConnected(apply: (connection: TcpConnection) => void): this {
    if (this.#connection) apply(this.#connection);
    else if (this.connecting) this.once('connect', () => this.#connection && apply(this.#connection));
    return this;
  }

  setTimeout(timeout: number, callback?: () => void): this {
    this.timeout = timeout;
    if (callback && timeout > 0) this.once('timeout', callback);
    else if (callback) this.off('timeout', callback);
    if (timeout > 0 && !this.destroyed) this.#idle.set(timeout);
    else this.#idle.clear();
    return this;
  }

  /** A device lives as long as it is told to, so a socket neither keeps it alive nor lets it go. */
  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  resetAndDestroy(): this {
    if (this.connecting) return this.once('connect', () => this.resetAndDestroy());
    if (!this.#connection) return this.destroy(codedError('ERR_SOCKET_CLOSED', 'Socket is closed'));
    this.#resetting = true;
    return this.destroy();
  }

  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }
}

/** Small chunks (an HTTP header and its body) as one, so that they leave in one segment. */
function gathered(chunks: Uint8Array[]): Uint8Array[] {
  const total = chunks.reduce((length, chunk) => length + chunk.length, 0);
  return total <= HIGH_WATER_MARK ? [Buffer.concat(chunks, total)] : chunks;
}

/** Refuses what net.connect refuses by throwing. */
export function checkConnectOptions(options: TcpConnectOptions): void {
  const { port, localAddress } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw codedError('ERR_SOCKET_BAD_PORT', `Port should be >= 0 and < 65536. Received ${port}.`, RangeError);
  }
  if (localAddress !== undefined && parseIpv4(localAddress) === undefined)
    throw codedError('ERR_INVALID_IP_ADDRESS', `Invalid IP address: ${localAddress}`, TypeError);
}
