// Frames as short lines without what differs from run to run (ports, ids, times, lengths of requests), so
// that two captures of the same trip can be laid side by side.

import { formatIpv4 } from '../../shared/core/address.ts';
import { Malformed } from '../../shared/core/errors.ts';
import { decodeArp } from '../../shared/wire/arp.ts';
import { decodeDhcp, dhcpType } from '../../shared/wire/dhcp.ts';
import { decodeDns } from '../../shared/wire/dns/message.ts';
import { rcodeName } from '../../shared/wire/dns/types.ts';
import { decodeEthernet, ETHERTYPE_ARP, ETHERTYPE_IPV4 } from '../../shared/wire/ethernet.ts';
import { decodeIpv4, ipv4PseudoHeaderSum, PROTOCOL_TCP, PROTOCOL_UDP } from '../../shared/wire/ipv4.ts';
import { decodeTcp, TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN, type TcpSegment } from '../../shared/wire/tcp.ts';
import { decodeUdp } from '../../shared/wire/udp.ts';

/** Names for addresses that differ between the captures. */
export type Names = Readonly<Record<string, string>>;

const DHCP_MESSAGES = ['', 'DISCOVER', 'OFFER', 'REQUEST', 'DECLINE', 'ACK', 'NAK', 'RELEASE', 'INFORM'];

function good<T>(decoded: T | Malformed): T {
  if (decoded instanceof Malformed) throw new Error(`malformed: ${decoded.reason}`);
  return decoded;
}

/** One line a frame; a run of data segments one way is one line, and an ACK that stands alone is none. */
export function storyOf(frames: readonly Uint8Array[], names: Names): string[] {
  const lines = frames.flatMap((frame) => lineOf(frame, names) ?? []);
  return lines.filter((line, index) => !line.includes(' data') || line !== lines[index - 1]);
}

function lineOf(bytes: Uint8Array, names: Names): string | undefined {
  const frame = good(decodeEthernet(bytes));
  const name = (address: number): string => names[formatIpv4(address)] ?? formatIpv4(address);
  if (frame.type === ETHERTYPE_ARP) {
    const arp = good(decodeArp(frame.payload));
    const sender = name(arp.senderAddress);
    const target = name(arp.targetAddress);
    // Probes and announcements (RFC 5227) are our client's, and not Linux's.
    if (arp.senderAddress === 0 || arp.senderAddress === arp.targetAddress) return undefined;
    return arp.operation === 'request'
      ? `ARP who-has ${target} tell ${sender}`
      : `ARP ${sender} is-at, to ${target}`;
  }
  if (frame.type !== ETHERTYPE_IPV4) return undefined;
  const packet = good(decodeIpv4(frame.payload));
  const route = `${name(packet.source)} > ${name(packet.destination)} ttl ${packet.ttl}`;
  if (packet.protocol === PROTOCOL_UDP) return udpLine(good(decodeUdp(packet.payload)), route);
  if (packet.protocol !== PROTOCOL_TCP) return `${route} protocol ${packet.protocol}`;
  const sum = ipv4PseudoHeaderSum(packet.source, packet.destination, PROTOCOL_TCP, packet.payload.length);
  return tcpLine(good(decodeTcp(packet.payload, sum)), route);
}

function udpLine(
  { sourcePort, destinationPort, data }: { sourcePort: number; destinationPort: number; data: Uint8Array },
  route: string,
): string {
  if (destinationPort === 67 || destinationPort === 68) {
    const message = good(decodeDhcp(data));
    // The TTL is each client's own: 128 with dhclient.
    return `${route.replace(/ ttl .*/, '')} DHCP ${DHCP_MESSAGES[dhcpType(message) ?? 0]}`;
  }
  if (sourcePort !== 53 && destinationPort !== 53) return `${route} UDP`;
  const dns = good(decodeDns(data));
  const question = dns.questions.map((asked) => `${asked.name} ${asked.type}`).join();
  if (!dns.qr) return `${route} DNS ${question}?`;
  const answers = dns.answers.map((record) =>
    record.type === 'A' ? formatIpv4(record.address) : record.type,
  );
  return `${route} DNS ${question} ${rcodeName(dns.rcode)} ${answers.join()}`;
}

function tcpLine(segment: TcpSegment, route: string): string | undefined {
  const { flags, options, payload, destinationPort } = segment;
  const direction = `${route} TCP ${destinationPort === 80 ? 'to' : 'from'} port 80`;
  if (flags & TCP_RST) return `${direction} RST`;
  if (flags & TCP_SYN) {
    const offered = Object.entries(options)
      .filter(([, value]) => value !== undefined && value !== false)
      .map(([option]) => option)
      .sort();
    return `${direction} SYN${flags & TCP_ACK ? ',ACK' : ''} mss ${options.mss} with ${offered.join()}`;
  }
  if (payload.length > 0) return `${direction} data${flags & TCP_FIN ? ',FIN' : ''}`;
  return flags & TCP_FIN ? `${direction} FIN` : undefined;
}
