// Capture files: writes pcapng (draft-ietf-opsawg-pcapng). capture-file.ts reads it.
//
// A pcapng file is a row of blocks, little-endian here:
//   u32 type | u32 total length | body, padded to 32 bits | u32 total length
// Options in a body:  u16 code | u16 length | value, padded to 32 bits;  0, 0 ends them.
// A capture is streamed: section header, one description per interface, packets, statistics at the end.

import { concatBytes } from '../core/bytes.ts';

export const LINKTYPE_ETHERNET = 1;

export const SECTION_HEADER = 0x0a0d0d0a;
export const INTERFACE_DESCRIPTION = 1;
export const INTERFACE_STATISTICS = 5;
export const ENHANCED_PACKET = 6;
export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

export const OPTION_END = 0;
const SHB_USER_APPLICATION = 4;
export const IF_NAME = 2;
export const IF_DESCRIPTION = 3;
export const IF_TIMESTAMP_RESOLUTION = 9;
export const EPB_FLAGS = 2;
export const ISB_START = 2;
export const ISB_END = 3;
export const ISB_RECEIVED = 4;
export const ISB_DROPPED = 5;

/** Bytes of a packet's block before the frame; and behind it the option that tells its direction, the end of options, and the length. */
const PACKET_HEADER = 28;
const PACKET_TRAILER = 16;

/** Bytes of a block of statistics from the value of its last option on. */
const STATISTICS_TRAILER = 16;

/** Where a block has its time if it is a packet's or of statistics, and a packet how much of it was captured. */
const TIME_AT = 12;
const CAPTURED_AT = 20;

/** if_tsresol: powers of ten, so 9 is nanoseconds. */
const NANOSECONDS = 9;

/** Bits 0 and 1 of epb_flags. */
export const FLAG_INBOUND = 1;
export const FLAG_OUTBOUND = 2;

export interface CaptureInterface {
  /** `device:interface` */
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly linkType: number;
  /** Bytes of a frame that are captured at most; 0: all. */
  readonly snapshotLength: number;
}

export interface CapturePacket {
  /** Index of the interface in the file, from 0. */
  readonly interface: number;
  /** Unix time in ns. */
  readonly time: bigint;
  /** As much of it as was captured. */
  readonly frame: Uint8Array;
  /** Bytes that the whole frame had. */
  readonly length: number;
  /** As seen from the interface; undefined where the file does not tell. */
  readonly direction?: 'in' | 'out' | undefined;
}

export interface CaptureStatistics {
  readonly interface: number;
  /** Unix time in ns: of this block, and of the capture's bounds. */
  readonly time: bigint;
  readonly start?: bigint | undefined;
  readonly end?: bigint | undefined;
  readonly received: bigint;
  /** Frames that the capture missed. */
  readonly dropped: bigint;
}

/** The block that a pcapng file begins with (§4.1). */
export function encodeSectionHeader(application: string): Uint8Array {
  const body = new DataView(new ArrayBuffer(16));
  body.setUint32(0, BYTE_ORDER_MAGIC, true);
  body.setUint16(4, 1, true); // version 1.0
  body.setBigInt64(8, -1n, true); // section length: not known
  return encodeBlock(SECTION_HEADER, [
    new Uint8Array(body.buffer),
    ...encodeOptions([[SHB_USER_APPLICATION, encodeText(application)]]),
  ]);
}

/** Describes the next interface (§4.2); its index is its place among these blocks. Times are in ns. */
export function encodeInterfaceDescription(description: CaptureInterface): Uint8Array {
  const body = new DataView(new ArrayBuffer(8));
  body.setUint16(0, description.linkType, true);
  body.setUint32(4, description.snapshotLength, true);
  const options: Option[] = [];
  if (description.name !== undefined) options.push([IF_NAME, encodeText(description.name)]);
  if (description.description !== undefined)
    options.push([IF_DESCRIPTION, encodeText(description.description)]);
  options.push([IF_TIMESTAMP_RESOLUTION, Uint8Array.of(NANOSECONDS)]);
  return encodeBlock(INTERFACE_DESCRIPTION, [new Uint8Array(body.buffer), ...encodeOptions(options)]);
}

/** What stands in front of a frame. */
export interface PacketHeader {
  readonly interface: number;
  /** The halves of Unix time in ns, unsigned. */
  readonly timeHigh: number;
  readonly timeLow: number;
  /** Bytes of the frame that are in the file, and that it had. */
  readonly captured: number;
  readonly length: number;
  readonly direction: 'in' | 'out';
}

/** Bytes of the block of a frame of which so many are captured. */
export function packetBlockLength(captured: number): number {
  return PACKET_HEADER + ((captured + 3) & ~3) + PACKET_TRAILER;
}

/**
 * Writes the block of a frame (§4.3) at `at`, all but the frame itself, and returns where that belongs:
 *
 *   6 | length | interface | time, high | low | captured | original | frame, padded | flags option | end | length
 */
