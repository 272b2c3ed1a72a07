// The parts that TCP is made of, each by itself.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromHex, readU32 } from '../../../shared/core/bytes.ts';
import { seededRandom } from '../../../shared/core/random.ts';
import { ChallengeLimit } from '../../../shared/stack/tcp/challenge-limit.ts';
import { InitialSequence } from '../../../shared/stack/tcp/initial-sequence.ts';
import { pickEphemeralPort } from '../../../shared/stack/tcp/ports.ts';
import { RingBuffer } from '../../../shared/stack/tcp/ring-buffer.ts';
import { RoundTrip } from '../../../shared/stack/tcp/round-trip.ts';
import {
  seqAdd,
  seqAfter,
  seqAtOrAfter,
  seqAtOrBefore,
  seqBefore,
  seqDistance,
  seqMax,
  seqMin,
  seqWithin,
} from '../../../shared/stack/tcp/sequence.ts';
import { DEFAULT_TCP_SETTINGS } from '../../../shared/stack/tcp/settings.ts';
import { sipHash } from '../../../shared/stack/tcp/siphash.ts';
import { markTimestamp, readTimestamp, SynCookies } from '../../../shared/stack/tcp/syn-cookies.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

describe('sequence numbers', () => {
  const number = fc.integer({ min: -0x80000000, max: 0x7fffffff });
  const step = fc.integer({ min: 1, max: 0x7fffffff });

  test('TCP-15: order holds across 2^31 and 2^32', () => {
    fc.assert(
      fc.property(number, step, (start, count) => {
        const later = seqAdd(start, count);
        expect(seqBefore(start, later)).toBe(true);
        expect(seqAfter(later, start)).toBe(true);
        expect(seqAtOrBefore(start, start) && seqAtOrAfter(start, start)).toBe(true);
        expect(seqDistance(start, later)).toBe(count);
        expect(seqDistance(later, start)).toBe(-count);
        expect(seqMax(start, later)).toBe(later);
        expect(seqMin(start, later)).toBe(start);
        expect(seqAdd(later, -count)).toBe(start);
      }),
    );
  });

  test('a window is left-closed and right-open', () => {
    expect(seqWithin(-1, -1, 2)).toBe(true);
    expect(seqWithin(0, -1, 2)).toBe(true);
    expect(seqWithin(1, -1, 2)).toBe(false);
    expect(seqWithin(-2, -1, 2)).toBe(false);
    expect(seqWithin(5, 5, 0)).toBe(false);
  });
});

describe('SipHash-2-4', () => {
  // Appendix A of the paper and vectors.h of the reference implementation: key 00 01 … 0f, message 00 01 ….
  const key = [0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c] as const;
  const little = (hex: string) => readU32(fromHex(hex).reverse(), 0);

  test.each([
    [[], '310e0edd', '47db6f72'],
    [[0x03020100], 'b7877127', 'e09427cf'],
    [[0x03020100, 0x07060504], '6224939a', '79f5f593'],
  ])('vector of %s', (words, low, high) => {
    expect(sipHash(key, words)).toEqual([little(low), little(high)]);
  });
});

describe('initial sequence numbers', () => {
  const local = { address: 1, port: 2 };
  const remote = { address: 3, port: 4 };

  test('TCP-15: they rise by one each 4 µs, from a place of each pair of endpoints', () => {
    const clock = new VirtualClock();
    const sequences = new InitialSequence(clock, seededRandom('isn'));
    const first = sequences.sequence(local, remote);
    clock.advance(1);
    expect(seqDistance(first, sequences.sequence(local, remote))).toBe(250);
    expect(sequences.sequence(local, { ...remote, port: 5 })).not.toBe(sequences.sequence(local, remote));
    const other = new InitialSequence(clock, seededRandom('another secret'));
    expect(other.sequence(local, remote)).not.toBe(sequences.sequence(local, remote));
  });
});

describe('ephemeral ports', () => {
  test('are taken from 49152 to 65535, at random, until there are none', () => {
    const random = seededRandom('ports');
    const picked = Array.from({ length: 1000 }, () => pickEphemeralPort(random, () => true));
    expect(Math.min(...picked.map(Number))).toBeGreaterThanOrEqual(49_152);
    expect(Math.max(...picked.map(Number))).toBeLessThanOrEqual(65_535);
    expect(new Set(picked).size).toBeGreaterThan(900);
    expect(pickEphemeralPort(random, (port) => port === 50_000)).toBe(50_000);
    expect(pickEphemeralPort(random, () => false)).toBeUndefined();
  });
});

