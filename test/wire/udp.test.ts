import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ipv4 } from '../../shared/core/address.ts';
import { fromHex, readU16, toHex } from '../../shared/core/bytes.ts';
import { addToSum, foldSum } from '../../shared/core/checksum.ts';
import { Malformed } from '../../shared/core/errors.ts';
import { ipv4PseudoHeaderSum, PROTOCOL_UDP } from '../../shared/wire/ipv4.ts';
import {
  decodeUdp,
  encodeUdp,
  isUdpChecksumRight,
  updateUdpChecksum,
  writeUdpHeader,
} from '../../shared/wire/udp.ts';
import { DNS_QUERY } from '../golden/linux-frames.ts';

const query = () => fromHex(DNS_QUERY).slice(34);
const pseudo = ipv4PseudoHeaderSum(ipv4('192.168.0.24'), ipv4('8.8.8.8'), PROTOCOL_UDP, 41);

describe('UDP datagrams', () => {
  test('a datagram of Linux is read and written', () => {
    const datagram = decodeUdp(query());
    expect(datagram).toMatchObject({ sourcePort: 52828, destinationPort: 53, checksum: 0xf044 });
    if (!(datagram instanceof Malformed)) expect(toHex(encodeUdp(datagram))).toBe(toHex(query()));
  });

  test('the checksum is the one that Linux computed', () => {
    const bytes = query();
    expect(isUdpChecksumRight(bytes, pseudo)).toBe(true);
    writeUdpHeader(bytes, 52828, 53);
    updateUdpChecksum(bytes, pseudo);
    expect(toHex(bytes)).toBe(toHex(query()));
    bytes[20] = 0;
    expect(isUdpChecksumRight(bytes, pseudo)).toBe(false);
  });

  test('UDP-1: checksum 0 is accepted, and a computed 0 is written as ffff', () => {
    const none = query();
    none.fill(0, 6, 8);
    expect(isUdpChecksumRight(none, pseudo)).toBe(true);
    const bytes = new Uint8Array(10);
    writeUdpHeader(bytes, 1, 2);
    const rest = 0xffff - foldSum(addToSum(0, bytes, 0, 8));
    bytes[8] = rest >>> 8;
    bytes[9] = rest;
    updateUdpChecksum(bytes, 0);
    expect(readU16(bytes, 6)).toBe(0xffff);
    expect(isUdpChecksumRight(bytes, 0)).toBe(true);
  });

  test('UDP-2: a length under 8 or beyond the payload is malformed, one shorter trims', () => {
    expect(decodeUdp(query().subarray(0, 7))).toEqual(new Malformed('too-short'));
    expect(decodeUdp(query().fill(7, 5, 6))).toEqual(new Malformed('bad-length'));
    expect(decodeUdp(query().fill(42, 5, 6))).toEqual(new Malformed('bad-length'));
    expect(decodeUdp(query().fill(12, 5, 6))).toMatchObject({ data: query().subarray(8, 12) });
  });

  test('what is written is read again, random bytes never throw', () => {
    const port = fc.integer({ min: 0, max: 0xffff });
    const datagrams = fc.record({
      sourcePort: port,
      destinationPort: port,
      checksum: port,
      data: fc.uint8Array(),
    });
    fc.assert(
      fc.property(datagrams, (sent) => {
        expect(decodeUdp(encodeUdp(sent))).toEqual(sent);
      }),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => void decodeUdp(bytes)));
  });
});
