import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '../../shared/core/bytes.ts';
import { Malformed } from '../../shared/core/errors.ts';
import {
  decodeIcmp,
  encodeIcmp,
  ICMP_ECHO_REQUEST,
  ICMP_TIME_EXCEEDED,
  icmpIdentifier,
  icmpSequence,
} from '../../shared/wire/icmp.ts';
import { checkIpv4, ipv4Destination } from '../../shared/wire/ipv4.ts';
import { ECHO_REQUEST, TIME_EXCEEDED } from '../golden/linux-frames.ts';

const echo = () => fromHex(ECHO_REQUEST).slice(34);

describe('ICMP messages', () => {
  test('an echo request of Linux is read and written', () => {
    const message = decodeIcmp(echo());
    expect(message).toMatchObject({ type: ICMP_ECHO_REQUEST, code: 0, rest: 0x17370001 });
    expect(icmpIdentifier(echo())).toBe(0x1737);
    expect(icmpSequence(echo())).toBe(1);
    if (!(message instanceof Malformed)) expect(toHex(encodeIcmp(message))).toBe(toHex(echo()));
  });

  test("ICMP-3: Linux's time exceeded quotes header and data", () => {
    const message = decodeIcmp(fromHex(TIME_EXCEEDED).slice(34));
    expect(message).toMatchObject({ type: ICMP_TIME_EXCEEDED, code: 0, rest: 0 });
    if (message instanceof Malformed) return;
    expect(checkIpv4(message.data)).toBeUndefined();
    expect(ipv4Destination(message.data)).toBe(0x5db8d822);
  });

  test('ICMP-1: a wrong checksum and a short message are malformed', () => {
    expect(decodeIcmp(echo().fill(1, 20, 21))).toEqual(new Malformed('bad-checksum'));
    expect(decodeIcmp(echo().subarray(0, 7))).toEqual(new Malformed('too-short'));
  });

  test('what is written is read again, random bytes never throw', () => {
    const messages = fc.record({
      type: fc.integer({ min: 0, max: 255 }),
      code: fc.integer({ min: 0, max: 255 }),
      rest: fc.integer({ min: 0, max: 0xffffffff }),
      data: fc.uint8Array(),
    });
    fc.assert(
      fc.property(messages, (message) => {
        expect(decodeIcmp(encodeIcmp(message))).toEqual(message);
      }),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => void decodeIcmp(bytes)));
  });
});
