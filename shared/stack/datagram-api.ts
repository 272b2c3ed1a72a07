// What whoever stands on UDP, or on ICMP echo, sees of it.

import type { IpAddress, MacAddress } from '../core/address.ts';
import type { ReceivedError } from './network-layer.ts';

export interface DatagramOptions {
  readonly ttl?: number;
  readonly tos?: number;
  /**
   * True refuses what is longer than the path MTU, with EMSGSIZE. Unless told, as on Linux, a datagram
   * that fits the path is sent with DF, so that a smaller MTU is noticed, and a longer one is fragmented.
   * `probe` is true but for what was learned of the path, as IP_PMTUDISC_PROBE: only the link's MTU counts.
   */
  readonly dontFragment?: boolean | 'probe';
  /** Source address instead of the bound or routed one; 0.0.0.0 for a DHCP client. */
  readonly source?: IpAddress;
  /** Sent in a frame to this MAC, without ARP. */
  readonly link?: MacAddress;
}

export interface ReceivedDatagram {
  /** A view that is valid during the call only. */
  readonly data: Uint8Array;
  readonly source: IpAddress;
  readonly port: number;
  readonly destination: IpAddress;
  readonly ttl: number;
  readonly interface: string;
}

export interface UdpUser {
  received(datagram: ReceivedDatagram): void;
  /** An ICMP error about a datagram that this endpoint sent to `port`. */
  failed(error: ReceivedError, port: number): void;
}

export interface UdpBinding {
  /** 0 (any) unless told. */
  readonly address?: IpAddress;
  /** 0 takes a free one out of 49152–65535, at random. */
  readonly port?: number;
  /** Only this interface, in and out; unicast is taken too while it has no address (RFC 2131 §4.1). */
  readonly interface?: string;
  /** Whether broadcasts may be sent; EACCES without. */
  readonly broadcast?: boolean;
  readonly user: UdpUser;
}

export interface UdpEndpoint {
  readonly address: IpAddress;
  readonly port: number;
  readonly peer?: { readonly address: IpAddress; readonly port: number } | undefined;
  /** From now on only the peer's datagrams come. @throws SystemError ENETUNREACH */
  connect(address: IpAddress, port: number): void;
  /** @throws SystemError EMSGSIZE, ENETUNREACH, EHOSTUNREACH, ENETDOWN, EACCES */
  send(data: Uint8Array, address: IpAddress, port: number, options?: DatagramOptions): void;
  close(): void;
}

export interface UdpApi {
  /** @throws SystemError EADDRINUSE, EADDRNOTAVAIL */
  bind(binding: UdpBinding): UdpEndpoint;
  endpoints(): readonly UdpEndpoint[];
}

export interface ReceivedEcho {
  readonly from: IpAddress;
  readonly sequence: number;
  readonly ttl: number;
  /** A view that is valid during the call only. */
  readonly data: Uint8Array;
}

export interface EchoUser {
  replied(reply: ReceivedEcho): void;
  failed(error: ReceivedError, sequence: number): void;
}

export interface EchoEndpoint {
  /** The identifier, chosen at random, unique on the device. */
  readonly id: number;
  /** @throws SystemError EMSGSIZE, ENETUNREACH, EHOSTUNREACH, ENETDOWN */
  send(destination: IpAddress, sequence: number, data: Uint8Array, options?: DatagramOptions): void;
  close(): void;
}

export interface EchoApi {
  open(user: EchoUser): EchoEndpoint;
}
