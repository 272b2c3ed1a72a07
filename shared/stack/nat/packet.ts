// The ports of a packet, read and rewritten in place together with addresses and checksums (RFC 1624).
// Works on whole packets, so that nothing is allocated, and on quotes inside ICMP errors, which may end
// before the transport's checksum.

import type { Ipv4Address } from '../../core/address.ts';
import { readU16, writeU16 } from '../../core/bytes.ts';
import { adjustChecksum16, adjustChecksum32 } from '../../core/checksum.ts';
import { ICMP_ECHO_REPLY, ICMP_ECHO_REQUEST, isIcmpError } from '../../wire/icmp.ts';
import {
  ipv4Destination,
  ipv4HeaderLength,
  ipv4Identification,
  ipv4Protocol,
  ipv4Source,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  setIpv4Destination,
  setIpv4Source,
} from '../../wire/ipv4.ts';
import { TCP_CHECKSUM } from '../../wire/tcp.ts';

// Offsets within the transport's header: RFC 9293 §3.1, RFC 768, RFC 792.
const SOURCE_PORT = 0;
const DESTINATION_PORT = 2;
const UDP_CHECKSUM = 6;
const ICMP_CHECKSUM = 2;
const ICMP_ID = 4;

/** The echo id stands for both ports of ICMP (RFC 3022 §2.2). */
export function sourcePort(packet: Uint8Array): number {
  return readU16(packet, portAt(packet, SOURCE_PORT));
}

export function destinationPort(packet: Uint8Array): number {
  return readU16(packet, portAt(packet, DESTINATION_PORT));
}

/** Whether the transport's header is there as far as translation reads and writes it. */
export function hasTransportHeader(packet: Uint8Array): boolean {
  const present = packet.length - ipv4HeaderLength(packet);
  return present >= (ipv4Protocol(packet) === PROTOCOL_TCP ? 20 : 8);
}

/** What kinds of packet translation tells apart; `flow` is TCP and UDP. */
export type PacketKind = 'flow' | 'echo-request' | 'echo-reply' | 'icmp-error' | 'other';

/** The kind of a packet that has its transport header. */
export function kindOf(packet: Uint8Array): PacketKind {
  const protocol = ipv4Protocol(packet);
  if (protocol === PROTOCOL_TCP || protocol === PROTOCOL_UDP) return 'flow';
  if (protocol !== PROTOCOL_ICMP) return 'other';
  const type = packet[ipv4HeaderLength(packet)]!;
  if (type === ICMP_ECHO_REQUEST) return 'echo-request';
  if (type === ICMP_ECHO_REPLY) return 'echo-reply';
  return isIcmpError(type) ? 'icmp-error' : 'other';
}

/** Gives a packet that has its transport header another source, and the checksums what follows from it. */
export function rewriteSource(packet: Uint8Array, address: Ipv4Address, port: number): void {
  rewriteTransport(packet, SOURCE_PORT, port, ipv4Source(packet), address);
  setIpv4Source(packet, address);
}

export function rewriteDestination(packet: Uint8Array, address: Ipv4Address, port: number): void {
  rewriteTransport(packet, DESTINATION_PORT, port, ipv4Destination(packet), address);
  setIpv4Destination(packet, address);
}

export function rewriteIdentification(packet: Uint8Array, id: number): void {
  writeU16(packet, 10, adjustChecksum16(readU16(packet, 10), ipv4Identification(packet), id));
  writeU16(packet, 4, id);
}

function portAt(packet: Uint8Array, portOffset: number): number {
  return ipv4HeaderLength(packet) + (ipv4Protocol(packet) === PROTOCOL_ICMP ? ICMP_ID : portOffset);
}

function checksumAt(packet: Uint8Array, protocol: number): number {
  const offset =
    protocol === PROTOCOL_TCP ? TCP_CHECKSUM : protocol === PROTOCOL_UDP ? UDP_CHECKSUM : ICMP_CHECKSUM;
  return ipv4HeaderLength(packet) + offset;
}

function rewriteTransport(
  packet: Uint8Array,
  portOffset: number,
  port: number,
  oldAddress: Ipv4Address,
  address: Ipv4Address,
): void {
  const protocol = ipv4Protocol(packet);
  const at = portAt(packet, portOffset);
  const oldPort = readU16(packet, at);
  writeU16(packet, at, port);
  const sumAt = checksumAt(packet, protocol);
  if (sumAt + 2 > packet.length) return;
  const sum = readU16(packet, sumAt);
  // RFC 768: 0 means that the sender computed none, so none it stays.
  if (protocol === PROTOCOL_UDP && sum === 0) return;
  let adjusted = adjustChecksum16(sum, oldPort, port);
  // ICMP has no pseudo-header: its checksum knows nothing of addresses.
  if (protocol !== PROTOCOL_ICMP) adjusted = adjustChecksum32(adjusted, oldAddress, address);
  // UDP sends a sum of 0 as ffff; of an ICMP message that is all zeros by now, ffff is the right one (RFC 1624 §3).
  writeU16(packet, sumAt, protocol !== PROTOCOL_TCP && adjusted === 0 ? 0xffff : adjusted);
}
