// ICMP messages (RFC 792):
//
//   0     1     2       4             8
//   | type| code| cksum | rest        | data …
//
// rest: identifier and sequence number of an echo; unused and next-hop MTU of a "fragmentation needed"
// (RFC 1191 §4); 0 in other errors. The data of an error is the header and the beginning of the packet
// that it is about.

import { readU16, readU32, writeU16, writeU32 } from '../core/bytes.ts';
import { checksum } from '../core/checksum.ts';
import { Malformed } from '../core/errors.ts';

export const ICMP_HEADER_LENGTH = 8;

export const ICMP_ECHO_REPLY = 0;
export const ICMP_UNREACHABLE = 3;
export const ICMP_SOURCE_QUENCH = 4;
export const ICMP_REDIRECT = 5;
export const ICMP_ECHO_REQUEST = 8;
export const ICMP_TIME_EXCEEDED = 11;
export const ICMP_PARAMETER_PROBLEM = 12;

/** Codes of `ICMP_UNREACHABLE` (RFC 792, RFC 1122 §3.2.2.1). */
export const UNREACHABLE_NET = 0;
export const UNREACHABLE_HOST = 1;
export const UNREACHABLE_PROTOCOL = 2;
export const UNREACHABLE_PORT = 3;
export const UNREACHABLE_FRAGMENTATION_NEEDED = 4;

/** Codes of `ICMP_TIME_EXCEEDED`. */
export const EXCEEDED_IN_TRANSIT = 0;
export const EXCEEDED_IN_REASSEMBLY = 1;

export interface IcmpMessage {
  readonly type: number;
  readonly code: number;
  /** Bytes 4 to 8 as one number. */
  readonly rest: number;
  readonly data: Uint8Array;
}

export function decodeIcmp(bytes: Uint8Array): IcmpMessage | Malformed {
  if (bytes.length < ICMP_HEADER_LENGTH) return new Malformed('too-short');
  if (checksum(bytes) !== 0) return new Malformed('bad-checksum');
  return {
    type: icmpType(bytes),
    code: icmpCode(bytes),
    rest: readU32(bytes, 4),
    data: bytes.subarray(ICMP_HEADER_LENGTH),
  };
}

export function encodeIcmp(message: IcmpMessage): Uint8Array {
  const bytes = new Uint8Array(ICMP_HEADER_LENGTH + message.data.length);
  writeIcmp(bytes, message);
  return bytes;
}

/** Writes a message over the whole of `bytes`, which is 8 bytes longer than its data. */
export function writeIcmp(bytes: Uint8Array, message: IcmpMessage): void {
  bytes[0] = message.type;
  bytes[1] = message.code;
  writeU32(bytes, 4, message.rest);
  bytes.set(message.data, ICMP_HEADER_LENGTH);
  updateIcmpChecksum(bytes);
}

export function icmpType(message: Uint8Array): number {
  return message[0]!;
}

export function icmpCode(message: Uint8Array): number {
  return message[1]!;
}

/** Of an echo. */
export function icmpIdentifier(message: Uint8Array): number {
  return readU16(message, 4);
}

/** Of an echo. */
export function icmpSequence(message: Uint8Array): number {
  return readU16(message, 6);
}

/** Errors quote a packet and are never answered with an error (RFC 1122 §3.2.2). */
export function isIcmpError(type: number): boolean {
  return (
    type === ICMP_UNREACHABLE ||
    type === ICMP_TIME_EXCEEDED ||
    type === ICMP_PARAMETER_PROBLEM ||
    type === ICMP_SOURCE_QUENCH ||
    type === ICMP_REDIRECT
  );
}

/** Computes the checksum anew. */
export function updateIcmpChecksum(message: Uint8Array): void {
  writeU16(message, 2, 0);
  writeU16(message, 2, checksum(message));
}
