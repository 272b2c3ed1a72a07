// A message of a cable: a msgpack array of bin values, each an Ethernet frame. Written and read by hand:
// no value is built that is not a frame, and a frame that was read is a view of the message.
//
//   array:  90..9f (count in the low four bits) | dc + u16 count | dd + u32 count
//   frame:  c4 + u8 length | c5 + u16 length | c6 + u32 length, then the bytes

import { readU16, readU32, writeU16, writeU32 } from '../core/bytes.ts';
import { Malformed } from '../core/errors.ts';

const ARRAY_16 = 0xdc;
const ARRAY_32 = 0xdd;
const BIN_8 = 0xc4;
const BIN_16 = 0xc5;
const BIN_32 = 0xc6;

/** Bytes of the headers in front of a frame. */
const BIN_8_HEADER = 2;
const BIN_16_HEADER = 3;
const BIN_32_HEADER = 5;

/** Bytes in front of the first frame of a batch that is being written: an array 16 header. */
export const BATCH_HEADER_LENGTH = 3;

/** The most frames that the header of a written batch can count. */
export const MOST_FRAMES = 0xffff;

/** Whether a message claims to be an array, and so a batch. */
export function isBatch(message: Uint8Array): boolean {
  const type = message[0];
  return type !== undefined && ((type >= 0x90 && type <= 0x9f) || type === ARRAY_16 || type === ARRAY_32);
}

/** Reads a batch whole; anything but an array of bin, to the last byte, is malformed. */
export function decodeBatch(message: Uint8Array): Uint8Array[] | Malformed {
  const end = message.length;
  const type = message[0];
  let offset: number;
  let count: number;
  if (type === undefined) return new Malformed('empty-message');
  if (type >= 0x90 && type <= 0x9f) {
    count = type & 0x0f;
    offset = 1;
  } else if (type === ARRAY_16 && end >= 3) {
    count = readU16(message, 1);
    offset = 3;
  } else if (type === ARRAY_32 && end >= 5) {
    count = readU32(message, 1);
    offset = 5;
  } else return new Malformed('not-an-array');

  const frames: Uint8Array[] = [];
  const { buffer, byteOffset } = message;
  for (; count > 0; count--) {
    const bin = offset < end ? message[offset]! : 0;
    let length: number;
    if (bin === BIN_8 && offset + 2 <= end) {
      length = message[offset + 1]!;
      offset += 2;
    } else if (bin === BIN_16 && offset + 3 <= end) {
      length = readU16(message, offset + 1);
      offset += 3;
    } else if (bin === BIN_32 && offset + 5 <= end) {
      length = readU32(message, offset + 1);
      offset += 5;
    } else return new Malformed(offset < end ? 'not-a-bin' : 'truncated');
    if (length > end - offset) return new Malformed('truncated');
    frames.push(new Uint8Array(buffer, byteOffset + offset, length));
    offset += length;
  }
  return offset === end ? frames : new Malformed('trailing-bytes');
}

/** Whether a batch of these frames has the headers that it would be given here, and no longer ones. */
export function isAsWritten(batch: Uint8Array, frames: readonly Uint8Array[]): boolean {
  let length = BATCH_HEADER_LENGTH;
  for (const frame of frames) length += framedLength(frame.length);
  return batch[0] === ARRAY_16 && batch.length === length;
}

/** Bytes that a frame of `length` takes in a batch. */
export function framedLength(length: number): number {
  return binHeaderLength(length) + length;
}

function binHeaderLength(length: number): number {
  if (length <= 0xff) return BIN_8_HEADER;
  return length <= 0xffff ? BIN_16_HEADER : BIN_32_HEADER;
}

/**
 * Writes what stands in front of a frame of `length` at `offset` and returns the offset behind it. Of an MTU of
 * 65,535 a full frame is longer than bin 16 can say.
 */
export function beginFrame(batch: Uint8Array, offset: number, length: number): number {
  if (length <= 0xff) {
    batch[offset] = BIN_8;
    batch[offset + 1] = length;
    return offset + BIN_8_HEADER;
  }
  if (length <= 0xffff) {
    batch[offset] = BIN_16;
    writeU16(batch, offset + 1, length);
    return offset + BIN_16_HEADER;
  }
  batch[offset] = BIN_32;
  writeU32(batch, offset + 1, length);
  return offset + BIN_32_HEADER;
}

/** Writes the header of a batch of `count` frames, which start at BATCH_HEADER_LENGTH. */
export function finishBatch(batch: Uint8Array, count: number): void {
  batch[0] = ARRAY_16;
  writeU16(batch, 1, count);
}
