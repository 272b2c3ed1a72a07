// IPv4 packets (RFC 791 §3.1):
//
//   0    1    2       4       6       8    9    10      12      16      20
//   |v|l | tos| total | id    |fl|off | ttl| pro| cksum | src 4 | dst 4 | options … | payload …
//
// v is 4, l the header's length in words; fl are the flags 0, DF, MF; off counts units of 8 bytes.
// Accessors read and write a packet in place and take it as checked (`checkIpv4`).

import type { Ipv4Address } from '../core/address.ts';
import { readU16, readU32, writeU16, writeU32 } from '../core/bytes.ts';
import {
  addToSum,
  adjustChecksum16,
  adjustChecksum32,
  checksum,
  finishSum,
  foldSum,
} from '../core/checksum.ts';
import { Malformed } from '../core/errors.ts';

export const IPV4_HEADER_LENGTH = 20;
export const IPV4_MAX_LENGTH = 65_535;
/** Every link carries packets of this length whole (RFC 791 §3.2). */
export const IPV4_MIN_MTU = 68;

export const PROTOCOL_ICMP = 1;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;

const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS = 0x2000;
const OFFSET_MASK = 0x1fff;

export interface Ipv4Header {
  readonly tos: number;
  readonly identification: number;
  readonly dontFragment: boolean;
  readonly moreFragments: boolean;
  /** Where the payload belongs in the whole datagram, in bytes; a multiple of 8. */
  readonly fragmentOffset: number;
  readonly ttl: number;
  readonly protocol: number;
  readonly source: Ipv4Address;
  readonly destination: Ipv4Address;
}

export interface Ipv4Packet extends Ipv4Header {
  /** As on the wire, a multiple of 4 bytes, at most 40. */
  readonly options: Uint8Array;
  readonly payload: Uint8Array;
}

const TOO_SHORT = new Malformed('too-short');
const BAD_VERSION = new Malformed('bad-version');
const BAD_HEADER_LENGTH = new Malformed('bad-header-length');
const BAD_TOTAL_LENGTH = new Malformed('bad-total-length');
const BAD_CHECKSUM = new Malformed('bad-checksum');

/**
 * Whether a packet begins at `bytes[start]` whose header is right and whose total length is there
 * (RFC 1122 §3.2.1, RFC 1812 §5.2.2); padding may follow. Allocates nothing.
 */
export function checkIpv4(bytes: Uint8Array, start = 0): Malformed | undefined {
  const available = bytes.length - start;
  if (available < IPV4_HEADER_LENGTH) return TOO_SHORT;
  const first = bytes[start]!;
  if (first >>> 4 !== 4) return BAD_VERSION;
  const headerLength = (first & 15) * 4;
  if (headerLength < IPV4_HEADER_LENGTH || headerLength > available) return BAD_HEADER_LENGTH;
  const totalLength = readU16(bytes, start + 2);
  if (totalLength < headerLength || totalLength > available) return BAD_TOTAL_LENGTH;
  if (foldSum(addToSum(0, bytes, start, start + headerLength)) !== 0xffff) return BAD_CHECKSUM;
  return undefined;
}

export function decodeIpv4(bytes: Uint8Array): Ipv4Packet | Malformed {
  const malformed = checkIpv4(bytes);
  if (malformed) return malformed;
  const headerLength = ipv4HeaderLength(bytes);
  return {
    tos: ipv4Tos(bytes),
    identification: ipv4Identification(bytes),
    dontFragment: ipv4DontFragment(bytes),
    moreFragments: ipv4MoreFragments(bytes),
    fragmentOffset: ipv4FragmentOffset(bytes),
    ttl: ipv4Ttl(bytes),
    protocol: ipv4Protocol(bytes),
    source: ipv4Source(bytes),
    destination: ipv4Destination(bytes),
    options: bytes.subarray(IPV4_HEADER_LENGTH, headerLength),
    payload: bytes.subarray(headerLength, ipv4TotalLength(bytes)),
  };
}

export function encodeIpv4(packet: Ipv4Packet): Uint8Array {
  const headerLength = IPV4_HEADER_LENGTH + packet.options.length;
  const bytes = new Uint8Array(headerLength + packet.payload.length);
  writeIpv4Header(bytes, packet);
  bytes[0] = 0x40 | (headerLength / 4);
  bytes.set(packet.options, IPV4_HEADER_LENGTH);
  bytes.set(packet.payload, headerLength);
  updateIpv4Checksum(bytes);
  return bytes;
}

/** Writes a header without options, right for a packet that is as long as `packet`. */
export function writeIpv4Header(packet: Uint8Array, header: Ipv4Header): void {
  packet[0] = 0x45;
  packet[1] = header.tos;
  writeU16(packet, 2, packet.length);
  writeU16(packet, 4, header.identification);
  setIpv4Fragment(packet, header.dontFragment, header.moreFragments, header.fragmentOffset);
  packet[8] = header.ttl;
  packet[9] = header.protocol;
  writeU32(packet, 12, header.source);
  writeU32(packet, 16, header.destination);
  updateIpv4Checksum(packet);
}

