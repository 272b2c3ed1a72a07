// What whoever stands on TCP (a socket) sees of it: the calls and callbacks of RFC 9293 §3.9.1.

import type { IpAddress } from '../../core/address.ts';
import type { SystemError } from '../../core/errors.ts';
import type { TcpSettings } from './settings.ts';

/** RFC 9293 §3.3.2. */
export type TcpState =
  | 'LISTEN'
  | 'SYN-SENT'
  | 'SYN-RECEIVED'
  | 'ESTABLISHED'
  | 'FIN-WAIT-1'
  | 'FIN-WAIT-2'
  | 'CLOSE-WAIT'
  | 'CLOSING'
  | 'LAST-ACK'
  | 'TIME-WAIT'
  | 'CLOSED';

export interface TcpEndpoint {
  readonly address: IpAddress;
  readonly port: number;
}

/** Settings that a connection, or a listener for those that it takes, has for itself. */
export type TcpConnectionSettings = Partial<
  Pick<
    TcpSettings,
    | 'receiveBuffer'
    | 'sendBuffer'
    | 'maximumSegment'
    | 'pathMtuDiscovery'
    | 'timeToLive'
    | 'typeOfService'
    | 'congestionControl'
    | 'delayedAck'
    | 'synTimeout'
    | 'dataTimeout'
    | 'userTimeout'
    | 'keepAliveIdle'
    | 'keepAliveInterval'
    | 'keepAliveProbes'
  >
>;

/** What a connection tells its user. Never called from inside a call of the user's own. */
export interface TcpUser {
  /** The handshake is done. */
  connected(): void;
  /** There is something to read: data, or the end of it. */
  readable(): void;
  /** There is room to write again, after `write` took less than it was given. */
  writable(): void;
  /** Everything that was written, and the FIN if there was one, has been acknowledged. */
  drained(): void;
  /** The last thing that is said: with the error if the connection was reset, refused or given up. */
  closed(error?: SystemError): void;
}

export interface TcpConnection {
  readonly state: TcpState;
  readonly local: TcpEndpoint;
  readonly remote: TcpEndpoint;
  /** Set before the turn ends in which the connection was made. */
  user: TcpUser;
  /** Bytes that `read` would give now. */
  readonly readableLength: number;
  /** Whether the peer's FIN has come and all data before it has been read. */
  readonly ended: boolean;
  /** Bytes written and not acknowledged yet. */
  readonly unacknowledged: number;
  /**
   * Takes up to `limit` bytes that arrived in order, and opens the window. They are the caller's from then on.
   * What lies in one piece is given at a time: who got less than there was reads on, and the peer learns of the
   * window when that has been read.
   */
  read(limit?: number): Uint8Array | undefined;
  /** Looks at up to `limit` bytes and leaves them. */
  peek(limit?: number): Uint8Array | undefined;
  /** Queues as much as the send buffer has room for (copied) and returns how many bytes that were. */
  write(data: Uint8Array): number;
  /** Sends a FIN after all that was written (half-close). */
  shutdown(): void;
  /** The user is done in both directions: FIN, or RST if data was left unread (RFC 2525 §2.17). */
  close(): void;
  /** RST at once, everything forgotten. */
  abort(): void;
  /** Nagle's algorithm off or on (RFC 9293 §3.7.4). */
  setNoDelay(on: boolean): void;
  /**
   * Holds back what does not fill a segment, until it is turned off, the stream ends or 200 ms have passed
   * (TCP_CORK, TCP_NOPUSH).
   */
  setCork(on: boolean): void;
  /** Overrides settings of the device for this connection; each holds from the next segment on. */
  set(settings: TcpConnectionSettings): void;
  /** Keep-alive probes after `idle` ms without traffic (RFC 9293 §3.8.4); off by default. */
  setKeepAlive(on: boolean, idle?: number): void;
}

export interface TcpListener {
  readonly local: TcpEndpoint;
  /** Overrides settings of the device for the connections that come from now on. */
  set(settings: TcpConnectionSettings): void;
  close(): void;
}

export interface ListenOptions {
  /** Own address, or 0 (any), the default. */
  readonly address?: IpAddress;
  /** 0 takes a free one out of 49152–65535. */
  readonly port: number;
  /** Connections that are not accepted yet, 511 unless told, as in node:net. */
  readonly backlog?: number;
  /** How many of those that `accept` was called for count as not accepted yet; none unless told. */
  readonly held?: () => number;
  readonly settings?: TcpConnectionSettings;
  /** Called for every connection when its handshake is done; sets its `user`. */
  accept(connection: TcpConnection): void;
}

export interface ConnectOptions {
  readonly address: IpAddress;
  readonly port: number;
  readonly localAddress?: IpAddress;
  readonly localPort?: number;
  readonly settings?: TcpConnectionSettings;
  readonly user: TcpUser;
}

/** What will happen to a connection by itself, as `ss -to` shows. */
export interface TcpTimer {
  /**
   * `on`: retransmits; `persist`: probes a shut window; `keepalive`: probes an idle peer, or forgets a
   * connection whose user is gone and whose peer does not close; `timewait`: ends.
   */
  readonly name: 'on' | 'persist' | 'keepalive' | 'timewait';
  /** ms. */
  readonly expiresIn: number;
  /** How often it has gone off in vain. */
  readonly tries: number;
}

/** A line of `ss -t`. */
export interface TcpSocketInfo {
  readonly state: TcpState;
  readonly local: TcpEndpoint;
  /** Undefined for a listener. */
  readonly remote?: TcpEndpoint;
  /** Bytes received and not read; for a listener the connections that wait for accept. */
  readonly receiveQueue: number;
  /** Bytes written and not acknowledged; for a listener the backlog. */
  readonly sendQueue: number;
  /** Further figures, as `ss -ti` shows: cwnd, ssthresh, rto and srtt in ms, mss in bytes, … */
  readonly details: Readonly<Record<string, number | string>>;
  /** Absent while none runs. */
  readonly timer?: TcpTimer | undefined;
}

export interface TcpApi {
  /**
   * @throws SystemError EADDRINUSE, EADDRNOTAVAIL (not an own address)
   */
  listen(options: ListenOptions): TcpListener;
  /**
   * Begins a handshake. What goes wrong later comes by `closed`: ECONNREFUSED, ETIMEDOUT, ECONNRESET,
   * EHOSTUNREACH, ENETUNREACH.
   * @throws SystemError ENETUNREACH (no route), EADDRINUSE, EADDRNOTAVAIL (ports used up, or not an own address)
   */
  connect(options: ConnectOptions): TcpConnection;
  sockets(): TcpSocketInfo[];
}
