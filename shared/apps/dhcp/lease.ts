// What a DHCP server's ACK gives a client, read and checked.

import {
  broadcastOf,
  type Ipv4Address,
  type Ipv4Cidr,
  inNetwork,
  isLoopbackIpv4,
  isMulticastIpv4,
  maskPrefix,
  networkOf,
} from '../../core/address.ts';
import {
  DHCP_OPTIONS,
  type DhcpMessage,
  dhcpAddress,
  dhcpAddresses,
  dhcpText,
  dhcpU32,
} from '../../wire/dhcp.ts';

export interface DhcpLease {
  /** The address with the length of its network part. */
  readonly cidr: Ipv4Cidr;
  readonly gateway?: Ipv4Address | undefined;
  readonly nameServers: readonly Ipv4Address[];
  readonly domain?: string | undefined;
  /** The server's identifier (option 54). */
  readonly server: Ipv4Address;
  /** ms; infinite for a lease without end. */
  readonly duration: number;
  /** When T1, T2 and the lease end, on the device's clock; it all counts from the REQUEST (RFC 2131 §4.4.1). */
  readonly renewAt: number;
  readonly rebindAt: number;
  readonly expiresAt: number;
}

/** Seconds that stand for no end (RFC 2131 §3.3). */
export const INFINITE_LEASE = 0xffffffff;

function isUsable(cidr: Ipv4Cidr): boolean {
  const { address } = cidr;
  if (address === 0 || isLoopbackIpv4(address) || isMulticastIpv4(address) || address >>> 28 === 15)
    return false;
  return address !== broadcastOf(cidr) && (cidr.prefixLength >= 31 || address !== networkOf(cidr));
}

/** The lease that an ACK gives; undefined without server, mask, time, or an address that a host can have. */
export function leaseFrom(ack: DhcpMessage, requestedAt: number): DhcpLease | undefined {
  const server = dhcpAddress(ack, DHCP_OPTIONS.SERVER_ID);
  const seconds = dhcpU32(ack, DHCP_OPTIONS.LEASE_TIME);
  const prefixLength = maskPrefix(dhcpAddress(ack, DHCP_OPTIONS.SUBNET_MASK) ?? 0);
  if (server === undefined || !seconds || !prefixLength) return undefined;
  const cidr = { address: ack.yiaddr, prefixLength };
  if (!isUsable(cidr)) return undefined;

  const duration = seconds === INFINITE_LEASE ? Number.POSITIVE_INFINITY : seconds * 1000;
  const t1 = (dhcpU32(ack, DHCP_OPTIONS.RENEWAL_TIME) ?? Number.NaN) * 1000;
  const t2 = (dhcpU32(ack, DHCP_OPTIONS.REBINDING_TIME) ?? Number.NaN) * 1000;
  // Times that are absent or make no sense are the usual half and seven eighths (RFC 2131 §4.4.5).
  const given = t1 > 0 && t1 < t2 && t2 < duration;
  return {
    cidr,
    gateway: dhcpAddresses(ack, DHCP_OPTIONS.ROUTER).find((router) => inNetwork(router, cidr)),
    nameServers: dhcpAddresses(ack, DHCP_OPTIONS.NAME_SERVER),
    domain: dhcpText(ack, DHCP_OPTIONS.DOMAIN),
    server,
    duration,
    renewAt: requestedAt + (given ? t1 : duration / 2),
    rebindAt: requestedAt + (given ? t2 : duration * 0.875),
    expiresAt: requestedAt + duration,
  };
}
