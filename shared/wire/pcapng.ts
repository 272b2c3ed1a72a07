// Capture files: writes pcapng (draft-ietf-opsawg-pcapng). capture-file.ts reads it.
//
// A pcapng file is a row of blocks, little-endian here:
//   u32 type | u32 total length | body, padded to 32 bits | u32 total length
// Options in a body:  u16 code | u16 length | value, padded to 32 bits;  0, 0 ends them.
// A capture is streamed: section header, one description per interface, packets, statistics at the end.

import { concatBytes } from '../core/bytes.ts';
import { frameBuffer } from '../core/frame-buffer.ts';

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

/** Bytes of a packet's block before the frame, and of the option that tells its direction with the end of options. */
const PACKET_HEADER = 28;
const FLAGS_OPTION = 12;

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
}

export interface CapturePacket {
  /** Index of the interface in the file, from 0. */
  readonly interface: number;
  /** Unix time in ns. */
  readonly time: bigint;
  readonly frame: Uint8Array;
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
  body.setUint32(4, 0, true); // snap length: none
  const options: Option[] = [];
  if (description.name !== undefined) options.push([IF_NAME, encodeText(description.name)]);
  if (description.description !== undefined)
    options.push([IF_DESCRIPTION, encodeText(description.description)]);
  options.push([IF_TIMESTAMP_RESOLUTION, Uint8Array.of(NANOSECONDS)]);
  return encodeBlock(INTERFACE_DESCRIPTION, [new Uint8Array(body.buffer), ...encodeOptions(options)]);
}

/**
 * A frame (§4.3), in one piece, as there are many:
 *
 *   6 | length | interface | time, high | low | captured | original | frame, padded | flags option | end | length
 */
export function encodePacket(packet: CapturePacket): Uint8Array {
  const { frame, direction } = packet;
  const padded = (frame.length + 3) & ~3;
  const length = PACKET_HEADER + padded + (direction ? FLAGS_OPTION : 0) + 4;
  const block = frameBuffer(length);
  writeU32LE(block, 0, ENHANCED_PACKET);
  writeU32LE(block, 4, length);
  writeU32LE(block, 8, packet.interface);
  writeU32LE(block, 12, Number(packet.time >> 32n));
  writeU32LE(block, 16, Number(packet.time & 0xffffffffn));
  writeU32LE(block, 20, frame.length);
  writeU32LE(block, 24, frame.length);
  block.set(frame, PACKET_HEADER);
  block.fill(0, PACKET_HEADER + frame.length, PACKET_HEADER + padded);
  if (direction) {
    writeU32LE(block, PACKET_HEADER + padded, EPB_FLAGS | (4 << 16));
    writeU32LE(block, PACKET_HEADER + padded + 4, direction === 'in' ? FLAG_INBOUND : FLAG_OUTBOUND);
    writeU32LE(block, PACKET_HEADER + padded + 8, OPTION_END);
  }
  writeU32LE(block, length - 4, length);
  return block;
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

function writeU32LE(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value;
  bytes[offset + 1] = value >>> 8;
  bytes[offset + 2] = value >>> 16;
  bytes[offset + 3] = value >>> 24;
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
