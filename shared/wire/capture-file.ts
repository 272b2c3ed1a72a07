// Reads capture files: pcapng in either byte order, and classic pcap (draft-ietf-opsawg-pcap) in µs or ns.
// What a writer that was killed left behind is read as far as it goes.

import { Malformed } from '../core/errors.ts';
import {
  BYTE_ORDER_MAGIC,
  type CaptureInterface,
  type CapturePacket,
  type CaptureStatistics,
  ENHANCED_PACKET,
  EPB_FLAGS,
  FLAG_INBOUND,
  FLAG_OUTBOUND,
  IF_DESCRIPTION,
  IF_NAME,
  IF_TIMESTAMP_RESOLUTION,
  INTERFACE_DESCRIPTION,
  INTERFACE_STATISTICS,
  ISB_DROPPED,
  ISB_END,
  ISB_RECEIVED,
  ISB_START,
  OPTION_END,
  SECTION_HEADER,
} from './pcapng.ts';

export interface CaptureFile {
  readonly interfaces: readonly CaptureInterface[];
  /** In the order of the file. */
  readonly packets: readonly CapturePacket[];
  readonly statistics: readonly CaptureStatistics[];
  /** Whether the file ends in the middle of something. */
  readonly truncated: boolean;
}

const PCAP_MICROSECONDS = 0xa1b2c3d4;
const PCAP_NANOSECONDS = 0xa1b23c4d;
const PCAP_HEADER = 24;
const PCAP_RECORD_HEADER = 16;

/** Type, length, and the length again. */
const BLOCK_OVERHEAD = 12;

/** Reads a whole file; `frame`s are views of it. */
export function decodeCaptureFile(file: Uint8Array): CaptureFile | Malformed {
  if (file.length < 4) return new Malformed('too-short');
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  if (view.getUint32(0, true) === SECTION_HEADER) return decodePcapng(file, view);
  for (const little of [true, false]) {
    const magic = view.getUint32(0, little);
    if (magic === PCAP_MICROSECONDS) return decodePcap(file, view, little, 1000n);
    if (magic === PCAP_NANOSECONDS) return decodePcap(file, view, little, 1n);
  }
  return new Malformed('unknown-format');
}

/** Header: u32 magic, u16 × 2 version, u32 × 2 unused, u32 snap length, u32 link type; record: u32 s, u32 fraction, u32 captured, u32 length. */
function decodePcap(
  file: Uint8Array,
  view: DataView,
  little: boolean,
  tick: bigint,
): CaptureFile | Malformed {
  if (file.length < PCAP_HEADER) return new Malformed('too-short');
  const packets: CapturePacket[] = [];
  let offset = PCAP_HEADER;
  let truncated = false;
  while (offset < file.length) {
    const data = offset + PCAP_RECORD_HEADER;
    const end = data <= file.length ? data + view.getUint32(offset + 8, little) : Number.POSITIVE_INFINITY;
    if (end > file.length) {
      truncated = true;
      break;
    }
    const time =
      BigInt(view.getUint32(offset, little)) * 1_000_000_000n +
      BigInt(view.getUint32(offset + 4, little)) * tick;
    const length = view.getUint32(offset + 12, little);
    packets.push({ interface: 0, time, frame: file.subarray(data, end), length });
    offset = end;
  }
  const linkType = view.getUint32(20, little) & 0xffff;
  const snapshotLength = view.getUint32(16, little);
  return { interfaces: [{ linkType, snapshotLength }], packets, statistics: [], truncated };
}

/** An interface of the section that is being read. */
interface SectionInterface {
  /** Index in the whole file. */
  readonly index: number;
  /** Timestamp units in a second. */
  readonly unitsPerSecond: bigint;
}

interface Block {
  readonly file: Uint8Array;
  readonly view: DataView;
  readonly little: boolean;
  /** First byte of the body, and the one behind it. */
  readonly start: number;
  readonly end: number;
}

/** What has been read so far. */
interface Contents {
  readonly interfaces: CaptureInterface[];
  readonly packets: CapturePacket[];
  readonly statistics: CaptureStatistics[];
  /** Those of the present section, by their index in it. */
  current: SectionInterface[];
}

function decodePcapng(file: Uint8Array, view: DataView): CaptureFile | Malformed {
  const contents: Contents = { interfaces: [], packets: [], statistics: [], current: [] };
  let little = true;
  let offset = 0;
  while (offset + BLOCK_OVERHEAD <= file.length) {
    const isSection = view.getUint32(offset, little) === SECTION_HEADER;
    if (isSection) {
      little = view.getUint32(offset + 8, true) === BYTE_ORDER_MAGIC;
      if (!little && view.getUint32(offset + 8, false) !== BYTE_ORDER_MAGIC)
        return new Malformed('bad-byte-order-magic');
      contents.current = [];
    }
    const length = view.getUint32(offset + 4, little);
    if (length < BLOCK_OVERHEAD || length % 4 !== 0) return new Malformed('bad-block-length');
    if (offset + length > file.length) break;
    const block = { file, view, little, start: offset + 8, end: offset + length - 4 };
    const fault = decodeBlock(view.getUint32(offset, little), block, contents);
    if (fault) return fault;
    offset += length;
  }
  const { interfaces, packets, statistics } = contents;
  return { interfaces, packets, statistics, truncated: offset !== file.length };
}

