// Whole IPv4 packets for tests: written with all checksums, read with all checksums checked.

import { formatIpv4, type Ipv4Address, ipv4 } from '../../shared/core/address.ts';
import { Malformed } from '../../shared/core/errors.ts';
import { decodeIcmp, encodeIcmp, type IcmpMessage } from '../../shared/wire/icmp.ts';
import {
  decodeIpv4,
  encodeIpv4,
  type Ipv4Packet,
  ipv4PseudoHeaderSum,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from '../../shared/wire/ipv4.ts';
import { decodeTcp, encodeTcp, TCP_ACK, type TcpSegment } from '../../shared/wire/tcp.ts';
import {
  decodeUdp,
  isUdpChecksumRight,
  UDP_HEADER_LENGTH,
  updateUdpChecksum,
  writeUdpHeader,
} from '../../shared/wire/udp.ts';

/** `a.b.c.d:port`, the port being an echo id for ICMP. */
export type EndpointText = string;

function endpoint(text: EndpointText): { address: Ipv4Address; port: number } {
  const [address, port] = text.split(':');
  return { address: ipv4(address ?? ''), port: Number(port ?? 0) };
}

export function ipPacket(
  protocol: number,
  source: Ipv4Address,
  destination: Ipv4Address,
  payload: Uint8Array,
  header: Partial<Ipv4Packet> = {},
): Uint8Array {
  return encodeIpv4({
    tos: 0,
    identification: 1,
    dontFragment: false,
    moreFragments: false,
    fragmentOffset: 0,
    ttl: 64,
    options: new Uint8Array(),
    ...header,
    protocol,
    source,
    destination,
    payload,
  });
}

export interface UdpContent {
  readonly data?: Uint8Array;
  /** False leaves the checksum 0. */
  readonly checksum?: boolean;
  readonly header?: Partial<Ipv4Packet>;
}

export function udpPacket(from: EndpointText, to: EndpointText, content: UdpContent = {}): Uint8Array {
  const source = endpoint(from);
  const destination = endpoint(to);
  const data = content.data ?? Uint8Array.of(1, 2, 3);
  const datagram = new Uint8Array(UDP_HEADER_LENGTH + data.length);
  writeUdpHeader(datagram, source.port, destination.port);
  datagram.set(data, UDP_HEADER_LENGTH);
  if (content.checksum !== false)
    updateUdpChecksum(
      datagram,
      ipv4PseudoHeaderSum(source.address, destination.address, PROTOCOL_UDP, datagram.length),
    );
  return ipPacket(PROTOCOL_UDP, source.address, destination.address, datagram, content.header);
}

export function tcpPacket(
  from: EndpointText,
  to: EndpointText,
  segment: Partial<TcpSegment> = {},
  header: Partial<Ipv4Packet> = {},
): Uint8Array {
  const source = endpoint(from);
  const destination = endpoint(to);
  const whole = {
    sequence: 1000,
    acknowledgment: 0,
    flags: TCP_ACK,
    window: 65535,
    urgentPointer: 0,
    options: {},
    payload: new Uint8Array(),
    ...segment,
    sourcePort: source.port,
    destinationPort: destination.port,
  };
  const length = encodeTcp(whole, 0).length;
  const sum = ipv4PseudoHeaderSum(source.address, destination.address, PROTOCOL_TCP, length);
  return ipPacket(PROTOCOL_TCP, source.address, destination.address, encodeTcp(whole, sum), header);
}

/** The port of `from` is the id of a request, that of `to` the id of a reply. */
export function echoPacket(
  kind: 'request' | 'reply',
  from: EndpointText,
  to: EndpointText,
  sequence = 1,
  data: Uint8Array = new Uint8Array(56),
  header: Partial<Ipv4Packet> = {},
): Uint8Array {
  const source = endpoint(from);
  const destination = endpoint(to);
  const id = kind === 'request' ? source.port : destination.port;
  const message = encodeIcmp({
    type: kind === 'request' ? 8 : 0,
    code: 0,
    rest: id * 65536 + sequence,
    data,
  });
  return ipPacket(PROTOCOL_ICMP, source.address, destination.address, message, header);
}

/** An ICMP error about `about`, of which it quotes the header and `quoted` bytes. */
export function errorPacket(
  from: string,
  to: string,
  type: number,
  code: number,
  about: Uint8Array,
  quoted = 8,
): Uint8Array {
  const data = about.subarray(0, (about[0]! & 15) * 4 + quoted);
  return ipPacket(PROTOCOL_ICMP, ipv4(from), ipv4(to), encodeIcmp({ type, code, rest: 0, data }));
}

/** Cuts a packet into fragments with `size` bytes of payload each, a multiple of 8. */
export function fragmentsOf(packet: Uint8Array, size: number): Uint8Array[] {
  const whole = decoded(decodeIpv4(packet));
  const fragments: Uint8Array[] = [];
  for (let offset = 0; offset < whole.payload.length; offset += size) {
    const moreFragments = offset + size < whole.payload.length;
    const payload = whole.payload.subarray(offset, offset + size);
    fragments.push(encodeIpv4({ ...whole, payload, moreFragments, fragmentOffset: offset }));
  }
  return fragments;
}

/** Puts fragments together again, whose order does not matter. */
export function reassemble(fragments: readonly Uint8Array[]): Uint8Array {
  const parts = fragments
    .map((fragment) => decoded(decodeIpv4(fragment)))
    .sort((a, b) => a.fragmentOffset - b.fragmentOffset);
  if (new Set(parts.map((part) => `${part.identification} ${part.source} ${part.destination}`)).size !== 1)
    throw new Error('fragments of different datagrams');
  const payload = Buffer.concat(parts.map((part) => part.payload));
  return encodeIpv4({ ...parts[0]!, moreFragments: false, payload });
}

function decoded<T>(value: T | Malformed): T {
  if (value instanceof Malformed) throw new Error(`malformed: ${value.reason}`);
  return value;
}

export interface ReadPacket {
  readonly ip: Ipv4Packet;
  /** `a.b.c.d:port`, for an echo with its id; the address alone for anything else. */
  readonly from: EndpointText;
  readonly to: EndpointText;
  readonly tcp?: TcpSegment;
  readonly udp?: { readonly checksum: number; readonly data: Uint8Array };
  readonly icmp?: IcmpMessage;
}

/** Reads a whole packet; throws if it is malformed or one of its checksums is wrong. */
export function readPacket(packet: Uint8Array): ReadPacket {
  const ip = decoded(decodeIpv4(packet));
  const source = formatIpv4(ip.source);
  const destination = formatIpv4(ip.destination);
  const sum = ipv4PseudoHeaderSum(ip.source, ip.destination, ip.protocol, ip.payload.length);
  const ports = (from: number, to: number) => ({ from: `${source}:${from}`, to: `${destination}:${to}` });
  if (ip.protocol === PROTOCOL_TCP) {
    const tcp = decoded(decodeTcp(ip.payload, sum));
    return { ip, tcp, ...ports(tcp.sourcePort, tcp.destinationPort) };
  }
  if (ip.protocol === PROTOCOL_UDP) {
    const udp = decoded(decodeUdp(ip.payload));
    if (!isUdpChecksumRight(ip.payload, sum)) throw new Error('wrong UDP checksum');
    return { ip, udp, ...ports(udp.sourcePort, udp.destinationPort) };
  }
  if (ip.protocol !== PROTOCOL_ICMP) return { ip, from: source, to: destination };
  const icmp = decoded(decodeIcmp(ip.payload));
  const echo = icmp.type === 0 || icmp.type === 8;
  return echo
    ? { ip, icmp, ...ports(icmp.rest >>> 16, icmp.rest >>> 16) }
    : { ip, icmp, from: source, to: destination };
}
