// TCP segments: bytes to fields and back (RFC 9293 §3.1), with the options of RFC 9293 §3.2 (MSS),
// RFC 7323 (window scale, timestamps) and RFC 2018 (SACK).

import { readI32, readU16, writeU16, writeU32 } from '../core/bytes.ts';
import { addToSum, finishSum, foldSum } from '../core/checksum.ts';
import { Malformed } from '../core/errors.ts';

export const TCP_PROTOCOL = 6;
/** Bytes of a header without options. */
export const TCP_HEADER_LENGTH = 20;

export const TCP_FIN = 0x01;
export const TCP_SYN = 0x02;
export const TCP_RST = 0x04;
export const TCP_PSH = 0x08;
export const TCP_ACK = 0x10;
export const TCP_URG = 0x20;
export const TCP_ECE = 0x40;
export const TCP_CWR = 0x80;

/** Offsets of the fields of a header. */
export const TCP_SOURCE_PORT = 0;
export const TCP_DESTINATION_PORT = 2;
export const TCP_SEQUENCE = 4;
export const TCP_ACKNOWLEDGMENT = 8;
export const TCP_DATA_OFFSET = 12;
export const TCP_FLAGS = 13;
export const TCP_WINDOW = 14;
export const TCP_CHECKSUM = 16;
export const TCP_URGENT_POINTER = 18;

const OPTION_END = 0;
const OPTION_NOP = 1;
const OPTION_MSS = 2;
const OPTION_WINDOW_SCALE = 3;
const OPTION_SACK_PERMITTED = 4;
const OPTION_SACK = 5;
const OPTION_TIMESTAMPS = 8;

/** Bytes that timestamps take of a segment, with the two NOPs in front. */
export const TCP_TIMESTAMPS_LENGTH = 12;

/** Bytes that `count` SACK blocks take of a segment, with the two NOPs in front. */
export function tcpSackLength(count: number): number {
  return count === 0 ? 0 : 4 + 8 * count;
}

/** Data that the receiver holds beyond a gap: from `start` up to, not including, `end` (RFC 2018 §3). */
export interface SackBlock {
  readonly start: number;
  readonly end: number;
}

/** Signed, as sequence numbers are. */
export interface TcpTimestamps {
  readonly value: number;
  readonly echo: number;
}

/** What is absent is not in the segment. */
export interface TcpOptions {
  /** Bytes. */
  mss?: number;
  /** The shift as it was sent; over 14 counts as 14 (RFC 7323 §2.3). */
  windowScale?: number;
  sackPermitted?: boolean;
  timestamps?: TcpTimestamps;
  sack?: readonly SackBlock[];
}

export interface TcpHeader {
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Signed, as `acknowledgment` is: negative from 2^31 on (see stack/tcp/sequence.ts). */
  readonly sequence: number;
  readonly acknowledgment: number;
  /** Sum of `TCP_FIN` … `TCP_CWR`. */
  readonly flags: number;
  /** As in the header, not scaled. */
  readonly window: number;
  readonly urgentPointer: number;
  readonly options: Readonly<TcpOptions>;
}

export interface TcpSegment extends TcpHeader {
  /** A view of what was decoded. */
  readonly payload: Uint8Array;
}

/**
 * Reads a segment: header, options, data.
 *
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * |          source port          |        destination port       |
 * |                        sequence number                        |
 * |                     acknowledgment number                     |
 * | offset| rsrvd |C|E|U|A|P|R|S|F|             window            |
 * |            checksum           |         urgent pointer        |
 * |              options, padded to `offset` × 4 bytes            |
 * ```
 *
 * @param pseudoHeaderSum unfinished sum of the pseudo-header (RFC 9293 §3.1), which the network layer gives
 */
