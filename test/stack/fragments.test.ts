import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { equalBytes } from '../../shared/core/bytes.ts';
import { Counters } from '../../shared/core/counters.ts';
import { fragmentIpv4 } from '../../shared/stack/fragmentation.ts';
import { Fragments } from '../../shared/stack/fragments.ts';
import { checkIpv4, decodeIpv4, encodeIpv4, type Ipv4Packet } from '../../shared/wire/ipv4.ts';
import { echoPacket, fragmentsOf, ipPacket, udpPacket } from '../support/packets.ts';
import { stackBench } from '../support/stack-bench.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

function reassembly() {
  const clock = new VirtualClock();
  const counters = new Counters();
  const expired: Uint8Array[] = [];
  const fragments = new Fragments(clock, counters, (first) => expired.push(first));
  return { clock, counters, expired, fragments };
}

const pattern = Uint8Array.from({ length: 70_000 }, (_, index) => index % 251);
const data = (length: number) => pattern.subarray(0, length);
const datagram = (length: number, header: Partial<Ipv4Packet> = {}) =>
  ipPacket(17, 0x0a000002, 0x0a000001, data(length), header);
/** A part of a datagram, with bytes [start, start + length). */
const part = (start: number, length: number, moreFragments: boolean, header: Partial<Ipv4Packet> = {}) =>
  ipPacket(17, 0x0a000002, 0x0a000001, data(start + length).subarray(start), {
    fragmentOffset: start,
    moreFragments,
    ...header,
  });

describe('reassembly', () => {
  test('IP-5: fragments in any order, with duplicates, make the datagram', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 3000 }),
        fc.integer({ min: 1, max: 40 }),
        fc.infiniteStream(fc.nat()),
        (length, units, order) => {
          const whole = datagram(length);
          const parts = fragmentsOf(whole, units * 8);
          fc.pre(parts.length > 1);
          const shuffled = [...parts, ...parts.slice(0, 3)]
            .map((fragment) => ({ fragment, at: order.next().value }))
            .sort((a, b) => a.at - b.at);
          const { fragments } = reassembly();
          const results = shuffled.flatMap(({ fragment }) => fragments.add(fragment) ?? []);
          expect(equalBytes(results[0]!, whole)).toBe(true);
        },
      ),
    );
  });

  test('IP-5: overlaps are harmless', () => {
    const { fragments } = reassembly();
    expect(fragments.add(part(8, 32, true))).toBeUndefined();
    expect(fragments.add(part(24, 40, true))).toBeUndefined();
    expect(fragments.add(part(56, 9, false))).toBeUndefined();
    expect(fragments.add(part(0, 16, true))).toEqual(datagram(65));
  });

  test.each([
    ['source', { source: 1 }],
    ['destination', { destination: 1 }],
    ['protocol', { protocol: 18 }],
    ['identification', { identification: 2 }],
  ])('IP-5: a fragment with another %s belongs to another datagram', (_, header) => {
    const { fragments } = reassembly();
    const decoded = decodeIpv4(part(8, 8, false));
    fragments.add(part(0, 8, true));
    if ('payload' in decoded) expect(fragments.add(encodeIpv4({ ...decoded, ...header }))).toBeUndefined();
    expect(fragments.add(part(8, 8, false))).toEqual(datagram(16));
  });

  test('the header is that of the first fragment', () => {
    const { fragments } = reassembly();
    const options = Uint8Array.of(1, 1, 1, 1);
    fragments.add(part(8, 8, false, { ttl: 5 }));
    const whole = fragments.add(part(0, 8, true, { ttl: 7, tos: 4, options }));
    expect(decodeIpv4(whole ?? new Uint8Array())).toMatchObject({
      ttl: 7,
      tos: 4,
      options,
      payload: data(16),
    });
  });

  test('IP-5: nothing past 65,535 bytes', () => {
    const { fragments, counters } = reassembly();
    expect(fragments.add(part(65_528, 8, false))).toBeUndefined();
    expect(counters.get('ipv4.bad-fragment')).toBe(1);
    // Behind a longer first header the sum is too long.
    fragments.add(part(8, 65_500, false));
    expect(fragments.add(part(0, 8, true, { options: new Uint8Array(12).fill(1) }))).toBeUndefined();
    expect(counters.get('ipv4.bad-fragment')).toBe(2);
  });

  test('a fragment that is not the last must be a multiple of 8 long', () => {
    const { fragments, counters } = reassembly();
    fragments.add(part(0, 9, true));
    fragments.add(part(0, 0, true));
    expect(counters.get('ipv4.bad-fragment')).toBe(2);
  });

  test('IP-5: after 60 s it is given up; told only if the first fragment came', () => {
    const { fragments, clock, expired, counters } = reassembly();
    fragments.add(part(8, 8, true, { identification: 5 }));
    clock.advance(1000);
    const first = part(0, 8, true, { identification: 6 });
    fragments.add(first);
    clock.advance(59_000);
    expect(counters.get('ipv4.reassembly-timeout')).toBe(1);
    expect(expired).toEqual([]);
    clock.advance(1000);
    expect(expired).toEqual([first]);
    expect(fragments.add(part(8, 8, false, { identification: 6 }))).toBeUndefined();
    fragments.close();
    expect(clock.nextDue).toBeUndefined();
  });

  test('IP-5: a flood of first fragments stays in bounds and pushes out the oldest', () => {
    const { fragments, counters } = reassembly();
    for (let identification = 0; identification < 4000; identification++)
      fragments.add(part(0, 1480, true, { identification }));
    expect(counters.get('ipv4.reassembly-full')).toBeGreaterThan(1000);
    expect(fragments.add(part(1480, 8, false, { identification: 3999 }))).toEqual(
      datagram(1488, { identification: 3999 }),
    );
    expect(fragments.add(part(1480, 8, false, { identification: 0 }))).toBeUndefined();
  });

  test('IP-5: thousands of tiny fragments, every other one first, are a datagram like any other', () => {
    const { fragments } = reassembly();
    const units = 8180;
    const whole = datagram(units * 8);
    for (let unit = 0; unit < units; unit += 2) fragments.add(part(unit * 8, 8, true));
    // Whoever goes through all holes for each fragment is busy for minutes with these.
    const known = part(32_000, 8, true);
    for (let count = 0; count < 150_000; count++) fragments.add(known);
    for (let unit = 1; unit < units - 1; unit += 2) fragments.add(part(unit * 8, 8, true));
    expect(equalBytes(fragments.add(part((units - 1) * 8, 8, false))!, whole)).toBe(true);
  });

  test('random fragments never throw', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(20), fc.nat(64), fc.boolean()), { maxLength: 30 }), (parts) => {
        const { fragments } = reassembly();
        for (const [unit, length, more] of parts) {
          const whole = fragments.add(part(unit * 8, length, more));
          if (whole) expect(checkIpv4(whole)).toBeUndefined();
        }
      }),
    );
  });
});

