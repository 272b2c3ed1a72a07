// A TCP socket as a system call sees it, on the connection API of our stack: blocking is left to the caller,
// who asks again. Where systems differ it is Linux that is followed.

import type { IpAddress } from '../../../shared/core/address.ts';
import { concatBytes } from '../../../shared/core/bytes.ts';
import type {
  TcpApi,
  TcpConnection,
  TcpConnectionSettings,
  TcpListener,
} from '../../../shared/stack/tcp/connection-api.ts';
import { type Descriptor, READY } from './descriptor.ts';
import { Errno, type Outcome } from './outcome.ts';

/** Share of the send buffer that is free again before it counts as writable. */
const WRITABLE_SHARE = 1 / 3;

export interface Address {
  readonly address: IpAddress;
  readonly port: number;
}

export interface SocketHost {
  readonly tcp: TcpApi;
  /** Bytes of a send buffer that was not set. */
  sendBuffer(): number;
  /** A listener is there, or a connection begins. */
  listening(port: number): void;
  connecting(local: Address, remote: Address): void;
}

/** What was set, for the connection to be, or for those that the listener takes. */
export interface SocketSetup {
  settings: TcpConnectionSettings;
  noDelay: boolean;
  keepAlive: boolean;
  cork: boolean;
  /** Seconds, if on. */
  linger: number | undefined;
}

export class TcpSocket implements Descriptor {
  nonBlocking = false;
  setup: SocketSetup = { settings: {}, noDelay: false, keepAlive: false, cork: false, linger: undefined };
  connection: TcpConnection | undefined;
  events = 0;
  /** Bytes of the stream that were written so far. */
  written = 0;
  #bound: Address | undefined;
  #listener: TcpListener | undefined;
  readonly #accepted: TcpSocket[] = [];
  #connected = false;
  /** Of a connect that failed, or a connection that broke, until somebody is told. */
  #error: string | undefined;
  #readingShut = false;
  #writingShut = false;
  /** Whether the latest write said that more follows. */
  #more = false;

  constructor(private readonly host: SocketHost) {}

  /** The socket of a connection that a listener took. */
  static of(host: SocketHost, connection: TcpConnection, setup: SocketSetup): TcpSocket {
    const socket = new TcpSocket(host);
    socket.setup = { ...setup, settings: {} };
    socket.#adopt(connection);
    socket.#connected = true;
    socket.#applySetup();
    return socket;
  }

  get isListening(): boolean {
    return this.#listener !== undefined;
  }

  get isConnected(): boolean {
    return this.#connected;
  }