/** Copies a header without options to `target[at]`, where it gets another identification. */
export function copyIpv4Header(
  header: Uint8Array,
  target: Uint8Array,
  at: number,
  identification: number,
): void {
  for (let each = 0; each < IPV4_HEADER_LENGTH; each++) target[at + each] = header[each]!;
  writeU16(target, at + 4, identification);
  writeU16(target, at + 10, adjustChecksum16(readU16(header, 10), readU16(header, 4), identification));
}

/** The checked packet that begins at `bytes[start]`, as a view without the padding behind it. */
export function ipv4PacketAt(bytes: Uint8Array, start: number): Uint8Array {
  return bytes.subarray(start, start + readU16(bytes, start + 2));
}

/** Bytes, options included. */
export function ipv4HeaderLength(packet: Uint8Array): number {
  return (packet[0]! & 15) * 4;
}

export function ipv4Tos(packet: Uint8Array): number {
  return packet[1]!;
}

/** Bytes, header included. */
export function ipv4TotalLength(packet: Uint8Array): number {
  return readU16(packet, 2);
}

export function ipv4Identification(packet: Uint8Array): number {
  return readU16(packet, 4);
}

export function ipv4DontFragment(packet: Uint8Array): boolean {
  return (packet[6]! & 0x40) !== 0;
}

export function ipv4MoreFragments(packet: Uint8Array): boolean {
  return (packet[6]! & 0x20) !== 0;
}

/** Bytes. */
export function ipv4FragmentOffset(packet: Uint8Array): number {
  return (readU16(packet, 6) & OFFSET_MASK) * 8;
}

/** Whether the packet is a part of a datagram, the first included. */
export function isIpv4Fragment(packet: Uint8Array): boolean {
  return (readU16(packet, 6) & (MORE_FRAGMENTS | OFFSET_MASK)) !== 0;
}

export function ipv4Ttl(packet: Uint8Array): number {
  return packet[8]!;
}

export function ipv4Protocol(packet: Uint8Array): number {
  return packet[9]!;
}

export function ipv4Source(packet: Uint8Array): Ipv4Address {
  return readU32(packet, 12);
}

export function ipv4Destination(packet: Uint8Array): Ipv4Address {
  return readU32(packet, 16);
}

/** The payload without padding, as a view. */
export function ipv4Payload(packet: Uint8Array): Uint8Array {
  return packet.subarray(ipv4HeaderLength(packet), ipv4TotalLength(packet));
}

/** One less, with the checksum updated (RFC 1624). */
export function decrementIpv4Ttl(packet: Uint8Array): void {
  const before = readU16(packet, 8);
  packet[8] = packet[8]! - 1;
  writeU16(packet, 10, adjustChecksum16(readU16(packet, 10), before, readU16(packet, 8)));
}

/** Rewrites the source, with the header's checksum updated; a transport's is the caller's. */
export function setIpv4Source(packet: Uint8Array, address: Ipv4Address): void {
  writeU16(packet, 10, adjustChecksum32(readU16(packet, 10), ipv4Source(packet), address));
  writeU32(packet, 12, address);
}

/** Rewrites the destination, with the header's checksum updated; a transport's is the caller's. */
export function setIpv4Destination(packet: Uint8Array, address: Ipv4Address): void {
  writeU16(packet, 10, adjustChecksum32(readU16(packet, 10), ipv4Destination(packet), address));
  writeU32(packet, 16, address);
}

/** Writes total length; the checksum is then the caller's (`updateIpv4Checksum`). */
export function setIpv4TotalLength(packet: Uint8Array, length: number): void {
  writeU16(packet, 2, length);
}

/** Writes flags and offset (in bytes); the checksum is then the caller's (`updateIpv4Checksum`). */
export function setIpv4Fragment(
  packet: Uint8Array,
  dontFragment: boolean,
  moreFragments: boolean,
  offset: number,
): void {
  const flags = (dontFragment ? DONT_FRAGMENT : 0) | (moreFragments ? MORE_FRAGMENTS : 0);
  writeU16(packet, 6, flags | (offset / 8));
}

/** Computes the header's checksum anew. */
export function updateIpv4Checksum(packet: Uint8Array): void {
  writeU16(packet, 10, 0);
  writeU16(packet, 10, checksum(packet, 0, ipv4HeaderLength(packet)));
}

/** The sum, not finished, of the pseudo-header that TCP and UDP checksums begin with (RFC 793 §3.1). */
export function ipv4PseudoHeaderSum(
  source: Ipv4Address,
  destination: Ipv4Address,
  protocol: number,
  length: number,
): number {
  return (
    (source >>> 16) + (source & 0xffff) + (destination >>> 16) + (destination & 0xffff) + protocol + length
  );
}

/** The checksum of a transport segment with its pseudo-header; 0 if the segment carries its own right one. */
export function ipv4TransportChecksum(
  segment: Uint8Array,
  source: Ipv4Address,
  destination: Ipv4Address,
  protocol: number,
): number {
  const sum = ipv4PseudoHeaderSum(source, destination, protocol, segment.length);
  return finishSum(addToSum(sum, segment, 0, segment.length));
}
