// Cuts an IPv4 packet into fragments (RFC 791 §3.2, "An Example Fragmentation Procedure").

import { ETHERNET_HEADER_LENGTH } from '../wire/ethernet.ts';
import {
  IPV4_HEADER_LENGTH,
  ipv4FragmentOffset,
  ipv4HeaderLength,
  ipv4MoreFragments,
  ipv4TotalLength,
  setIpv4Fragment,
  setIpv4TotalLength,
  updateIpv4Checksum,
} from '../wire/ipv4.ts';

const OPTION_END = 0;
const OPTION_NOP = 1;
const OPTION_COPIED = 0x80;

/**
 * The fragments of `packet` for a link of `mtu` bytes, each with room for a frame's header in front of
 * it. Only the first has all options, the others those that say that they are to be copied.
 */
export function fragmentIpv4(packet: Uint8Array, mtu: number): Uint8Array[] {
  const headerLength = ipv4HeaderLength(packet);
  const payload = packet.subarray(headerLength, ipv4TotalLength(packet));
  const offset = ipv4FragmentOffset(packet);
  const more = ipv4MoreFragments(packet);
  const fragments: Uint8Array[] = [];
  let header = packet.subarray(0, headerLength);
  for (let start = 0; start < payload.length; ) {
    const room = mtu - header.length;
    const left = payload.length - start;
    const length = left <= room ? left : room - (room % 8);
    const isLast = length === left;
    fragments.push(
      buildFragment(header, payload.subarray(start, start + length), offset + start, more || !isLast),
    );
    start += length;
    if (fragments.length === 1) header = headerOfRest(packet.subarray(0, headerLength));
  }
  return fragments;
}

function buildFragment(header: Uint8Array, data: Uint8Array, offset: number, more: boolean): Uint8Array {
  const frame = new Uint8Array(ETHERNET_HEADER_LENGTH + header.length + data.length);
  const packet = frame.subarray(ETHERNET_HEADER_LENGTH);
  packet.set(header);
  packet.set(data, header.length);
  setIpv4TotalLength(packet, packet.length);
  setIpv4Fragment(packet, false, more, offset);
  updateIpv4Checksum(packet);
  return packet;
}

/** The header of the fragments after the first: only options with the copied flag stay (RFC 791 §3.1). */
function headerOfRest(header: Uint8Array): Uint8Array {
  const kept: number[] = [];
  for (let at = IPV4_HEADER_LENGTH; at < header.length && header[at] !== OPTION_END; ) {
    const type = header[at]!;
    const length = type === OPTION_NOP ? 1 : (header[at + 1] ?? 0);
    if (length < 1 || at + length > header.length || (type !== OPTION_NOP && length < 2)) break;
    if (type & OPTION_COPIED) kept.push(...header.subarray(at, at + length));
    at += length;
  }
  while (kept.length % 4 !== 0) kept.push(OPTION_END);
  const rest = new Uint8Array(IPV4_HEADER_LENGTH + kept.length);
  rest.set(header.subarray(0, IPV4_HEADER_LENGTH));
  rest.set(kept, IPV4_HEADER_LENGTH);
  rest[0] = 0x40 | (rest.length / 4);
  return rest;
}
