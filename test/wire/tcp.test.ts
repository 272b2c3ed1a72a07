// The TCP codec against frames of Linux kernels, and by property.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '../../shared/core/bytes.ts';
import { addToSum } from '../../shared/core/checksum.ts';
import { Malformed } from '../../shared/core/errors.ts';
import {
  decodeTcp,
  encodeTcp,
  setTcpChecksum,
  setTcpDestinationPort,
  setTcpSourcePort,
  TCP_ACK,
  TCP_PSH,
  TCP_SYN,
  type TcpSegment,
  tcpChecksum,
  tcpDestinationPort,
  tcpFlags,
  tcpHeaderLength,
  tcpSequence,
  tcpSourcePort,
} from '../../shared/wire/tcp.ts';

/** The pseudo-header's sum between two addresses given in hex (RFC 9293 §3.1). */
function pseudoSum(addresses: string, length: number): number {
  return addToSum(0, fromHex(addresses), 0, 8) + 6 + length;
}

/** Linux 6 to Linux 6, captured on a veth pair: curl fetching http://www.example.com/. */
const LAPTOP_TO_WEB = 'c0a80018 5db8d822';
const SYN = fromHex(
  '9e50 0050 e0d8deae 00000000 a002 a564 20f5 0000 020405b4 0402 080a defe4de2 00000000 01 030309',
);
const SYN_ACK = fromHex(
  '0050 9e50 07340927 e0d8deaf a012 a9b0 5deb 0000 020405b4 0402 080a c828e628 defe4de2 01 030309',
);
/** From a download over a link that loses 5%: two gaps. */
const TWO_SACK_BLOCKS = fromHex(
  '8fbc 0050 c3cb8ab7 c697270f d010 0068 ca7a 0000 0101 080a 49a4936a f8180e3d 0101 0512 c6977097 c6978cdf c6972cb7 c6976aef',
);

function decode(bytes: Uint8Array, addresses = LAPTOP_TO_WEB): TcpSegment {
  const segment = decodeTcp(bytes, pseudoSum(addresses, bytes.length));
  if (segment instanceof Malformed) throw new Error(segment.reason);
  return segment;
}

describe('known segments', () => {
  test('a SYN of Linux, both ways', () => {
    const segment = decode(SYN);
    expect(segment).toMatchObject({
      sourcePort: 40528,
      destinationPort: 80,
      sequence: 3772309166 | 0,
      acknowledgment: 0,
      flags: TCP_SYN,
      window: 42340,
      options: {
        mss: 1460,
        sackPermitted: true,
        timestamps: { value: 3741208034 | 0, echo: 0 },
        windowScale: 9,
      },
    });
    expect(segment.payload.length).toBe(0);
    expect(toHex(encodeTcp(segment, pseudoSum(LAPTOP_TO_WEB, SYN.length)))).toBe(toHex(SYN));
  });

  test('a SYN,ACK of Linux, both ways', () => {
    const segment = decode(SYN_ACK);
    expect(segment.flags).toBe(TCP_SYN | TCP_ACK);
    expect(segment.options.timestamps).toEqual({ value: 3358123560 | 0, echo: 3741208034 | 0 });
    expect(toHex(encodeTcp(segment, pseudoSum(LAPTOP_TO_WEB, SYN_ACK.length)))).toBe(toHex(SYN_ACK));
  });

  test('an ACK with two SACK blocks, both ways', () => {
    const segment = decode(TWO_SACK_BLOCKS);
    expect(segment.options.sack).toEqual([
      { start: 0xc6977097 | 0, end: 0xc6978cdf | 0 },
      { start: 0xc6972cb7 | 0, end: 0xc6976aef | 0 },
    ]);
    expect(toHex(encodeTcp(segment, pseudoSum(LAPTOP_TO_WEB, TWO_SACK_BLOCKS.length)))).toBe(
      toHex(TWO_SACK_BLOCKS),
    );
  });
});

/** A header with these bytes of options, and a right checksum for an empty pseudo-header. */
function withOptions(hex: string): Uint8Array {
  const options = fromHex(hex);
  const bytes = new Uint8Array(20 + options.length);
  bytes[12] = (bytes.length / 4) << 4;
  bytes.set(options, 20);
  setTcpChecksum(bytes, 0, checksumOf(bytes));
  return bytes;
}