  bind(address: Address): Outcome {
    if (this.#bound || this.connection) return new Errno('EINVAL');
    this.#bound = address;
    return 0;
  }

  listen(backlog: number): Outcome {
    if (this.connection) return new Errno('EINVAL');
    if (this.#listener) return 0;
    const { address, port } = this.#bound ?? { address: 0, port: 0 };
    const { settings } = this.setup;
    return attempt(() => {
      this.#listener = this.host.tcp.listen({
        address,
        port,
        // As Linux, which takes one more than it is told.
        backlog: Math.max(backlog, 0) + 1,
        held: () => this.#accepted.length,
        settings,
        accept: (connection) => this.#take(connection),
      });
      this.host.listening(this.#listener.local.port);
      return 0;
    });
  }

  /** One that was reset meanwhile is accepted all the same, as on Linux. */
  accept(): TcpSocket | Errno | undefined {
    return this.#listener ? this.#accepted.shift() : new Errno('EINVAL');
  }

  /** The first call begins; asked again it tells whether it is done. */
  connect(remote: Address): Outcome {
    if (this.#listener) return new Errno('EISCONN');
    if (this.#error !== undefined) return this.takeError();
    if (this.#connected) return new Errno('EISCONN');
    if (this.connection && this.connection.state !== 'CLOSED') return new Errno('EALREADY');
    return this.#begin(remote);
  }

  /** How a connect that was begun stands. */
  connectOutcome(): Outcome {
    if (this.#error !== undefined) return this.takeError();
    return this.#connected ? 0 : undefined;
  }

  /** @param wholly whether to wait for as much as was asked for */
  read(limit: number, peek: boolean, wholly = false): { outcome: Outcome; data?: Uint8Array } {
    const { connection } = this;
    const { readableLength = 0 } = connection ?? {};
    if (connection && readableLength > 0 && (!wholly || readableLength >= limit || this.#noMoreComes)) {
      if (limit === 0) return { outcome: 0 };
      const data = peek ? connection.peek(limit) : readOut(connection, limit);
      return { outcome: data?.length ?? 0, ...(data && { data }) };
    }
    if (this.#error !== undefined) return { outcome: this.takeError() };
    if (!connection || (!this.#connected && connection.state === 'CLOSED'))
      return { outcome: new Errno('ENOTCONN') };
    return { outcome: this.#noMoreComes || (limit === 0 && this.#connected) ? 0 : undefined };
  }

  /** @param more whether more is to follow, so that what does not fill a segment waits (MSG_MORE) */
  write(data: Uint8Array, more: boolean): Outcome {
    const { connection } = this;
    if (this.#error !== undefined) return this.takeError();
    if (!connection || this.#writingShut) return new Errno('EPIPE');
    if (!this.#connected) return undefined;
    if (connection.state === 'CLOSED' || connection.state === 'TIME-WAIT') return new Errno('EPIPE');
    if (data.length === 0) return 0;
    if (more && !this.setup.cork) connection.setCork(true);
    const taken = connection.write(data);
    if (!more && this.#more && !this.setup.cork) connection.setCork(false);
    this.#more = more;
    this.written += taken;
    return taken === 0 ? undefined : taken;
  }

  shutdown(how: 'read' | 'write' | 'both'): Outcome {
    const { connection } = this;
    if (!connection || !this.#connected || connection.state === 'CLOSED') return new Errno('ENOTCONN');
    if (how !== 'write') this.#readingShut = true;
    if (how !== 'read' && !this.#writingShut) {
      this.#writingShut = true;
      connection.shutdown();
    }
    return 0;
  }

  close(): void {
    this.#listener?.close();
    for (const { connection } of this.#accepted.splice(0)) connection?.abort();
    if (this.setup.linger === 0) this.connection?.abort();
    else this.connection?.close();
  }

  /** Whether all that was sent before closing was taken note of. */
  get lingered(): boolean {
    const state = this.connection?.state;
    return state === undefined || ['CLOSED', 'FIN-WAIT-2', 'TIME-WAIT'].includes(state);
  }

  /** SO_ERROR, which is told once. */
  get pendingError(): string | undefined {
    const error = this.#error;
    this.#error = undefined;
    return error;
  }

  takeError(): Errno {
    return new Errno(this.pendingError ?? 'EIO');
  }

  /** Of this socket, and of what it listens for. */
  set(settings: TcpConnectionSettings): void {
    Object.assign(this.setup.settings, settings);
    this.connection?.set(settings);
    this.#listener?.set(settings);
  }

  setNoDelay(on: boolean): void {
    this.setup.noDelay = on;
    this.connection?.setNoDelay(on);
  }

  setCork(on: boolean): void {
    this.setup.cork = on;
    this.connection?.setCork(on);
  }

  setKeepAlive(on: boolean): void {
    this.setup.keepAlive = on;
    if (this.#connected) this.connection?.setKeepAlive(on);
  }

  /** As `tcp_poll` of Linux. */
  get readiness(): number {
    const { connection } = this;
    if (this.#listener) return this.#accepted.length > 0 ? READY.in : 0;
    const over = !connection || connection.state === 'CLOSED' || connection.state === 'TIME-WAIT';
    const reset = this.#connected && over && !connection?.ended;
    let ready = this.#error !== undefined ? READY.error : 0;
    if (!connection || (over && !this.#connected)) return ready | READY.hangUp | READY.out;
    if (!this.#connected) return ready;
    const peerEnded = this.#noMoreComes || reset;
    if (connection.readableLength > 0 || peerEnded) ready |= READY.in;
    if (peerEnded) ready |= READY.peerHungUp;
    if (over || (peerEnded && this.#writingShut)) ready |= READY.hangUp;
    if (this.#writingShut || over || this.#isWritable(connection)) ready |= READY.out;
    return ready;
  }

  #isWritable(connection: TcpConnection): boolean {
    const size = this.setup.settings.sendBuffer ?? this.host.sendBuffer();
    return size - connection.unacknowledged >= size * WRITABLE_SHARE;
  }

  /** Whether all that the peer sends has been read, or is not wanted. */
  get #noMoreComes(): boolean {
    const { connection } = this;
    if (!connection) return false;
    const state = connection.state;
    const peerEnded = ['CLOSE-WAIT', 'CLOSING', 'LAST-ACK', 'TIME-WAIT'].includes(state);
    return this.#readingShut || connection.ended || peerEnded || (this.#connected && state === 'CLOSED');
  }

  #begin(remote: Address): Outcome {
    const local = this.#bound;
    const { settings } = this.setup;
    return attempt(() => {
      const connection = this.host.tcp.connect({
        ...remote,
        ...(local?.address && { localAddress: local.address }),
        ...(local?.port && { localPort: local.port }),
        settings,
        user: NOBODY,
      });
      this.#adopt(connection);
      this.host.connecting(connection.local, connection.remote);
      return undefined;
    });
  }

  #take(connection: TcpConnection): void {
    this.events++;
    this.#accepted.push(TcpSocket.of(this.host, connection, this.setup));
  }

  #adopt(connection: TcpConnection): void {
    this.connection = connection;
    const happened = (): void => {
      this.events++;
    };
    connection.user = {
      connected: () => {
        this.#connected = true;
        this.#applySetup();
        happened();
      },
      readable: happened,
      writable: happened,
      drained: () => {},
      closed: (error) => {
        this.#error = error?.code;
        happened();
      },
    };
  }

  #applySetup(): void {
    const { connection, setup } = this;
    if (!connection) return;
    connection.setNoDelay(setup.noDelay);
    if (setup.cork) connection.setCork(true);
    if (setup.keepAlive) connection.setKeepAlive(true);
  }
}

const NOBODY = { connected() {}, readable() {}, writable() {}, drained() {}, closed() {} };

/** All that there is, `limit` bytes at most, in whatever pieces the stack gives it. */
function readOut(connection: TcpConnection, limit: number): Uint8Array {
  const pieces: Uint8Array[] = [];
  let left = limit;
  for (let piece = connection.read(left); piece; piece = left > 0 ? connection.read(left) : undefined) {
    pieces.push(piece);
    left -= piece.length;
  }
  return concatBytes(pieces);
}

/** What the stack throws is what the call fails with. */
function attempt(call: () => Outcome): Outcome {
  try {
    return call();
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (typeof code === 'string') return new Errno(code);
    throw error;
  }
}
