// The seam between transports and the network layer. TCP, UDP and ICMP sockets know IPv4 only through
// this, so that IPv6 is one more file that implements it.

import type { IpAddress, MacAddress } from '../core/address.ts';
import type { Train } from '../core/train.ts';

/** How a packet would go to a destination. */
export interface Path {
  /** The address that the packet leaves with. */
  readonly source: IpAddress;
  /** Path MTU in bytes, IP header included: the interface's, or less where ICMP said so. */
  readonly mtu: number;
  /** MTU of the interface alone, in bytes. */
  readonly linkMtu: number;
}

/** Why a packet can't be sent: no route, own interface down, a broadcast without leave. */
export type SendError = 'ENETUNREACH' | 'EHOSTUNREACH' | 'ENETDOWN' | 'EMSGSIZE' | 'EACCES' | 'EADDRNOTAVAIL';

export interface SendOptions {
  readonly protocol: number;
  readonly source: IpAddress;
  readonly destination: IpAddress;
  /** 64 unless told. */
  readonly ttl?: number;
  readonly tos?: number;
  /** Don't fragment; a packet longer than the path MTU, or with `probe` the link's, is then refused with EMSGSIZE. */
  readonly dontFragment?: boolean | 'probe';
  /** Leave through this interface whatever the routes say (DHCP before an address is known). */
  readonly interface?: string;
  /** Sent in a frame to this MAC, without ARP. */
  readonly link?: MacAddress;
}

/** A packet for a transport of this device, still in the frame it came in. */
export interface ReceivedPacket {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly protocol: number;
  readonly ttl: number;
  readonly tos: number;
  /** The network header as it came, options included, with the payload behind it: for ICMP quotes. */
  readonly packet: Uint8Array;
  /** The transport's header and data, padding cut off; a view of `packet`, or of a reassembly. */
  readonly payload: Uint8Array;
  /** Name of the interface it came in by. */
  readonly interface: string;
  /** To a broadcast or multicast address of IP or of the link: some things must not be answered. */
  readonly broadcast: boolean;
}

/** An ICMP error about a packet that this device sent. */
export interface ReceivedError {
  readonly kind: 'unreachable' | 'too-big' | 'time-exceeded' | 'parameter-problem';
  /** ICMP code within the type. */
  readonly code: number;
  /** Next-hop MTU for `too-big`, 0 where the router gave none. */
  readonly mtu: number;
  /** Who reports it. */
  readonly from: IpAddress;
  /** Source and destination of the packet it is about. */
  readonly source: IpAddress;
  readonly destination: IpAddress;
  /** What is quoted of the transport's header and data: 8 bytes or more. */
  readonly quoted: Uint8Array;
}

/**
 * Takes what the transport has in a packet that has the addresses and ports of the one before: from `bytes[at]` to
 * the end, in a packet with that TOS. False, and nothing done, if it is to be received as any other.
 */
export type TransportFollower = (bytes: Uint8Array, at: number, tos: number) => boolean;

/** What a transport registers for its protocol number. */
export interface TransportHandler {
  receive(packet: ReceivedPacket): void;
  /** An ICMP error quotes a packet of this protocol. */
  error(error: ReceivedError): void;
  /** What takes the packets that follow one which was just received, as long as they are like it. */
  follower?(packet: ReceivedPacket): TransportFollower | undefined;
  /** All packets that came so far have been handed over: acknowledge them together. */
  endOfBatch?(): void;
}

export interface NetworkLayer {
  /** Bytes that a transport leaves free in front of its header, for the headers below. */
  readonly headroom: number;
  /** The way to `destination`, from `source` and through an interface if given; or why there is none. */
  path(destination: IpAddress, source?: IpAddress, through?: string): Path | SendError;
  /** Whether `address` is this device's own (loopback included), so that a socket may be bound to it. */
  isLocal(address: IpAddress): boolean;
  /** Whether `address` is a broadcast or multicast address here, so that TCP must not talk to it. */
  isBroadcast(address: IpAddress): boolean;
  /** The unfinished checksum sum of the pseudo-header, to go on with `addToSum`. */
  pseudoHeaderSum(source: IpAddress, destination: IpAddress, protocol: number, length: number): number;
  /**
   * Sends `buffer`, whose first `headroom` bytes are free and the rest a finished transport segment.
   * The buffer belongs to the network layer from now on. Returns why it was not sent, if it was not.
   */
  send(buffer: Uint8Array, options: SendOptions): SendError | undefined;
  /** As `send`, for segments that are still to be written: all are sent, or none. */
  sendTrain(segments: Train, options: SendOptions): SendError | undefined;
  /** Answers a received packet with an ICMP port (3/3) or protocol (3/2) unreachable, where RFC 1122 lets it. */
  refuse(packet: ReceivedPacket, what: 'port' | 'protocol'): void;
  /** Says that a transport has a new smaller path MTU for a destination (RFC 1191). */
  learnMtu(destination: IpAddress, mtu: number): void;
  register(protocol: number, handler: TransportHandler): void;
  /** Text of an address, for logs and errors. */
  format(address: IpAddress): string;
}
