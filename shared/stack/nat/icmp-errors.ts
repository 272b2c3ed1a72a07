// ICMP errors quote the packet that they are about as the reporter saw it; whoever sent that packet must
// find it as it was sent (RFC 3022 §4.3, RFC 5508 §4): the quote is translated inside out.

import type { Ipv4Address } from '../../core/address.ts';
import { checksum } from '../../core/checksum.ts';
import { ICMP_HEADER_LENGTH, updateIcmpChecksum } from '../../wire/icmp.ts';
import {
  IPV4_HEADER_LENGTH,
  ipv4Destination,
  ipv4FragmentOffset,
  ipv4HeaderLength,
  ipv4Payload,
  ipv4Protocol,
  ipv4Source,
  isIpv4Fragment,
  PROTOCOL_ICMP,
  setIpv4Destination,
  setIpv4Source,
} from '../../wire/ipv4.ts';
import { destinationPort, rewriteDestination, rewriteSource, sourcePort } from './packet.ts';
import type { Session, SessionTable } from './sessions.ts';

/** RFC 792: a quote has the header and at least this much behind it; enough for ports and echo ids. */
const QUOTED_PAYLOAD = 8;

/**
 * An error to the outer address, about a packet that left with it: quote and destination become the inside
 * sender's. The session is not touched, whatever the error says (RFC 5508 REQ-7). Undefined, and nothing
 * changed, if it is about no session's packet.
 */
export function translateQuoteToInside(
  packet: Uint8Array,
  table: SessionTable,
  address: Ipv4Address,
): Session | undefined {
  const quote = soundQuote(packet);
  const session = quotedSession(packet, table, address);
  if (!quote || !session) return undefined;
  rewriteSource(quote, session.endpoint.address, session.endpoint.port);
  updateIcmpChecksum(ipv4Payload(packet));
  setIpv4Destination(packet, session.endpoint.address);
  return session;
}

/** Whose packet, which left with the outer address, an error to that is about. */
export function quotedSession(
  packet: Uint8Array,
  table: SessionTable,
  address: Ipv4Address,
): Session | undefined {
  const quote = soundQuote(packet);
  if (!quote || ipv4Source(quote) !== address) return undefined;
  const protocol = ipv4Protocol(quote);
  const remotePort = protocol === PROTOCOL_ICMP ? 0 : destinationPort(quote);
  return table.findFromOutside(protocol, sourcePort(quote), ipv4Destination(quote), remotePort);
}

/**
 * An error about a packet that came in by a session, from its inside receiver or from the router on the
 * way there: quote and source become the outer ones. Says whether it was one; if not, nothing changed.
 */
export function translateQuoteToOutside(
  packet: Uint8Array,
  table: SessionTable,
  address: Ipv4Address,
): boolean {
  const quote = soundQuote(packet);
  if (!quote) return false;
  const protocol = ipv4Protocol(quote);
  const session = table.findFromInside({
    protocol,
    address: ipv4Destination(quote),
    port: destinationPort(quote),
    remoteAddress: ipv4Source(quote),
    remotePort: protocol === PROTOCOL_ICMP ? 0 : sourcePort(quote),
  });
  if (!session) return false;
  rewriteDestination(quote, address, session.outsidePort);
  updateIcmpChecksum(ipv4Payload(packet));
  setIpv4Source(packet, address);
  return true;
}

/** The quote of an error whose checksum is right (RFC 5508 REQ-3), if it shows a transport header. */
function soundQuote(packet: Uint8Array): Uint8Array | undefined {
  if (isIpv4Fragment(packet) || checksum(ipv4Payload(packet)) !== 0) return undefined;
  const quote = ipv4Payload(packet).subarray(ICMP_HEADER_LENGTH);
  if (quote.length < IPV4_HEADER_LENGTH || quote[0]! >>> 4 !== 4) return undefined;
  const header = ipv4HeaderLength(quote);
  if (header < IPV4_HEADER_LENGTH || quote.length < header + QUOTED_PAYLOAD) return undefined;
  return ipv4FragmentOffset(quote) === 0 ? quote : undefined;
}