describe('fragmentation', () => {
  test('what is cut is put together again', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 68, max: 1500 }), (length, mtu) => {
        const whole = datagram(length);
        fc.pre(whole.length > mtu);
        const { fragments } = reassembly();
        const parts = fragmentIpv4(whole, mtu);
        for (const fragment of parts) {
          expect(fragment.length).toBeLessThanOrEqual(mtu);
          expect(checkIpv4(fragment)).toBeUndefined();
        }
        const results = parts.reverse().flatMap((fragment) => fragments.add(fragment) ?? []);
        expect(results).toHaveLength(1);
        expect(equalBytes(results[0]!, whole)).toBe(true);
      }),
    );
  });
});

describe('a stack', () => {
  const ME = '10.0.0.1';
  const PEER = '10.0.0.2';

  test('IP-5: sends time exceeded (11/1) about what it gave up', () => {
    const bench = stackBench({ interfaces: { eth0: { address: `${ME}/24`, station: PEER } } });
    const [first] = fragmentsOf(udpPacket(`${PEER}:1`, `${ME}:2`, { data: new Uint8Array(100) }), 64);
    bench.station('eth0').send(first!, bench.mac('eth0'));
    bench.clock.advance(60_000);
    expect(bench.station('eth0').packets()).toMatchObject([{ icmp: { type: 11, code: 1, data: first } }]);
  });

  test('a datagram of 65,507 bytes is pinged and answered', () => {
    const bench = stackBench({ interfaces: { eth0: { address: `${ME}/24`, station: PEER } } });
    const request = echoPacket('request', `${PEER}:1`, `${ME}:0`, 1, data(65_507));
    for (const fragment of fragmentsOf(request, 1480))
      bench.station('eth0').send(fragment, bench.mac('eth0'));
    const answer = bench
      .station('eth0')
      .frames()
      .filter((frame) => frame[12] === 8 && frame[13] === 0);
    expect(answer).toHaveLength(45);
  });
});