export function decodeTcp(bytes: Uint8Array, pseudoHeaderSum: number): TcpSegment | Malformed {
  if (bytes.length < TCP_HEADER_LENGTH) return new Malformed('short');
  const headerLength = (bytes[TCP_DATA_OFFSET]! >>> 4) * 4;
  if (headerLength < TCP_HEADER_LENGTH || headerLength > bytes.length) return new Malformed('bad-offset');
  if (foldSum(addToSum(pseudoHeaderSum, bytes, 0, bytes.length)) !== 0xffff)
    return new Malformed('bad-checksum');
  return {
    sourcePort: readU16(bytes, TCP_SOURCE_PORT),
    destinationPort: readU16(bytes, TCP_DESTINATION_PORT),
    sequence: readI32(bytes, TCP_SEQUENCE),
    acknowledgment: readI32(bytes, TCP_ACKNOWLEDGMENT),
    flags: bytes[TCP_FLAGS]!,
    window: readU16(bytes, TCP_WINDOW),
    urgentPointer: readU16(bytes, TCP_URGENT_POINTER),
    options: decodeOptions(bytes, headerLength),
    payload: bytes.subarray(headerLength),
  };
}

/**
 * Unknown options are skipped by their length; one of a wrong length is passed over as if unknown; a
 * length that leads nowhere (0, 1, past the header) ends the reading (RFC 9293 §3.1, MUST-7).
 */
function decodeOptions(bytes: Uint8Array, headerLength: number): TcpOptions {
  const options: TcpOptions = {};
  let offset = TCP_HEADER_LENGTH;
  while (offset < headerLength) {
    const kind = bytes[offset]!;
    if (kind === OPTION_END) break;
    if (kind === OPTION_NOP) {
      offset++;
      continue;
    }
    if (offset + 1 >= headerLength) break;
    const length = bytes[offset + 1]!;
    if (length < 2 || offset + length > headerLength) break;
    decodeOption(options, kind, bytes, offset, length);
    offset += length;
  }
  return options;
}

function decodeOption(
  options: TcpOptions,
  kind: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
): void {
  if (kind === OPTION_TIMESTAMPS && length === 10)
    options.timestamps = { value: readI32(bytes, offset + 2), echo: readI32(bytes, offset + 6) };
  else if (kind === OPTION_SACK && length >= 10 && length % 8 === 2)
    options.sack = decodeSackBlocks(bytes, offset + 2, offset + length);
  else if (kind === OPTION_MSS && length === 4) options.mss = readU16(bytes, offset + 2);
  else if (kind === OPTION_WINDOW_SCALE && length === 3) options.windowScale = bytes[offset + 2]!;
  else if (kind === OPTION_SACK_PERMITTED && length === 2) options.sackPermitted = true;
}

function decodeSackBlocks(bytes: Uint8Array, start: number, end: number): SackBlock[] {
  const blocks: SackBlock[] = [];
  for (let offset = start; offset < end; offset += 8)
    blocks.push({ start: readI32(bytes, offset), end: readI32(bytes, offset + 4) });
  return blocks;
}

/** Bytes of a header with these options. */
export function tcpHeaderLength(options: Readonly<TcpOptions>): number {
  let length = TCP_HEADER_LENGTH;
  if (options.mss !== undefined) length += 4;
  if (options.timestamps) length += TCP_TIMESTAMPS_LENGTH;
  else if (options.sackPermitted) length += 4;
  if (options.windowScale !== undefined) length += 4;
  if (options.sack) length += tcpSackLength(options.sack.length);
  return length;
}

/**
 * Writes a header at `offset` with a checksum of 0, and returns its length. Options stand in the order
 * that Linux gives them, each aligned to 4 bytes: MSS, SACK-permitted, timestamps, window scale, SACK.
 */
