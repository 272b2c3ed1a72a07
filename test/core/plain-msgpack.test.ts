import fc from 'fast-check';
import { Packr } from 'msgpackr/pack';
import { Unpackr } from 'msgpackr/unpack';
import { describe, expect, it } from 'vitest';
import { fromHex } from '../../shared/core/bytes.ts';
import { isPlainMsgpack } from '../../shared/core/plain-msgpack.ts';

const plain = new Packr({ useRecords: false });
const rich = new Packr({ moreTypes: true, structuredClone: true });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });

const json = fc.jsonValue({ maxDepth: 6 });

describe('isPlainMsgpack', () => {
  it('admits what msgpackr writes of plain data', () => {
    fc.assert(fc.property(json, (value) => isPlainMsgpack(plain.pack(value))));
    expect(isPlainMsgpack(plain.pack({ data: Buffer.alloc(70_000), big: 2n ** 60n, half: 0.5 }))).toBe(true);
  });

  it.each([
    ['a timestamp', rich.pack(new Date(0))],
    ['a set', rich.pack(new Set([1]))],
    ['an error', rich.pack(new Error('no'))],
    ['a record', new Packr({ useRecords: true, sequential: true }).pack({ a: 1 })],
    ['undefined, which msgpackr writes as an extension', plain.pack(undefined)],
    ['ext 8', fromHex('c7 01 05 00')],
    ['fixext 16', fromHex(`d8 72 ${'00'.repeat(16)}`)],
    ['the byte that is never used', fromHex('c1')],
    ['an extension in a map', fromHex('81 a1 61 d4 00 00')],
    ['a key that is no str', fromHex('81 01 02')],
    ['nothing', fromHex('')],
    ['two values', fromHex('01 02')],
    ['a str that is cut', fromHex('a3 61 62')],
    ['a length that is cut', fromHex('c5 00')],
    ['an array that promises four thousand million values', fromHex('dd ff ff ff ff 01')],
    ['arrays too deep', new Uint8Array(100).fill(0x91)],
  ])('refuses %s', (_name, bytes) => {
    expect(isPlainMsgpack(bytes)).toBe(false);
  });

  it('lets through only bytes that msgpackr then decodes without a throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        if (isPlainMsgpack(bytes)) unpackr.unpack(bytes);
      }),
      { numRuns: 2000 },
    );
  });
});
