// The socket facade: everything that an application on a device may use of its network. Applications
// see nothing of stack/ but through this.

import type { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import type { Ipv4Address, Ipv4Cidr, MacAddress } from '../core/address.ts';
import type { Clock } from '../core/clock.ts';
import type { Counters } from '../core/counters.ts';
import type { EventLog } from '../core/event-log.ts';
import type { Random } from '../core/random.ts';

export interface AddressInfo {
  readonly address: string;
  readonly family: 'IPv4';
  readonly port: number;
}

/** Turns a name into addresses; rejects with ENOTFOUND, EAI_AGAIN (no server answered), as dns.lookup does. */
export type Lookup = (hostname: string) => Promise<readonly string[]>;

/** As net.Socket: a Duplex with backpressure and half-close. Events: connect, ready, data, end, close, error, timeout, drain. */
export interface TcpSocket extends Duplex {
  readonly remoteAddress?: string;
  readonly remotePort?: number;
  readonly remoteFamily?: 'IPv4';
  readonly localAddress?: string;
  readonly localPort?: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly connecting: boolean;
  readonly pending: boolean;
  readonly readyState: 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed';
  address(): AddressInfo | Record<string, never>;
  setNoDelay(on?: boolean): this;
  setKeepAlive(on?: boolean, initialDelay?: number): this;
  /** ms without traffic until `timeout` is emitted; 0 is off. */
  setTimeout(timeout: number, callback?: () => void): this;
  ref(): this;
  unref(): this;
  /** RST. */
  resetAndDestroy(): this;
  destroySoon(): void;
}

/** As net.Server. Events: listening, connection, close, error. */
export interface TcpServer extends EventEmitter {
  readonly listening: boolean;
  listen(options: { port?: number; host?: string; backlog?: number }, listening?: () => void): this;
  listen(port: number, listening?: () => void): this;
  close(callback?: (error?: Error) => void): this;
  address(): AddressInfo | null;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface TcpConnectOptions {
  /** Address, or a name if the device has a resolver. */
  readonly host: string;
  readonly port: number;
  readonly localAddress?: string;
  readonly localPort?: number;
  /** Leave the writing side open when the peer has ended, as in node:net. */
  readonly allowHalfOpen?: boolean;
  readonly signal?: AbortSignal;
}

/** What came with a datagram. */
export interface DatagramInfo {
  readonly address: string;
  readonly port: number;
  readonly size: number;
  readonly ttl: number;
  /** The address it was sent to: a reply's source (UDP-4). */
  readonly destination: string;
  readonly interface: string;
}

/** A report of the error queue (IP_RECVERR): an ICMP error about something that this socket sent. */
export interface SocketErrorReport {
  readonly kind: 'unreachable' | 'too-big' | 'time-exceeded' | 'parameter-problem';
  /** ICMP code within the type. */
  readonly code: number;
  /** Next-hop MTU in bytes, for `too-big`. */
  readonly mtu: number;
  /** Who reports it. */
  readonly from: string;
  /** Where the datagram was going. */
  readonly destination: string;
  readonly port: number;
}

export interface UdpSendOptions {
  readonly ttl?: number;
  readonly tos?: number;
  /** As IP_PMTUDISC_DO, or IP_PMTUDISC_PROBE; what is too long is then refused with EMSGSIZE. */
  readonly dontFragment?: boolean | 'probe';
  /** Sent to this MAC without ARP: a DHCP server's reply to a client that has no address yet. */
  readonly link?: MacAddress;
  /** Source address other than the bound one; 0.0.0.0 for a DHCP client. */
  readonly source?: string;
}

export interface UdpBindOptions {
  readonly port?: number;
  readonly address?: string;
  /** As SO_BINDTODEVICE; such a socket also gets unicast while the interface has no address (RFC 2131 §4.1). */
  readonly interface?: string;
  readonly broadcast?: boolean;
}

/**
 * As dgram.Socket. Events: message (data, DatagramInfo), error (ECONNREFUSED on a connected socket, as on
 * Linux), report (SocketErrorReport), close.
 */
export interface UdpSocket extends EventEmitter {
  /** @throws SystemError EADDRINUSE, EADDRNOTAVAIL */
  bind(options?: UdpBindOptions): this;
  /** From now on only datagrams of this peer come, and ICMP errors do. */
  connect(port: number, address: string): this;
  /** @throws SystemError EMSGSIZE, ENETUNREACH, EHOSTUNREACH, EACCES (a broadcast without `broadcast`) */
  send(data: Uint8Array, port?: number, address?: string, options?: UdpSendOptions): void;
  address(): AddressInfo;
  close(): void;
}

export interface EchoReply {
  readonly from: string;
  readonly id: number;
  readonly sequence: number;
  readonly ttl: number;
  readonly data: Uint8Array;
  /** When it came in: ms on the device's clock. */
  readonly time: number;
}

/** As Linux's ping socket: echo requests out, the replies of its own identifier in. Events: reply (EchoReply), report (SocketErrorReport & { sequence: number }). */
export interface IcmpSocket extends EventEmitter {
  /** The echo identifier, chosen at random and unique on the device. */
  readonly id: number;
  /** @throws SystemError EMSGSIZE, ENETUNREACH, EHOSTUNREACH */
  sendEcho(destination: string, sequence: number, data: Uint8Array, options?: UdpSendOptions): void;
  close(): void;
}

/** Another station uses an address of ours (RFC 5227 §2.4). */
export interface AddressConflict {
  readonly address: Ipv4Address;
  readonly mac: MacAddress;
  /** Although the address was defended less than ten seconds ago. */
  readonly again: boolean;
}

/** An interface as one who administers it sees it (`ip addr`, `ip route`, DHCP). Events: carrier (up), conflict (AddressConflict). */
export interface InterfaceHandle extends EventEmitter {
  readonly name: string;
  readonly mac: MacAddress;
  readonly mtu: number;
  readonly carrier: boolean;
  readonly addresses: readonly Ipv4Cidr[];
  addAddress(cidr: Ipv4Cidr): void;
  removeAddress(address: Ipv4Address): void;
  setDefaultGateway(gateway: Ipv4Address): void;
  removeDefaultGateway(): void;
  /**
   * ARP probes (RFC 5227 §2.1.1): resolves with the MAC that holds or wants the address, or undefined if
   * nobody does. `timing` `fast` shortens the waits for a net that is known to be fresh.
   */
  probe(address: Ipv4Address, timing: 'fast' | 'rfc'): Promise<MacAddress | undefined>;
  /** ARP announcements (RFC 5227 §2.3). */
  announce(address: Ipv4Address, timing: 'fast' | 'rfc'): void;
}

export interface Sockets {
  readonly hostname: string;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly counters: Counters;
  readonly interfaces: readonly InterfaceHandle[];
  /** A generator of its own for each use. */
  random(use: string): Random;
  /** What turns names into addresses; a host's resolver sets it. */
  lookup: Lookup | undefined;
  /** @throws SystemError for what is wrong at once; the rest comes as an `error` event */
  connect(options: TcpConnectOptions, connected?: () => void): TcpSocket;
  createServer(options?: { allowHalfOpen?: boolean }, connection?: (socket: TcpSocket) => void): TcpServer;
  createUdpSocket(): UdpSocket;
  openIcmp(): IcmpSocket;
}

/** What a service returns, so that the device can end it. */
export interface Service {
  close(): void | Promise<void>;
}