export function writeTcpHeader(buffer: Uint8Array, offset: number, header: TcpHeader): number {
  const { options } = header;
  writeU16(buffer, offset + TCP_SOURCE_PORT, header.sourcePort);
  writeU16(buffer, offset + TCP_DESTINATION_PORT, header.destinationPort);
  writeU32(buffer, offset + TCP_SEQUENCE, header.sequence);
  writeU32(buffer, offset + TCP_ACKNOWLEDGMENT, header.acknowledgment);
  buffer[offset + TCP_FLAGS] = header.flags;
  writeU16(buffer, offset + TCP_WINDOW, header.window);
  writeU16(buffer, offset + TCP_CHECKSUM, 0);
  writeU16(buffer, offset + TCP_URGENT_POINTER, header.urgentPointer);
  let at = offset + TCP_HEADER_LENGTH;
  if (options.mss !== undefined) {
    writeU16(buffer, at, (OPTION_MSS << 8) | 4);
    writeU16(buffer, at + 2, options.mss);
    at += 4;
  }
  const sackPermitted = (OPTION_SACK_PERMITTED << 8) | 2;
  const padding = (OPTION_NOP << 8) | OPTION_NOP;
  if (options.timestamps) {
    writeU16(buffer, at, options.sackPermitted ? sackPermitted : padding);
    writeU16(buffer, at + 2, (OPTION_TIMESTAMPS << 8) | 10);
    writeU32(buffer, at + 4, options.timestamps.value);
    writeU32(buffer, at + 8, options.timestamps.echo);
    at += TCP_TIMESTAMPS_LENGTH;
  } else if (options.sackPermitted) {
    writeU16(buffer, at, padding);
    writeU16(buffer, at + 2, sackPermitted);
    at += 4;
  }
  if (options.windowScale !== undefined) {
    writeU16(buffer, at, (OPTION_NOP << 8) | OPTION_WINDOW_SCALE);
    writeU16(buffer, at + 2, (3 << 8) | options.windowScale);
    at += 4;
  }
  if (options.sack && options.sack.length > 0) {
    writeU16(buffer, at, padding);
    writeU16(buffer, at + 2, (OPTION_SACK << 8) | (2 + 8 * options.sack.length));
    at += 4;
    for (const block of options.sack) {
      writeU32(buffer, at, block.start);
      writeU32(buffer, at + 4, block.end);
      at += 8;
    }
  }
  const length = at - offset;
  buffer[offset + TCP_DATA_OFFSET] = (length / 4) << 4;
  return length;
}

/** Fills in the checksum of the segment that reaches from `offset` to the end of `buffer`. */
export function finishTcpChecksum(
  buffer: Uint8Array,
  offset: number,
  pseudoHeaderSum: number,
  end = buffer.length,
): void {
  setTcpChecksum(buffer, offset, 0);
  setTcpChecksum(buffer, offset, finishSum(addToSum(pseudoHeaderSum, buffer, offset, end)));
}

/** A whole segment in a buffer of its own. */
export function encodeTcp(segment: TcpSegment, pseudoHeaderSum: number): Uint8Array {
  const bytes = new Uint8Array(tcpHeaderLength(segment.options) + segment.payload.length);
  bytes.set(segment.payload, writeTcpHeader(bytes, 0, segment));
  finishTcpChecksum(bytes, 0, pseudoHeaderSum);
  return bytes;
}

// Fields in place, for who rewrites segments on their way. `offset` is where the header begins; the caller
// has checked that the bytes are there.

export function tcpSourcePort(bytes: Uint8Array, offset = 0): number {
  return readU16(bytes, offset + TCP_SOURCE_PORT);
}

export function setTcpSourcePort(bytes: Uint8Array, offset: number, port: number): void {
  writeU16(bytes, offset + TCP_SOURCE_PORT, port);
}

export function tcpDestinationPort(bytes: Uint8Array, offset = 0): number {
  return readU16(bytes, offset + TCP_DESTINATION_PORT);
}

export function setTcpDestinationPort(bytes: Uint8Array, offset: number, port: number): void {
  writeU16(bytes, offset + TCP_DESTINATION_PORT, port);
}

export function tcpSequence(bytes: Uint8Array, offset = 0): number {
  return readI32(bytes, offset + TCP_SEQUENCE);
}

export function setTcpSequence(bytes: Uint8Array, offset: number, sequence: number): void {
  writeU32(bytes, offset + TCP_SEQUENCE, sequence);
}

export function setTcpFlags(bytes: Uint8Array, offset: number, flags: number): void {
  bytes[offset + TCP_FLAGS] = flags;
}

export function tcpFlags(bytes: Uint8Array, offset = 0): number {
  return bytes[offset + TCP_FLAGS]!;
}

export function tcpChecksum(bytes: Uint8Array, offset = 0): number {
  return readU16(bytes, offset + TCP_CHECKSUM);
}

export function setTcpChecksum(bytes: Uint8Array, offset: number, checksum: number): void {
  writeU16(bytes, offset + TCP_CHECKSUM, checksum);
}
