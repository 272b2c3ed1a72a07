// What no device may send, whatever it was sent: a frame that is malformed or has a wrong checksum, and a
// private address on the outside of the NAT.

import { isPrivateIpv4 } from '../../shared/core/address.ts';
import { Malformed } from '../../shared/core/errors.ts';
import { decodeArp } from '../../shared/wire/arp.ts';
import { ETHERNET_HEADER_LENGTH, ETHERTYPE_ARP, ethernetType } from '../../shared/wire/ethernet.ts';
import { decodeIcmp } from '../../shared/wire/icmp.ts';
import {
  checkIpv4,
  ipv4Destination,
  ipv4Payload,
  ipv4Protocol,
  ipv4PseudoHeaderSum,
  ipv4Source,
  ipv4TotalLength,
  isIpv4Fragment,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from '../../shared/wire/ipv4.ts';
import { decodeTcp } from '../../shared/wire/tcp.ts';
import { decodeUdp, isUdpChecksumRight } from '../../shared/wire/udp.ts';
import type { Entrance } from './net.ts';

const OUTSIDE = 'router:wan';

/** What is wrong with a frame that a device sent; undefined if nothing is. */
export function faultOf(frame: Uint8Array, from: Entrance): string | undefined {
  // A switch, and a bridge, pass on what they got.
  if (from.kind === 'switch' || from.name.startsWith('router:lan')) return undefined;
  if (frame.length > from.port.mtu + ETHERNET_HEADER_LENGTH) return 'longer than the MTU';
  const payload = frame.subarray(ETHERNET_HEADER_LENGTH);
  if (ethernetType(frame) === ETHERTYPE_ARP)
    return decodeArp(payload) instanceof Malformed ? 'bad ARP' : undefined;
  const malformed = checkIpv4(payload);
  if (malformed) return `IPv4 ${malformed.reason}`;
  const packet = payload.subarray(0, ipv4TotalLength(payload));
  if (from.name === OUTSIDE && isPrivateIpv4(ipv4Source(packet))) return 'private source outside';
  // A router passes on what is inside a packet as it came.
  const isOwn = from.kind !== 'router' && from.kind !== 'isp-router';
  return isOwn && !isIpv4Fragment(packet) ? transportFault(packet) : undefined;
}

function transportFault(packet: Uint8Array): string | undefined {
  const segment = ipv4Payload(packet);
  const protocol = ipv4Protocol(packet);
  const sum = ipv4PseudoHeaderSum(ipv4Source(packet), ipv4Destination(packet), protocol, segment.length);
  if (protocol === PROTOCOL_TCP) {
    const tcp = decodeTcp(segment, sum);
    return tcp instanceof Malformed ? `TCP ${tcp.reason}` : undefined;
  }
  if (protocol === PROTOCOL_UDP)
    return decodeUdp(segment) instanceof Malformed || !isUdpChecksumRight(segment, sum)
      ? 'bad UDP'
      : undefined;
  if (protocol !== PROTOCOL_ICMP) return `protocol ${protocol}`;
  const icmp = decodeIcmp(segment);
  return icmp instanceof Malformed ? `ICMP ${icmp.reason}` : undefined;
}