describe('the ring buffer', () => {
  test('gives back what was put in, whatever the order of calls', () => {
    const step = fc.oneof(
      fc.record({ append: fc.uint8Array({ minLength: 1, maxLength: 3000 }) }),
      fc.record({ drop: fc.integer({ min: 0, max: 5000 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const ring = new RingBuffer();
        let model: number[] = [];
        for (const each of steps) {
          if ('append' in each) {
            ring.append(each.append);
            model.push(...each.append);
          } else {
            const count = Math.min(each.drop, model.length);
            ring.drop(count);
            model = model.slice(count);
          }
          expect(ring.length).toBe(model.length);
        }
        const copy = new Uint8Array(model.length);
        ring.copy(0, copy.length, copy, 0);
        expect([...copy]).toEqual(model);
      }),
    );
  });
});

describe('round trips (RFC 6298)', () => {
  const settings = { ...DEFAULT_TCP_SETTINGS, minimumRto: 1 };

  test('TCP-8: 1 s before any measurement, then SRTT + 4 RTTVAR, RTTVAR before SRTT', () => {
    const roundTrip = new RoundTrip(settings);
    expect(roundTrip.timeout).toBe(1000);
    roundTrip.sample(100);
    expect([roundTrip.smoothed, roundTrip.variation]).toEqual([100, 50]);
    expect(roundTrip.timeout).toBe(300);
    roundTrip.sample(200);
    // RTTVAR = 3/4 × 50 + 1/4 × |100 − 200|, with the SRTT from before.
    expect(roundTrip.variation).toBe(62.5);
    expect(roundTrip.smoothed).toBe(112.5);
    expect(roundTrip.timeout).toBe(362.5);
  });

  test('TCP-8: a timeout doubles it, up to a minute; a measurement ends that', () => {
    const roundTrip = new RoundTrip(settings);
    const seen = [];
    for (let count = 0; count < 8; count++) {
      seen.push(roundTrip.timeout);
      roundTrip.backOff();
    }
    expect(seen).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    roundTrip.sample(10);
    expect(roundTrip.timeout).toBe(30);
  });

  test('TCP-8: never under 200 ms, and 3 s for data after a repeated SYN that measured nothing', () => {
    const roundTrip = new RoundTrip(DEFAULT_TCP_SETTINGS);
    roundTrip.synWasRepeated();
    expect(roundTrip.timeout).toBe(3000);
    for (let count = 0; count < 100; count++) roundTrip.sample(0.2);
    expect(roundTrip.timeout).toBeGreaterThanOrEqual(200);
    expect(roundTrip.timeout).toBeLessThan(201);
  });
});

describe('challenge ACKs', () => {
  test('TCP-4: ten in five seconds', () => {
    const clock = new VirtualClock();
    const limit = new ChallengeLimit(clock);
    const allowed = () => Array.from({ length: 20 }, () => limit.allow()).filter(Boolean).length;
    expect(allowed()).toBe(10);
    clock.advance(4999);
    expect(allowed()).toBe(0);
    clock.advance(1);
    expect(allowed()).toBe(10);
  });
});

describe('SYN cookies', () => {
  const local = { address: 1, port: 80 };
  const remote = { address: 3, port: 4000 };

  test('TCP-17: come back with the segment size, within two periods, from the same endpoints only', () => {
    const clock = new VirtualClock();
    const cookies = new SynCookies(clock, seededRandom('cookies'));
    const cookie = cookies.issue(local, remote, 77, 1460);
    expect(cookies.check(local, remote, 77, cookie)).toBe(1460);
    expect(cookies.check(local, remote, 78, cookie)).toBeUndefined();
    expect(cookies.check(local, { ...remote, port: 4001 }, 77, cookie)).toBeUndefined();
    expect(cookies.check(local, remote, 77, seqAdd(cookie, 1))).toBeUndefined();
    clock.advance(64_000);
    expect(cookies.check(local, remote, 77, cookie)).toBe(1460);
    clock.advance(64_000);
    expect(cookies.check(local, remote, 77, cookie)).toBeUndefined();
  });

  test('TCP-17: a timestamp carries scale and SACK', () => {
    for (const offered of [
      { windowScale: 7, sackPermitted: true },
      { windowScale: 0, sackPermitted: false },
      { windowScale: undefined, sackPermitted: true },
    ]) {
      const marked = markTimestamp(-9, offered);
      expect(readTimestamp(marked)).toEqual(offered);
      expect(-9 - marked).toBeLessThan(32);
    }
  });
});
