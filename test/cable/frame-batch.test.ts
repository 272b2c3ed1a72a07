import fc from 'fast-check';
import { Packr } from 'msgpackr/pack';
import { Unpackr } from 'msgpackr/unpack';
import { describe, expect, it } from 'vitest';
import {
  BATCH_HEADER_LENGTH,
  beginFrame,
  decodeBatch,
  finishBatch,
  framedLength,
  isAsWritten,
} from '../../shared/cable/frame-batch.ts';
import { fromHex, toHex } from '../../shared/core/bytes.ts';
import { Malformed } from '../../shared/core/errors.ts';

const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false });

function write(frames: readonly Uint8Array[]): Uint8Array {
  const capacity = frames.reduce((sum, frame) => sum + framedLength(frame.length), BATCH_HEADER_LENGTH);
  const batch = new Uint8Array(capacity);
  let offset = BATCH_HEADER_LENGTH;
  for (const frame of frames) {
    const at = beginFrame(batch, offset, frame.length);
    batch.set(frame, at);
    offset = at + frame.length;
  }
  finishBatch(batch, frames.length);
  return batch.subarray(0, offset);
}

const frames = fc.array(fc.uint8Array({ minLength: 0, maxLength: 600 }), { maxLength: 40 });

describe('a batch of frames', () => {
  it('reads known bytes (msgpack specification: fixarray, array 16, array 32, bin 8, bin 16, bin 32)', () => {
    const expected = [fromHex('aabb'), fromHex('cc')];
    for (const header of ['92', 'dc 0002', 'dd 00000002'])
      for (const [first, second] of [
        ['c4 02', 'c4 01'],
        ['c5 0002', 'c6 00000001'],
      ])
        expect(decodeBatch(fromHex(`${header} ${first} aabb ${second} cc`))).toEqual(expected);
  });

  it('gives views of the message', () => {
    const message = fromHex('91 c4 03 010203');
    const batch = decodeBatch(message) as Uint8Array[];
    expect(batch[0]?.buffer).toBe(message.buffer);
  });

  it('reads what msgpackr writes', () => {
    fc.assert(
      fc.property(frames, (batch) => {
        expect(decodeBatch(packr.pack(batch.map((frame) => Buffer.from(frame))))).toEqual(batch);
      }),
    );
  });

  it('writes what msgpackr and itself read', () => {
    fc.assert(
      fc.property(frames, (batch) => {
        const message = write(batch);
        expect(decodeBatch(message)).toEqual(batch);
        const read = unpackr.unpack(message) as Uint8Array[];
        expect(read.map(toHex)).toEqual(batch.map(toHex));
      }),
    );
  });

  it.each([
    [255, 'c4 ff'],
    [256, 'c5 0100'],
    [65_535, 'c5 ffff'],
    [65_536, 'c6 00010000'],
    [65_535 + 18, 'c6 00010011'],
  ])('has the shortest header for a frame of %i bytes', (length, header) => {
    const batch = [new Uint8Array(length).fill(7), fromHex('aa')];
    const message = write(batch);
    expect(toHex(message.subarray(3, 3 + fromHex(header).length))).toBe(toHex(fromHex(header)));
    const read = decodeBatch(message) as Uint8Array[];
    expect(read.map(toHex)).toEqual(batch.map(toHex));
    expect((unpackr.unpack(message) as Uint8Array[]).map(toHex)).toEqual(batch.map(toHex));
    expect(isAsWritten(message, read)).toBe(true);
  });

  it.each([
    ['nothing', '', 'empty-message'],
    ['a map', '80', 'not-an-array'],
    ['an array header that is cut', 'dc 00', 'not-an-array'],
    ['fewer frames than promised', '92 c4 01 aa', 'truncated'],
    ['a frame that is cut', '91 c4 05 aa', 'truncated'],
    ['a frame longer than any message', '91 c6 ffffffff aa', 'truncated'],
    ['a str', '91 a1 61', 'not-a-bin'],
    ['an extension', '91 d4 00 00', 'not-a-bin'],
    ['an array in the array', '91 91 c4 01 aa', 'not-a-bin'],
    ['something behind it', '91 c4 01 aa 00', 'trailing-bytes'],
  ])('refuses %s', (_name, hex, reason) => {
    expect(decodeBatch(fromHex(hex))).toEqual(new Malformed(reason));
  });

  it('never throws, and never reads beyond the message', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const batch = decodeBatch(bytes);
        if (batch instanceof Malformed) return;
        for (const frame of batch) expect(frame.byteOffset + frame.length).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: 2000 },
    );
  });
});
