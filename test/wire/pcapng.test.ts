// Known bytes are put together by hand from the block layouts of draft-ietf-opsawg-pcapng §4.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, fromHex, toHex } from '../../shared/core/bytes.ts';
import { Malformed } from '../../shared/core/errors.ts';
import { type CaptureFile, decodeCaptureFile } from '../../shared/wire/capture-file.ts';
import {
  encodeInterfaceDescription,
  encodeSectionHeader,
  encodeStatistics,
  LINKTYPE_ETHERNET,
} from '../../shared/wire/pcapng.ts';
import { packetBlock } from '../support/packet-block.ts';

const hex = (text: string) => toHex(fromHex(text));

const SECTION = hex(`
  0a0d0d0a 2c000000 4d3c2b1a 0100 0000 ffffffffffffffff
  0400 0600 74696e63616e 0000  0000 0000
  2c000000`);
const INTERFACE = hex(`
  01000000 30000000 0100 0000 00000000
  0200 0b00 6c6170746f703a65746830 00
  0900 0100 09 000000
  0000 0000
  30000000`);
// 1,700,000,000.123456789 s: 0x17979cfe 3d85cd15 ns
const PACKET = hex(`
  06000000 30000000 00000000 fe9c9717 15cd853d 03000000 03000000
  aabbcc 00
  0200 0400 01000000  0000 0000
  30000000`);

describe('a pcapng writer', () => {
  it('writes a section header', () => {
    expect(toHex(encodeSectionHeader('tincan'))).toBe(SECTION);
  });

  it('writes an interface with its name and nanoseconds', () => {
    const about = { name: 'laptop:eth0', linkType: LINKTYPE_ETHERNET, snapshotLength: 0 };
    expect(toHex(encodeInterfaceDescription(about))).toBe(INTERFACE);
    expect(toHex(encodeInterfaceDescription({ ...about, snapshotLength: 96 }))).toBe(
      INTERFACE.replace('010000000000', '010000006000'),
    );
  });

  it('writes a packet with its time and direction', () => {
    const time = 1_700_000_000_123_456_789n;
    expect(toHex(packetBlock({ interface: 0, time, frame: fromHex('aabbcc'), direction: 'in' }))).toBe(
      PACKET,
    );
  });

  it('writes a packet that was cut with the length that it had', () => {
    const packet = {
      interface: 0,
      time: 0n,
      frame: fromHex('aabb'),
      length: 1514,
      direction: 'out',
    } as const;
    expect(toHex(packetBlock(packet))).toBe(
      hex(`
        06000000 30000000 00000000 00000000 00000000 02000000 ea050000
        aabb 0000
        0200 0400 02000000  0000 0000
        30000000`),
    );
  });

  it('writes statistics', () => {
    const time = 0x17979cfe_3d85cd15n;
    expect(toHex(encodeStatistics({ interface: 1, time, received: 7n, dropped: 0n }))).toBe(
      hex(`
        05000000 34000000 01000000 fe9c9717 15cd853d
        0400 0800 0700000000000000
        0500 0800 0000000000000000
        0000 0000
        34000000`),
    );
  });
});

const packets = fc.array(
  fc.record({
    interface: fc.integer({ min: 0, max: 1 }),
    time: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    frame: fc.uint8Array({ maxLength: 70 }),
    direction: fc.constantFrom('in' as const, 'out' as const),
    length: fc.nat(70_000),
  }),
);

const interfaces = [
  { name: 'laptop:eth0', description: 'laptop-router', linkType: LINKTYPE_ETHERNET, snapshotLength: 0 },
  { name: 'router:lan1', description: undefined, linkType: LINKTYPE_ETHERNET, snapshotLength: 96 },
];
const head = concatBytes([encodeSectionHeader('tincan'), ...interfaces.map(encodeInterfaceDescription)]);

describe('a capture file reader', () => {
  it('reads what the writer wrote', () => {
    const end = { interface: 1, time: 9n, start: 1n, end: 8n, received: 5n, dropped: 2n };
    fc.assert(
      fc.property(packets, (written) => {
        const file = concatBytes([head, ...written.map(packetBlock), encodeStatistics(end)]);
        const read = decodeCaptureFile(file);
        expect(read).toEqual({ interfaces, packets: written, statistics: [end], truncated: false });
      }),
    );
  });

  it('reads big-endian files, µs by default, and skips blocks that it does not know', () => {
    const file = fromHex(`
      0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c
      00000001 00000014 0001 0000 00000000 00000014
      00000bad 00000010 00000000 00000010
      00000006 00000024 00000000 00000000 000f4241 00000002 00000003 aabb0000 00000024`);
    const packet = {
      interface: 0,
      time: 1_000_001_000n,
      frame: fromHex('aabb'),
      length: 3,
      direction: undefined,
    };
    expect(decodeCaptureFile(file)).toMatchObject({ packets: [packet], truncated: false });
  });

  it('counts interfaces through all sections', () => {
    const frame = new Uint8Array(14);
    const file = concatBytes([head, head, packetBlock({ interface: 1, time: 0n, frame, direction: 'in' })]);
    expect((decodeCaptureFile(file) as CaptureFile).packets[0]?.interface).toBe(3);
  });

  it.each([
    ['µs', 'd4c3b2a1 0200 0400 00000000 00000000 ffff0000 01000000', 5_000_007_000n],
    ['ns', '4d3cb2a1 0200 0400 00000000 00000000 ffff0000 01000000', 5_000_000_007n],
  ])('reads classic pcap in %s, up to where it is cut', (_name, header, time) => {
    const record = '05000000 07000000 02000000 02000000 aabb';
    expect(decodeCaptureFile(fromHex(`${header} ${record} ${record.slice(0, -1)}`.slice(0, -1)))).toEqual({
      interfaces: [{ linkType: LINKTYPE_ETHERNET, snapshotLength: 0xffff }],
      packets: [{ interface: 0, time, frame: fromHex('aabb'), length: 2 }],
      statistics: [],
      truncated: true,
    });
  });

  it('reads as much of a cut file as there is', () => {
    const file = fromHex(SECTION + INTERFACE + PACKET + PACKET);
    for (let length = 12; length < file.length; length++) {
      const read = decodeCaptureFile(file.subarray(0, length)) as CaptureFile;
      expect(read.packets.length).toBe(length < (SECTION + INTERFACE + PACKET).length / 2 ? 0 : 1);
    }
    expect(decodeCaptureFile(file.subarray(0, -1))).toMatchObject({ truncated: true });
  });

  it.each([
    ['', 'too-short'],
    ['00112233', 'unknown-format'],
    ['0a0d0d0a 1c000000 00000000 0100 0000 ffffffffffffffff 1c000000', 'bad-byte-order-magic'],
    [`${SECTION} 01000000 0a000000 00000000`, 'bad-block-length'],
    [`${SECTION} ${PACKET}`, 'unknown-interface'],
    [`${SECTION} 06000000 0c000000 0c000000`, 'short-packet'],
  ])('refuses %s', (text, reason) => {
    expect(decodeCaptureFile(fromHex(text))).toEqual(new Malformed(reason));
  });

  it('never throws', () => {
    const good = fromHex(SECTION + INTERFACE + PACKET);
    fc.assert(
      fc.property(
        fc.nat(good.length - 1),
        fc.nat(255),
        fc.uint8Array({ maxLength: 60 }),
        (at, byte, noise) => {
          const bent = good.slice();
          bent[at] = byte;
          decodeCaptureFile(bent);
          decodeCaptureFile(concatBytes([good, noise]));
          decodeCaptureFile(noise);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