function decodeBlock(type: number, block: Block, contents: Contents): Malformed | undefined {
  if (type === INTERFACE_DESCRIPTION) return decodeInterface(block, contents);
  if (type === ENHANCED_PACKET) return decodePacket(block, contents);
  if (type === INTERFACE_STATISTICS) return decodeStatistics(block, contents);
  return undefined; // other blocks are skipped, as the format wants
}

function decodeInterface(block: Block, contents: Contents): Malformed | undefined {
  if (block.end - block.start < 8) return new Malformed('short-interface-description');
  const options = decodeOptions(block, block.start + 8);
  const resolution = options.get(IF_TIMESTAMP_RESOLUTION)?.[0] ?? 6;
  const unitsPerSecond =
    resolution & 0x80 ? 2n ** BigInt(resolution & 0x7f) : 10n ** BigInt(resolution & 0x7f);
  contents.current.push({ index: contents.interfaces.length, unitsPerSecond });
  contents.interfaces.push({
    name: decodeText(options.get(IF_NAME)),
    description: decodeText(options.get(IF_DESCRIPTION)),
    linkType: block.view.getUint16(block.start, block.little),
    snapshotLength: block.view.getUint32(block.start + 4, block.little),
  });
  return undefined;
}

function decodePacket(block: Block, contents: Contents): Malformed | undefined {
  const { file, view, little, start, end } = block;
  if (end - start < 20) return new Malformed('short-packet');
  const captured = view.getUint32(start + 12, little);
  if (captured > end - start - 20) return new Malformed('short-packet');
  const on = contents.current[view.getUint32(start, little)];
  if (!on) return new Malformed('unknown-interface');
  const flags = decodeOptions(block, start + 20 + captured + (-captured & 3)).get(EPB_FLAGS);
  const way = flags && flags.length === 4 ? flags[little ? 0 : 3]! & 3 : 0;
  contents.packets.push({
    interface: on.index,
    time: decodeTimestamp(block, start + 4, on),
    frame: file.subarray(start + 20, start + 20 + captured),
    length: view.getUint32(start + 16, little),
    direction: way === FLAG_INBOUND ? 'in' : way === FLAG_OUTBOUND ? 'out' : undefined,
  });
  return undefined;
}

function decodeStatistics(block: Block, contents: Contents): Malformed | undefined {
  const { view, little, start, end } = block;
  if (end - start < 12) return new Malformed('short-statistics');
  const on = contents.current[view.getUint32(start, little)];
  if (!on) return new Malformed('unknown-interface');
  const options = decodeOptions(block, start + 12);
  const u64 = (code: number): DataView | undefined => {
    const value = options.get(code);
    return value?.length === 8 ? new DataView(value.buffer, value.byteOffset, 8) : undefined;
  };
  const time = (code: number): bigint | undefined => {
    const value = u64(code);
    return value && decodeTimestamp({ ...block, view: value }, 0, on);
  };
  contents.statistics.push({
    interface: on.index,
    time: decodeTimestamp(block, start + 4, on),
    start: time(ISB_START),
    end: time(ISB_END),
    received: u64(ISB_RECEIVED)?.getBigUint64(0, little) ?? 0n,
    dropped: u64(ISB_DROPPED)?.getBigUint64(0, little) ?? 0n,
  });
  return undefined;
}

/** Options by code from `offset` on; of one that is there twice the last, and none behind a broken one. */
function decodeOptions(block: Block, offset: number): Map<number, Uint8Array> {
  const { file, view, little, end } = block;
  const options = new Map<number, Uint8Array>();
  let next = offset;
  while (next + 4 <= end) {
    const code = view.getUint16(next, little);
    const length = view.getUint16(next + 2, little);
    if (code === OPTION_END || next + 4 + length > end) break;
    options.set(code, file.subarray(next + 4, next + 4 + length));
    next += 4 + length + (-length & 3);
  }
  return options;
}

function decodeTimestamp(block: Block, offset: number, on: SectionInterface): bigint {
  const high = BigInt(block.view.getUint32(offset, block.little));
  const low = BigInt(block.view.getUint32(offset + 4, block.little));
  return (((high << 32n) | low) * 1_000_000_000n) / on.unitsPerSecond;
}

function decodeText(value: Uint8Array | undefined): string | undefined {
  return value && new TextDecoder().decode(value);
}
