import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAC_BROADCAST, mac } from '../../shared/core/address.ts';
import { fromHex } from '../../shared/core/bytes.ts';
import { Malformed } from '../../shared/core/errors.ts';
import { decodeEthernet, ETHERTYPE_ARP, encodeEthernet } from '../../shared/wire/ethernet.ts';
import { ARP_REQUEST } from '../golden/linux-frames.ts';

const macAddress = fc.integer({ min: 0, max: 0xffffffffffff });

describe('Ethernet frames', () => {
  test('a frame of Linux is read and written', () => {
    const bytes = fromHex(ARP_REQUEST);
    const frame = decodeEthernet(bytes);
    expect(frame).toEqual({
      destination: MAC_BROADCAST,
      source: mac('aa:aa:aa:aa:aa:aa'),
      type: ETHERTYPE_ARP,
      payload: bytes.subarray(14),
    });
    if (!(frame instanceof Malformed)) expect(encodeEthernet(frame)).toEqual(bytes);
  });

  test('ETH-1: under 14 bytes is malformed', () => {
    expect(decodeEthernet(new Uint8Array(13))).toEqual(new Malformed('too-short'));
  });

  test('what is written is read again', () => {
    fc.assert(
      fc.property(
        macAddress,
        macAddress,
        fc.integer({ min: 0, max: 0xffff }),
        fc.uint8Array(),
        (destination, source, type, payload) => {
          const frame = { destination, source, type, payload };
          expect(decodeEthernet(encodeEthernet(frame))).toEqual(frame);
        },
      ),
    );
  });
});
