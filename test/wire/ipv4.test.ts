import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ipv4 } from '../../shared/core/address.ts';
import { fromHex, toHex } from '../../shared/core/bytes.ts';
import { Malformed } from '../../shared/core/errors.ts';
import {
  checkIpv4,
  decodeIpv4,
  decrementIpv4Ttl,
  encodeIpv4,
  ipv4TransportChecksum,
  ipv4Ttl,
  PROTOCOL_UDP,
  setIpv4Destination,
  setIpv4Source,
} from '../../shared/wire/ipv4.ts';
import { DNS_QUERY } from '../golden/linux-frames.ts';

const query = () => fromHex(DNS_QUERY).slice(14);

const address = fc.integer({ min: 0, max: 0xffffffff });
const packets = fc.record({
  tos: fc.integer({ min: 0, max: 255 }),
  identification: fc.integer({ min: 0, max: 0xffff }),
  dontFragment: fc.boolean(),
  moreFragments: fc.boolean(),
  fragmentOffset: fc.integer({ min: 0, max: 0x1fff }).map((units) => units * 8),
  ttl: fc.integer({ min: 0, max: 255 }),
  protocol: fc.integer({ min: 0, max: 255 }),
  source: address,
  destination: address,
  options: fc.integer({ min: 0, max: 10 }).map((words) => new Uint8Array(words * 4).fill(1)),
  payload: fc.uint8Array({ maxLength: 100 }),
});

describe('IPv4 packets', () => {
  test('a packet of Linux is read and written', () => {
    const packet = decodeIpv4(query());
    expect(packet).toMatchObject({
      tos: 0,
      identification: 0x9b1c,
      dontFragment: true,
      moreFragments: false,
      fragmentOffset: 0,
      ttl: 64,
      protocol: PROTOCOL_UDP,
      source: ipv4('192.168.0.24'),
      destination: ipv4('8.8.8.8'),
    });
    if (packet instanceof Malformed) return;
    expect(packet.payload.length).toBe(41);
    expect(toHex(encodeIpv4(packet))).toBe(toHex(query()));
    expect(ipv4TransportChecksum(packet.payload, packet.source, packet.destination, packet.protocol)).toBe(0);
  });

  test.each([
    ['too-short', (bytes: Uint8Array) => bytes.subarray(0, 19)],
    ['bad-version', (bytes: Uint8Array) => bytes.fill(0x65, 0, 1)],
    ['bad-header-length', (bytes: Uint8Array) => bytes.fill(0x44, 0, 1)],
    ['bad-header-length', (bytes: Uint8Array) => bytes.fill(0x4f, 0, 1).subarray(0, 50)],
    ['bad-total-length', (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 1)],
    ['bad-total-length', (bytes: Uint8Array) => bytes.fill(19, 3, 4)],
    ['bad-checksum', (bytes: Uint8Array) => bytes.fill(63, 8, 9)],
  ])('IP-1: %s', (reason, spoil) => {
    expect(checkIpv4(spoil(query()))).toEqual(new Malformed(reason));
  });

  test('IP-2: padding after the total length takes part in nothing', () => {
    const padded = Uint8Array.of(...query(), 1, 2, 3);
    expect(decodeIpv4(padded)).toEqual(decodeIpv4(query()));
  });

  test('a header is checked where it stands in a frame', () => {
    expect(checkIpv4(fromHex(DNS_QUERY), 14)).toBeUndefined();
  });

  test('what is written is read again, random bytes never throw', () => {
    fc.assert(
      fc.property(packets, (packet) => {
        expect(decodeIpv4(encodeIpv4(packet))).toEqual(packet);
      }),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => void decodeIpv4(bytes)));
  });

  test('fields are rewritten in place with the checksum right', () => {
    fc.assert(
      fc.property(packets, address, address, (packet, source, destination) => {
        fc.pre(packet.ttl > 0);
        const bytes = encodeIpv4(packet);
        setIpv4Source(bytes, source);
        setIpv4Destination(bytes, destination);
        decrementIpv4Ttl(bytes);
        expect(checkIpv4(bytes)).toBeUndefined();
        expect(ipv4Ttl(bytes)).toBe(packet.ttl - 1);
        expect(decodeIpv4(bytes)).toMatchObject({ source, destination });
      }),
    );
  });
});
