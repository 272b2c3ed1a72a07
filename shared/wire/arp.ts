// ARP for IPv4 over Ethernet (RFC 826):
//
//   0       2       4    5    6       8         14        18        24        28
//   | hrd 1 | pro   | hln| pln| op    | sha 6   | spa 4   | tha 6   | tpa 4   |
//   |       | 0800  | 6  | 4  | 1, 2  | sender            | target            |

import type { Ipv4Address, MacAddress } from '../core/address.ts';
import { readU16, readU32, readU48, writeU16, writeU32, writeU48 } from '../core/bytes.ts';
import { Malformed } from '../core/errors.ts';

export const ARP_LENGTH = 28;
const HARDWARE_ETHERNET = 1;
const PROTOCOL_IPV4 = 0x0800;
const OPERATIONS = { request: 1, reply: 2 } as const;

export interface ArpPacket {
  readonly operation: 'request' | 'reply';
  readonly senderMac: MacAddress;
  /** 0.0.0.0 in a probe (RFC 5227 §1.1). */
  readonly senderAddress: Ipv4Address;
  readonly targetMac: MacAddress;
  readonly targetAddress: Ipv4Address;
}

/** Decodes the start of `bytes`; padding behind is ignored. */
export function decodeArp(bytes: Uint8Array): ArpPacket | Malformed {
  if (bytes.length < ARP_LENGTH) return new Malformed('too-short');
  if (readU16(bytes, 0) !== HARDWARE_ETHERNET || readU16(bytes, 2) !== PROTOCOL_IPV4)
    return new Malformed('bad-type');
  if (bytes[4] !== 6 || bytes[5] !== 4) return new Malformed('bad-length');
  const operation = readU16(bytes, 6);
  if (operation !== OPERATIONS.request && operation !== OPERATIONS.reply)
    return new Malformed('bad-operation');
  return {
    operation: operation === OPERATIONS.request ? 'request' : 'reply',
    senderMac: readU48(bytes, 8),
    senderAddress: readU32(bytes, 14),
    targetMac: readU48(bytes, 18),
    targetAddress: readU32(bytes, 24),
  };
}

/** Writes 28 bytes into `buffer` from `offset` on. */
export function writeArp(buffer: Uint8Array, offset: number, packet: ArpPacket): void {
  writeU16(buffer, offset, HARDWARE_ETHERNET);
  writeU16(buffer, offset + 2, PROTOCOL_IPV4);
  buffer[offset + 4] = 6;
  buffer[offset + 5] = 4;
  writeU16(buffer, offset + 6, OPERATIONS[packet.operation]);
  writeU48(buffer, offset + 8, packet.senderMac);
  writeU32(buffer, offset + 14, packet.senderAddress);
  writeU48(buffer, offset + 18, packet.targetMac);
  writeU32(buffer, offset + 24, packet.targetAddress);
}

export function encodeArp(packet: ArpPacket): Uint8Array {
  const bytes = new Uint8Array(ARP_LENGTH);
  writeArp(bytes, 0, packet);
  return bytes;
}
