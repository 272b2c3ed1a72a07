// Addresses as numbers: cheap to compare, to hash and to mask. Text only at the edges.

import { isIPv4 } from 'node:net';

/** An IPv4 address as an unsigned 32-bit number in host order: 192.168.0.1 is 0xc0a80001. */
export type Ipv4Address = number;

/**
 * A network-layer address that a transport passes along and compares with `===`, never looks into.
 * Today that is IPv4 alone; IPv6 would join the union.
 */
export type IpAddress = Ipv4Address;

/** A MAC address as an unsigned 48-bit number: aa:bb:cc:dd:ee:ff is 0xaabbccddeeff. */
export type MacAddress = number;

/** An address with the length of its network part: 192.168.0.1/24. */
export interface Ipv4Cidr {
  readonly address: Ipv4Address;
  /** 0 to 32. */
  readonly prefixLength: number;
}

export const IPV4_ANY: Ipv4Address = 0;
export const IPV4_BROADCAST: Ipv4Address = 0xffffffff;
export const IPV4_LOOPBACK: Ipv4Address = 0x7f000001;
export const MAC_ZERO: MacAddress = 0;
export const MAC_BROADCAST: MacAddress = 0xffffffffffff;

/** Reads dotted-quad text, as `inet_pton` does: four decimal parts, no leading zeros. */
export function parseIpv4(text: string): Ipv4Address | undefined {
  if (!isIPv4(text)) return undefined;
  return text.split('.').reduce((value, part) => value * 256 + Number(part), 0);
}

/** As `parseIpv4`, for text that is known to be good; throws a TypeError otherwise. */
export function ipv4(text: string): Ipv4Address {
  const address = parseIpv4(text);
  if (address === undefined) throw new TypeError(`not an IPv4 address: ${text}`);
  return address;
}

export function formatIpv4(address: Ipv4Address): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/** Reads `a.b.c.d/n`. */
export function parseCidr(text: string): Ipv4Cidr | undefined {
  const match = /^([\d.]+)\/(\d|[12]\d|3[0-2])$/.exec(text);
  const address = match && parseIpv4(match[1]!);
  return match && address !== null && address !== undefined
    ? { address, prefixLength: Number(match[2]) }
    : undefined;
}

export function formatCidr(cidr: Ipv4Cidr): string {
  return `${formatIpv4(cidr.address)}/${cidr.prefixLength}`;
}

/** The netmask of a prefix length: 24 gives 255.255.255.0. */
export function prefixMask(prefixLength: number): Ipv4Address {
  return prefixLength === 0 ? 0 : (0xffffffff << (32 - prefixLength)) >>> 0;
}

/** The prefix length of a netmask, undefined if its ones are not contiguous. */
export function maskPrefix(mask: Ipv4Address): number | undefined {
  const length = Math.clz32(~mask >>> 0);
  return prefixMask(length) === mask ? length : undefined;
}

/** The first address of the network that `cidr` is in: 192.168.0.7/24 gives 192.168.0.0. */
export function networkOf(cidr: Ipv4Cidr): Ipv4Address {
  return (cidr.address & prefixMask(cidr.prefixLength)) >>> 0;
}

/** The directed broadcast address of a network; none for /31 (RFC 3021) and /32. */
export function broadcastOf(cidr: Ipv4Cidr): Ipv4Address | undefined {
  if (cidr.prefixLength >= 31) return undefined;
  return (networkOf(cidr) | ~prefixMask(cidr.prefixLength)) >>> 0;
}

export function inNetwork(address: Ipv4Address, cidr: Ipv4Cidr): boolean {
  return (address & prefixMask(cidr.prefixLength)) >>> 0 === networkOf(cidr);
}

/** 224.0.0.0/4, RFC 5771. */
export function isMulticastIpv4(address: Ipv4Address): boolean {
  return address >>> 28 === 0xe;
}

/** 127.0.0.0/8, RFC 1122 §3.2.1.3 (g): never on a wire. */
export function isLoopbackIpv4(address: Ipv4Address): boolean {
  return address >>> 24 === 127;
}

/** Private use by RFC 1918: 10/8, 172.16/12, 192.168/16. */
export function isPrivateIpv4(address: Ipv4Address): boolean {
  return address >>> 24 === 10 || address >>> 20 === 0xac1 || address >>> 16 === 0xc0a8;
}

/** Reads `aa:bb:cc:dd:ee:ff`, either case. */
export function parseMac(text: string): MacAddress | undefined {
  return /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)
    ? Number.parseInt(text.replaceAll(':', ''), 16)
    : undefined;
}

/** As `parseMac`, for text that is known to be good; throws a TypeError otherwise. */
export function mac(text: string): MacAddress {
  const address = parseMac(text);
  if (address === undefined) throw new TypeError(`not a MAC address: ${text}`);
  return address;
}

export function formatMac(address: MacAddress): string {
  return address
    .toString(16)
    .padStart(12, '0')
    .replace(/..(?!$)/g, '$&:');
}

/** Group bit of the first octet (IEEE 802): broadcast and multicast. */
export function isGroupMac(address: MacAddress): boolean {
  return ((address / 0x10000000000) & 1) === 1;
}
