import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ipv4, mac } from '../../shared/core/address.ts';
import { fromHex } from '../../shared/core/bytes.ts';
import { Malformed } from '../../shared/core/errors.ts';
import { ARP_LENGTH, type ArpPacket, decodeArp, encodeArp } from '../../shared/wire/arp.ts';
import { ARP_REPLY, ARP_REQUEST } from '../golden/linux-frames.ts';

const request: ArpPacket = {
  operation: 'request',
  senderMac: mac('aa:aa:aa:aa:aa:aa'),
  senderAddress: ipv4('192.168.0.24'),
  targetMac: 0,
  targetAddress: ipv4('192.168.0.1'),
};
const reply: ArpPacket = {
  operation: 'reply',
  senderMac: mac('02:00:00:00:00:bb'),
  senderAddress: ipv4('192.168.0.1'),
  targetMac: mac('aa:aa:aa:aa:aa:aa'),
  targetAddress: ipv4('192.168.0.24'),
};

describe('ARP packets', () => {
  test.each([
    ['request', ARP_REQUEST, request],
    ['reply', ARP_REPLY, reply],
  ])('a %s of Linux is read and written', (_, frame, packet) => {
    const bytes = fromHex(frame).subarray(14);
    expect(decodeArp(bytes)).toEqual(packet);
    expect(encodeArp(packet)).toEqual(bytes);
  });

  test('padding behind the packet is ignored', () => {
    expect(decodeArp(Uint8Array.of(...encodeArp(request), ...new Uint8Array(18)))).toEqual(request);
  });

  test.each([
    ['too-short', (bytes: Uint8Array) => bytes.subarray(0, ARP_LENGTH - 1)],
    ['bad-type', (bytes: Uint8Array) => bytes.fill(6, 1, 2)],
    ['bad-type', (bytes: Uint8Array) => bytes.fill(0x86, 2, 3)],
    ['bad-length', (bytes: Uint8Array) => bytes.fill(8, 4, 5)],
    ['bad-length', (bytes: Uint8Array) => bytes.fill(16, 5, 6)],
    ['bad-operation', (bytes: Uint8Array) => bytes.fill(3, 7, 8)],
  ])('%s', (reason, spoil) => {
    expect(decodeArp(spoil(encodeArp(request)))).toEqual(new Malformed(reason));
  });

  test('what is written is read again, and random bytes never throw', () => {
    const macAddress = fc.integer({ min: 0, max: 0xffffffffffff });
    const address = fc.integer({ min: 0, max: 0xffffffff });
    const packet = fc.record({
      operation: fc.constantFrom('request' as const, 'reply' as const),
      senderMac: macAddress,
      senderAddress: address,
      targetMac: macAddress,
      targetAddress: address,
    });
    fc.assert(
      fc.property(packet, (sent) => {
        expect(decodeArp(encodeArp(sent))).toEqual(sent);
      }),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void decodeArp(bytes)));
  });
});
