// What a DHCP server answers, and where that goes (RFC 2131 §4.1, §4.3, table 3).

import {
  broadcastOf,
  IPV4_BROADCAST,
  type Ipv4Address,
  type Ipv4Cidr,
  type MacAddress,
  prefixMask,
} from '../../core/address.ts';
import {
  DHCP_CLIENT_PORT,
  DHCP_OPTIONS,
  DHCP_SERVER_PORT,
  DHCP_TYPES,
  type DhcpMessage,
  dhcpU32Value,
} from '../../wire/dhcp.ts';
import { INFINITE_LEASE } from './lease.ts';

export type ReplyType = 'OFFER' | 'ACK' | 'NAK';

export interface ReplyContent {
  /** The address that is offered or leased; none for INFORM and NAK. */
  readonly yiaddr?: Ipv4Address;
  /** ms. */
  readonly lease?: number;
  /** Why it is a NAK. */
  readonly reason?: string;
}

/** What clients are told of their network. */
export interface ServedNetwork {
  /** The server's own address, which is the gateway too. */
  readonly own: Ipv4Cidr;
  readonly dns: readonly Ipv4Address[];
  readonly domain: string | undefined;
}

function networkOptions({ own, dns, domain }: ServedNetwork): [number, Uint8Array][] {
  const broadcast = broadcastOf(own);
  const options: [number, Uint8Array][] = [
    [DHCP_OPTIONS.SUBNET_MASK, dhcpU32Value(prefixMask(own.prefixLength))],
    [DHCP_OPTIONS.ROUTER, dhcpU32Value(own.address)],
  ];
  if (broadcast !== undefined) options.push([DHCP_OPTIONS.BROADCAST_ADDRESS, dhcpU32Value(broadcast)]);
  if (dns.length > 0) options.push([DHCP_OPTIONS.NAME_SERVER, dhcpU32Value(...dns)]);
  if (domain !== undefined) options.push([DHCP_OPTIONS.DOMAIN, Buffer.from(domain)]);
  return options;
}

function leaseOptions(lease: number): [number, Uint8Array][] {
  const seconds = Math.min(Math.floor(lease / 1000), INFINITE_LEASE);
  return [
    [DHCP_OPTIONS.LEASE_TIME, dhcpU32Value(seconds)],
    [DHCP_OPTIONS.RENEWAL_TIME, dhcpU32Value(Math.floor(seconds / 2))],
    [DHCP_OPTIONS.REBINDING_TIME, dhcpU32Value(Math.floor(seconds * 0.875))],
  ];
}

export function replyTo(
  message: DhcpMessage,
  type: ReplyType,
  content: ReplyContent,
  network: ServedNetwork,
): DhcpMessage {
  const nak = type === 'NAK';
  const id = message.options.get(DHCP_OPTIONS.CLIENT_ID);
  return {
    op: 2,
    hops: 0,
    xid: message.xid,
    secs: 0,
    // A relay has to broadcast a NAK: the client's address is wrong (RFC 2131 §4.3.2).
    broadcast: message.broadcast || (nak && message.giaddr !== 0),
    ciaddr: type === 'ACK' ? message.ciaddr : 0,
    yiaddr: content.yiaddr ?? 0,
    siaddr: 0,
    giaddr: message.giaddr,
    chaddr: message.chaddr,
    sname: '',
    file: '',
    options: new Map<number, Uint8Array>([
      [DHCP_OPTIONS.MESSAGE_TYPE, Uint8Array.of(DHCP_TYPES[type])],
      [DHCP_OPTIONS.SERVER_ID, dhcpU32Value(network.own.address)],
      ...(content.lease === undefined ? [] : leaseOptions(content.lease)),
      ...(nak ? [] : networkOptions(network)),
      ...(content.reason === undefined ? [] : [[DHCP_OPTIONS.MESSAGE, Buffer.from(content.reason)] as const]),
      // RFC 6842: the client finds its own identifier in the reply.
      ...(id ? [[DHCP_OPTIONS.CLIENT_ID, id] as const] : []),
    ]),
  };
}

export interface ReplyTarget {
  readonly port: number;
  readonly address: Ipv4Address;
  /** The MAC that it goes to without ARP: a client without an address can't answer. */
  readonly link?: MacAddress;
}

/** RFC 2131 §4.1, in its order. */
export function replyTarget(reply: DhcpMessage, type: ReplyType): ReplyTarget {
  const port = DHCP_CLIENT_PORT;
  if (reply.giaddr !== 0) return { port: DHCP_SERVER_PORT, address: reply.giaddr };
  if (type === 'NAK') return { port, address: IPV4_BROADCAST };
  if (reply.ciaddr !== 0) return { port, address: reply.ciaddr };
  if (reply.broadcast) return { port, address: IPV4_BROADCAST };
  return { port, address: reply.yiaddr, link: reply.chaddr };
}
