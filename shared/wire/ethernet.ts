// Ethernet II frames (IEEE 802.3 §3.2.6, RFC 894), without preamble and FCS:
//
//   0        6        12     14
//   | dst 6  | src 6  | type | payload …
//
// Cables carry no padding to 60 bytes: a payload may be shorter, as on a veth.

import type { MacAddress } from '../core/address.ts';
import { readU16, readU48, writeU16, writeU48 } from '../core/bytes.ts';
import { Malformed } from '../core/errors.ts';

export const ETHERNET_HEADER_LENGTH = 14;
/** What a frame may have beyond the MTU: the header and one VLAN tag. */
export const ETHERNET_OVERHEAD = 18;
export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_ARP = 0x0806;

export interface EthernetFrame {
  readonly destination: MacAddress;
  readonly source: MacAddress;
  readonly type: number;
  readonly payload: Uint8Array;
}

const TOO_SHORT = new Malformed('too-short');

export function decodeEthernet(frame: Uint8Array): EthernetFrame | Malformed {
  if (frame.length < ETHERNET_HEADER_LENGTH) return TOO_SHORT;
  return {
    destination: ethernetDestination(frame),
    source: ethernetSource(frame),
    type: ethernetType(frame),
    payload: frame.subarray(ETHERNET_HEADER_LENGTH),
  };
}

export function encodeEthernet(frame: EthernetFrame): Uint8Array {
  const bytes = new Uint8Array(ETHERNET_HEADER_LENGTH + frame.payload.length);
  writeEthernet(bytes, frame.destination, frame.source, frame.type);
  bytes.set(frame.payload, ETHERNET_HEADER_LENGTH);
  return bytes;
}

/** Writes the header into the first 14 bytes of `frame`. */
export function writeEthernet(
  frame: Uint8Array,
  destination: MacAddress,
  source: MacAddress,
  type: number,
): void {
  writeU48(frame, 0, destination);
  writeU48(frame, 6, source);
  writeU16(frame, 12, type);
}

export function ethernetDestination(frame: Uint8Array): MacAddress {
  return readU48(frame, 0);
}

export function ethernetSource(frame: Uint8Array): MacAddress {
  return readU48(frame, 6);
}

export function ethernetType(frame: Uint8Array): number {
  return readU16(frame, 12);
}
