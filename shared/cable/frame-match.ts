// What a filter looks for in a frame, compiled once into a function over its bytes.
//
// Addresses and ports are those of IPv4; of ARP they are the sender's and the target's, and only if the rule
// is for ARP by name: a rule about addresses leaves the questions for MACs alone. Of a fragment that is not
// the first only protocol and addresses can be seen, so that it never matches a rule about ports, flags or
// DNS. Tagged frames (IEEE 802.1Q) match nothing but a rule that takes every frame.

import { type Ipv4Address, type Ipv4Cidr, inNetwork, parseCidr } from '../core/address.ts';
import { readU16, readU32 } from '../core/bytes.ts';
import { ARP_LENGTH } from '../wire/arp.ts';
import { DNS_HEADER_LENGTH, DNS_PORT } from '../wire/dns/message.ts';
import { ETHERNET_HEADER_LENGTH, ETHERTYPE_ARP, ETHERTYPE_IPV4, ethernetType } from '../wire/ethernet.ts';
import {
  IPV4_HEADER_LENGTH,
  ipv4Destination,
  ipv4FragmentOffset,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  ipv4TotalLength,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from '../wire/ipv4.ts';
import {
  TCP_ACK,
  TCP_DATA_OFFSET,
  TCP_FIN,
  TCP_HEADER_LENGTH,
  TCP_PSH,
  TCP_RST,
  TCP_SYN,
  tcpDestinationPort,
  tcpFlags,
  tcpSourcePort,
} from '../wire/tcp.ts';
import { UDP_HEADER_LENGTH } from '../wire/udp.ts';

/** All that is given must hold, and a list holds if one of it does. */
export interface FramePattern {
  readonly protocol?: 'arp' | 'ipv4' | 'icmp' | 'udp' | 'tcp' | undefined;
  /** `a.b.c.d/n`. */
  readonly source?: readonly string[] | undefined;
  readonly destination?: readonly string[] | undefined;
  readonly sourcePort?: number | undefined;
  readonly destinationPort?: number | undefined;
  /** Of a TCP segment, all of them set. */
  readonly flags?: readonly TcpFlag[] | undefined;
  /** A DNS message, to or from port 53: over UDP by its QR bit, over TCP whatever goes that way. */
  readonly dns?: 'query' | 'answer' | undefined;
  /** Only what this device made itself, not what it passes on. */
  readonly originated?: boolean | undefined;
  /** Only what ends at this device, not what it translates for another: for the filter to ask the device. */
  readonly delivered?: boolean | undefined;
}

const TCP_FLAG_BITS = { syn: TCP_SYN, ack: TCP_ACK, fin: TCP_FIN, rst: TCP_RST, psh: TCP_PSH } as const;
export type TcpFlag = keyof typeof TCP_FLAG_BITS;

export type FrameTest = (frame: Uint8Array, forwarded: boolean) => boolean;

const IP_PROTOCOLS = { icmp: PROTOCOL_ICMP, udp: PROTOCOL_UDP, tcp: PROTOCOL_TCP } as const;

type Networks = readonly Ipv4Cidr[] | undefined;

/** @throws TypeError for a network that is none */
export function compileMatch(pattern: FramePattern): FrameTest {
  const inside = testOf(pattern);
  if (!pattern.originated) return inside;
  return (frame, forwarded) => !forwarded && inside(frame, forwarded);
}

function testOf(pattern: FramePattern): FrameTest {
  const { protocol, source, destination, sourcePort, destinationPort, flags, dns } = pattern;
  const from = networksOf(source);
  const to = networksOf(destination);
  if (protocol === 'arp') return (frame) => isArp(frame, from, to);
  const ports = sourcePort !== undefined || destinationPort !== undefined;
  if (!protocol && !from && !to && !ports && !flags && !dns) return () => true;

  const number = protocol === undefined || protocol === 'ipv4' ? undefined : IP_PROTOCOLS[protocol];
  const transport = transportTestOf(pattern);
  return (frame) => {
    const packet = packetOf(frame);
    if (!packet || (number !== undefined && ipv4Protocol(packet) !== number)) return false;
    if (!isOneOf(ipv4Source(packet), from) || !isOneOf(ipv4Destination(packet), to)) return false;
    return !transport || transport(packet);
  };
}

/** Undefined if nothing behind the IP header is looked at. */
function transportTestOf(pattern: FramePattern): ((packet: Uint8Array) => boolean) | undefined {
  const { sourcePort, destinationPort, flags, dns } = pattern;
  const ports = sourcePort !== undefined || destinationPort !== undefined;
  if (!ports && !flags && !dns) return undefined;
  const bits = (flags ?? []).reduce((sum, flag) => sum | TCP_FLAG_BITS[flag], 0);
  return (packet) => {
    if (ipv4FragmentOffset(packet) !== 0) return false;
    const kind = ipv4Protocol(packet);
    const start = ipv4HeaderLength(packet);
    const header = kind === PROTOCOL_TCP ? TCP_HEADER_LENGTH : UDP_HEADER_LENGTH;
    if ((kind !== PROTOCOL_TCP && kind !== PROTOCOL_UDP) || packet.length < start + header) return false;
    // Both have their ports first (RFC 768, RFC 9293 §3.1).
    if (sourcePort !== undefined && tcpSourcePort(packet, start) !== sourcePort) return false;
    if (destinationPort !== undefined && tcpDestinationPort(packet, start) !== destinationPort) return false;
    if (flags && (kind !== PROTOCOL_TCP || (tcpFlags(packet, start) & bits) !== bits)) return false;
    return !dns || dnsKindOf(packet, kind, start) === dns;
  };
}

function dnsKindOf(packet: Uint8Array, protocol: number, start: number): 'query' | 'answer' | undefined {
  const fromServer = tcpSourcePort(packet, start) === DNS_PORT;
  if (!fromServer && tcpDestinationPort(packet, start) !== DNS_PORT) return undefined;
  if (protocol === PROTOCOL_TCP) {
    const data = start + (packet[start + TCP_DATA_OFFSET]! >>> 4) * 4;
    if (data >= packet.length) return undefined;
    return fromServer ? 'answer' : 'query';
  }
  const message = start + UDP_HEADER_LENGTH;
  if (packet.length < message + DNS_HEADER_LENGTH) return undefined;
  // RFC 1035 §4.1.1: QR is the first bit behind the id.
  return (packet[message + 2]! & 0x80) !== 0 ? 'answer' : 'query';
}

/** The IPv4 packet in a frame, without padding; its checksum is nobody's matter here. */
function packetOf(frame: Uint8Array): Uint8Array | undefined {
  if (frame.length < ETHERNET_HEADER_LENGTH + IPV4_HEADER_LENGTH) return undefined;
  if (ethernetType(frame) !== ETHERTYPE_IPV4 || frame[ETHERNET_HEADER_LENGTH]! >>> 4 !== 4) return undefined;
  const packet = frame.subarray(ETHERNET_HEADER_LENGTH);
  return packet.subarray(0, ipv4TotalLength(packet));
}

/** ARP's addresses are 14 and 24 bytes behind the frame's header (RFC 826). */
function isArp(frame: Uint8Array, from: Networks, to: Networks): boolean {
  if (frame.length < ETHERNET_HEADER_LENGTH + ARP_LENGTH || ethernetType(frame) !== ETHERTYPE_ARP)
    return false;
  return (
    readU16(frame, ETHERNET_HEADER_LENGTH + 2) === ETHERTYPE_IPV4 &&
    isOneOf(readU32(frame, ETHERNET_HEADER_LENGTH + 14), from) &&
    isOneOf(readU32(frame, ETHERNET_HEADER_LENGTH + 24), to)
  );
}

function networksOf(list: readonly string[] | undefined): Networks {
  return list?.map((text) => {
    const cidr = parseCidr(text);
    if (!cidr) throw new TypeError(`${text} is no network: a.b.c.d/n is`);
    return cidr;
  });
}

function isOneOf(address: Ipv4Address, networks: Networks): boolean {
  return !networks || networks.some((cidr) => inNetwork(address, cidr));
}
