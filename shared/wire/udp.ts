// UDP datagrams (RFC 768):
//
//   0       2       4       6       8
//   | sport | dport | len   | cksum | data …
//
// len counts header and data. A checksum of 0 means that there is none; a computed 0 is sent as ffff.
// The checksum covers a pseudo-header, whose sum the network layer gives.

import { readU16, writeU16 } from '../core/bytes.ts';
import { addToSum, finishSum } from '../core/checksum.ts';
import { Malformed } from '../core/errors.ts';

export const UDP_HEADER_LENGTH = 8;
/** Offset of the checksum. */
export const UDP_CHECKSUM = 6;

export interface UdpDatagram {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly checksum: number;
  readonly data: Uint8Array;
}

/** Decodes without a look at the checksum; bytes beyond the length are cut off. */
export function decodeUdp(bytes: Uint8Array): UdpDatagram | Malformed {
  if (bytes.length < UDP_HEADER_LENGTH) return new Malformed('too-short');
  const length = udpLength(bytes);
  if (length < UDP_HEADER_LENGTH || length > bytes.length) return new Malformed('bad-length');
  return {
    sourcePort: udpSourcePort(bytes),
    destinationPort: udpDestinationPort(bytes),
    checksum: udpChecksum(bytes),
    data: bytes.subarray(UDP_HEADER_LENGTH, length),
  };
}

export function encodeUdp(datagram: UdpDatagram): Uint8Array {
  const bytes = new Uint8Array(UDP_HEADER_LENGTH + datagram.data.length);
  writeUdpHeader(bytes, datagram.sourcePort, datagram.destinationPort);
  writeU16(bytes, UDP_CHECKSUM, datagram.checksum);
  bytes.set(datagram.data, UDP_HEADER_LENGTH);
  return bytes;
}

/** Writes ports and the length of the whole `datagram`; the checksum field is 0 (none). */
export function writeUdpHeader(datagram: Uint8Array, sourcePort: number, destinationPort: number): void {
  writeU16(datagram, 0, sourcePort);
  writeU16(datagram, 2, destinationPort);
  writeU16(datagram, 4, datagram.length);
  writeU16(datagram, UDP_CHECKSUM, 0);
}

export function udpSourcePort(datagram: Uint8Array): number {
  return readU16(datagram, 0);
}

export function udpDestinationPort(datagram: Uint8Array): number {
  return readU16(datagram, 2);
}

/** Bytes, header included. */
export function udpLength(datagram: Uint8Array): number {
  return readU16(datagram, 4);
}

export function udpChecksum(datagram: Uint8Array): number {
  return readU16(datagram, UDP_CHECKSUM);
}

/** Computes the checksum over a pseudo-header's sum and the whole `datagram`. */
export function updateUdpChecksum(datagram: Uint8Array, pseudoHeaderSum: number): void {
  writeU16(datagram, UDP_CHECKSUM, 0);
  writeU16(
    datagram,
    UDP_CHECKSUM,
    finishSum(addToSum(pseudoHeaderSum, datagram, 0, datagram.length)) || 0xffff,
  );
}

/** Whether a `datagram` (cut to its length) has no checksum or the right one. */
export function isUdpChecksumRight(datagram: Uint8Array, pseudoHeaderSum: number): boolean {
  return (
    udpChecksum(datagram) === 0 || finishSum(addToSum(pseudoHeaderSum, datagram, 0, datagram.length)) === 0
  );
}