export function writePacketBlock(blocks: DataView, at: number, packet: PacketHeader): number {
  const { captured } = packet;
  const length = packetBlockLength(captured);
  const trailer = at + length - PACKET_TRAILER;
  // The padding, of which the frame will leave what is not its own.
  blocks.setUint32(trailer - 4, 0, true);
  blocks.setUint32(at, ENHANCED_PACKET, true);
  blocks.setUint32(at + 4, length, true);
  blocks.setUint32(at + 8, packet.interface, true);
  blocks.setUint32(at + TIME_AT, packet.timeHigh, true);
  blocks.setUint32(at + TIME_AT + 4, packet.timeLow, true);
  blocks.setUint32(at + CAPTURED_AT, captured, true);
  blocks.setUint32(at + CAPTURED_AT + 4, packet.length, true);
  blocks.setUint32(trailer, EPB_FLAGS | (4 << 16), true);
  blocks.setUint32(trailer + 4, packet.direction === 'in' ? FLAG_INBOUND : FLAG_OUTBOUND, true);
  blocks.setUint32(trailer + 8, OPTION_END, true);
  blocks.setUint32(trailer + 12, length, true);
  return at + PACKET_HEADER;
}

/** The type of the block at `at`. */
export function blockType(blocks: DataView, at: number): number {
  return blocks.getUint32(at, true);
}

/** Bytes of the block at `at`. */
export function blockLength(blocks: DataView, at: number): number {
  return blocks.getUint32(at + 4, true);
}

/** Where the block begins behind which there is `end`. */
export function blockBefore(blocks: DataView, end: number): number {
  return end - blocks.getUint32(end - 4, true);
}

/** The time of the packet at `at` in ns, from where the high half of Unix time became `since` on. */
export function blockTime(blocks: DataView, at: number, since: number): number {
  return (timeHigh(blocks, at) - since) * 2 ** 32 + blocks.getUint32(at + TIME_AT + 4, true);
}

/** The high half of the time of the packet at `at`. */
export function timeHigh(blocks: DataView, at: number): number {
  return blocks.getUint32(at + TIME_AT, true);
}

/** What `writePacketBlock` wrote at `at`, and the frame as a view. */
export function readPacketBlock(blocks: DataView, at: number): PacketHeader & { readonly frame: Uint8Array } {
  const captured = blocks.getUint32(at + CAPTURED_AT, true);
  const flags = blocks.getUint32(at + packetBlockLength(captured) - PACKET_TRAILER + 4, true);
  return {
    interface: blocks.getUint32(at + 8, true),
    timeHigh: timeHigh(blocks, at),
    timeLow: blocks.getUint32(at + TIME_AT + 4, true),
    captured,
    length: blocks.getUint32(at + CAPTURED_AT + 4, true),
    direction: flags === FLAG_INBOUND ? 'in' : 'out',
    frame: new Uint8Array(blocks.buffer, blocks.byteOffset + at + PACKET_HEADER, captured),
  };
}

/** How many frames the statistics at `at` say that were dropped, as `encodeStatistics` writes them without bounds. */
export function droppedOf(blocks: DataView, at: number): number {
  return Number(blocks.getBigUint64(at + blockLength(blocks, at) - STATISTICS_TRAILER, true));
}

/** What was captured at an interface in all (§4.6). */
export function encodeStatistics(statistics: CaptureStatistics): Uint8Array {
  const body = new DataView(new ArrayBuffer(12));
  body.setUint32(0, statistics.interface, true);
  writeTimestamp(body, 4, statistics.time);
  const options: Option[] = [];
  if (statistics.start !== undefined) options.push([ISB_START, encodeTimestamp(statistics.start)]);
  if (statistics.end !== undefined) options.push([ISB_END, encodeTimestamp(statistics.end)]);
  options.push([ISB_RECEIVED, encodeU64(statistics.received)], [ISB_DROPPED, encodeU64(statistics.dropped)]);
  return encodeBlock(INTERFACE_STATISTICS, [new Uint8Array(body.buffer), ...encodeOptions(options)]);
}

type Option = readonly [code: number, value: Uint8Array];

function encodeOptions(options: readonly Option[]): Uint8Array[] {
  if (options.length === 0) return [];
  const parts = options.flatMap(([code, value]) => [
    optionHeader(code, value.length),
    value,
    padding(value.length),
  ]);
  return [...parts, optionHeader(OPTION_END, 0)];
}

function optionHeader(code: number, length: number): Uint8Array {
  return Uint8Array.of(code & 255, code >>> 8, length & 255, length >>> 8);
}

function encodeBlock(type: number, body: readonly Uint8Array[]): Uint8Array {
  const length = body.reduce((sum, part) => sum + part.length, 12);
  const header = new DataView(new ArrayBuffer(8));
  header.setUint32(0, type, true);
  header.setUint32(4, length, true);
  return concatBytes([new Uint8Array(header.buffer), ...body, new Uint8Array(header.buffer, 4, 4)]);
}

function padding(length: number): Uint8Array {
  return new Uint8Array(-length & 3);
}

function encodeText(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function encodeU64(value: bigint): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, value, true);
  return new Uint8Array(view.buffer);
}

/** Timestamps are two u32, the high half first whatever the byte order. */
function writeTimestamp(view: DataView, offset: number, time: bigint): void {
  view.setUint32(offset, Number(time >> 32n), true);
  view.setUint32(offset + 4, Number(time & 0xffffffffn), true);
}

function encodeTimestamp(time: bigint): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  writeTimestamp(view, 0, time);
  return new Uint8Array(view.buffer);
}