function checksumOf(bytes: Uint8Array): number {
  let sum = addToSum(0, bytes, 0, bytes.length);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function optionsOf(hex: string): TcpSegment['options'] {
  const segment = decodeTcp(withOptions(hex), 0);
  if (segment instanceof Malformed) throw new Error(segment.reason);
  return segment.options;
}

describe('options', () => {
  test('TCP-5: unknown options are skipped', () => {
    expect(optionsOf('fe06 01020304 020405b4 0000')).toEqual({ mss: 1460 });
  });

  test.each([
    ['length 0', '0204 05b4 fe00 0303'],
    ['length 1', '0204 05b4 fe01 0303'],
    ['a length past the header', '0204 05b4 fe09 0303'],
    ['a kind without length', '0204 05b4 0101 01fe'],
    ['the end of the list', '0204 05b4 0003 0307'],
  ])('TCP-5: %s ends the reading and does no harm', (_name, hex) => {
    expect(optionsOf(hex)).toEqual({ mss: 1460 });
  });

  test('TCP-5: an option of a wrong length counts as unknown', () => {
    expect(optionsOf('0203 05 0503 01 0402 0303 07 0101 01')).toEqual({
      sackPermitted: true,
      windowScale: 7,
    });
  });

  test('a SYN without timestamps has NOPs where Linux has them', () => {
    const segment = decode(SYN);
    const { mss, sackPermitted, windowScale } = segment.options;
    const bytes = encodeTcp({ ...segment, options: { mss, sackPermitted, windowScale } }, 0);
    expect(toHex(bytes.subarray(20))).toBe('020405b4010104020103'.concat('0309'));
  });
});

describe('malformed segments', () => {
  test.each([
    ['short', new Uint8Array(19)],
    ['bad-offset', Object.assign(new Uint8Array(20), { 12: 4 << 4 })],
    ['bad-offset', Object.assign(new Uint8Array(20), { 12: 6 << 4 })],
    ['bad-checksum', Object.assign(SYN.slice(), { 4: 0 })],
  ])('%s', (reason, bytes) => {
    const decoded = decodeTcp(bytes, pseudoSum(LAPTOP_TO_WEB, bytes.length));
    expect(decoded).toEqual(new Malformed(reason));
  });
});

describe('fields in place', () => {
  test('are read and written at an offset', () => {
    const bytes = new Uint8Array(10 + SYN.length);
    bytes.set(SYN, 10);
    expect(tcpSourcePort(bytes, 10)).toBe(40528);
    expect(tcpDestinationPort(bytes, 10)).toBe(80);
    expect(tcpSequence(bytes, 10)).toBe(3772309166 | 0);
    expect(tcpFlags(bytes, 10)).toBe(TCP_SYN);
    expect(tcpChecksum(bytes, 10)).toBe(0x20f5);
    setTcpSourcePort(bytes, 10, 1);
    setTcpDestinationPort(bytes, 10, 65535);
    setTcpChecksum(bytes, 10, 0xabcd);
    expect(toHex(bytes.subarray(10, 14))).toBe('0001ffff');
    expect(tcpChecksum(bytes, 10)).toBe(0xabcd);
  });
});

const port = fc.integer({ min: 0, max: 0xffff });
const word = fc.integer({ min: -0x80000000, max: 0x7fffffff });
const block = fc.record({ start: word, end: word });
const options = fc.record(
  {
    mss: port,
    windowScale: fc.integer({ min: 0, max: 255 }),
    sackPermitted: fc.constant(true),
    timestamps: fc.record({ value: word, echo: word }),
    sack: fc.array(block, { minLength: 1, maxLength: 2 }),
  },
  { requiredKeys: [] },
);

describe('properties', () => {
  test('what is encoded is decoded again, and encoded to the same bytes', () => {
    fc.assert(
      fc.property(
        fc.record({
          sourcePort: port,
          destinationPort: port,
          sequence: word,
          acknowledgment: word,
          flags: fc.integer({ min: 0, max: 255 }),
          window: port,
          urgentPointer: port,
          options: options.filter((candidate) => tcpHeaderLength(candidate) <= 60),
          payload: fc.uint8Array({ maxLength: 64 }),
        }),
        fc.integer({ min: 0, max: 0xffffffff }),
        (segment, sum) => {
          const bytes = encodeTcp(segment, sum);
          const decoded = decodeTcp(bytes, sum);
          expect(decoded).toEqual(segment);
          if (!(decoded instanceof Malformed)) expect(encodeTcp(decoded, sum)).toEqual(bytes);
        },
      ),
    );
  });

  test('random bytes never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        decodeTcp(bytes, 0);
        if (bytes.length < 20) return;
        setTcpChecksum(bytes, 0, 0);
        setTcpChecksum(bytes, 0, checksumOf(bytes));
        decodeTcp(bytes, 0);
      }),
      { numRuns: 2000 },
    );
  });

  test('a changed bit never passes the checksum', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: SYN.length * 8 - 1 }), (bit) => {
        const bytes = SYN.slice();
        bytes[bit >>> 3]! ^= 1 << (bit & 7);
        expect(decodeTcp(bytes, pseudoSum(LAPTOP_TO_WEB, bytes.length))).toBeInstanceOf(Malformed);
      }),
    );
  });
});

test('the data begins behind the options', () => {
  const segment: TcpSegment = {
    ...decode(SYN_ACK),
    flags: TCP_ACK | TCP_PSH,
    options: { timestamps: { value: 1, echo: 2 } },
    payload: fromHex('0102030405'),
  };
  const bytes = encodeTcp(segment, 0);
  expect(bytes.length).toBe(20 + 12 + 5);
  expect(toHex(bytes.subarray(20))).toBe('0101080a00000001000000020102030405');
});
