import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ipv4 } from '../../../shared/core/address.ts';
import { equalBytes } from '../../../shared/core/bytes.ts';
import { seededRandom } from '../../../shared/core/random.ts';
import { ipv4Identification } from '../../../shared/wire/ipv4.ts';
import { NatRouter, OUTSIDE, type Sent } from '../../support/nat-router.ts';
import { echoPacket, fragmentsOf, readPacket, reassemble, udpPacket } from '../../support/packets.ts';

const A = '192.168.0.10:50000';
const B = '192.168.0.11:50000';
const DNS = '8.8.8.8:53';
const data = seededRandom('fragments').bytes(3000);
const FORWARD = { protocol: 'udp', port: 8080, to: { address: ipv4('192.168.0.50'), port: 53 } } as const;

/** Sends fragments in by an interface; what went on at once, and what went on after the turn. */
function pass(router: NatRouter, fragments: readonly Uint8Array[], from: string): Sent[] {
  const sent = fragments.flatMap((fragment) => router.receive(fragment.slice(), from) ?? []);
  router.clock.settle();
  return [...sent, ...router.released.splice(0)];
}

const shuffled = fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 });

describe('fragments', () => {
  it('NAT-7: outbound ones are translated in any order', () => {
    fc.assert(
      fc.property(shuffled, (order) => {
        const router = new NatRouter();
        const fragments = fragmentsOf(udpPacket(A, DNS, { data }), 800);
        const sent = pass(
          router,
          order.map((index) => fragments[index]!),
          'lan',
        );
        expect(sent.map(({ to }) => to)).toEqual(['wan', 'wan', 'wan', 'wan']);
        const whole = readPacket(reassemble(sent.map(({ packet }) => packet)));
        expect(whole.from).toMatch(/^51\.0\.0\.20:/);
        expect(equalBytes(whole.udp!.data, data)).toBe(true);
      }),
      { seed: 1, numRuns: 24 },
    );
  });

  it('NAT-7: inbound ones are translated in any order, duplicates too', () => {
    fc.assert(
      fc.property(shuffled, (order) => {
        const router = new NatRouter();
        const { from: outer } = router.out(udpPacket(A, DNS));
        const fragments = fragmentsOf(udpPacket(DNS, outer, { data }), 800);
        const sent = pass(
          router,
          [...order, ...order].map((index) => fragments[index]!),
          'wan',
        );
        expect(sent).toHaveLength(8);
        expect(sent.every(({ to }) => to === 'lan')).toBe(true);
        const distinct = [...new Map(sent.map(({ packet }) => [packet.join(), packet])).values()];
        expect(distinct).toHaveLength(4);
        const whole = readPacket(reassemble(distinct));
        expect(whole.to).toBe(A);
        expect(equalBytes(whole.udp!.data, data)).toBe(true);
      }),
      { seed: 1, numRuns: 24 },
    );
  });

  it('NAT-7: hairpinned ones are translated in any order', () => {
    fc.assert(
      fc.property(shuffled, (order) => {
        const router = new NatRouter({ forwards: [FORWARD] });
        const fragments = fragmentsOf(udpPacket(A, `${OUTSIDE}:8080`, { data }), 800);
        const sent = pass(
          router,
          order.map((index) => fragments[index]!),
          'lan',
        );
        const whole = readPacket(reassemble(sent.map(({ packet }) => packet)));
        expect(whole.to).toBe('192.168.0.50:53');
        expect(whole.from).toMatch(/^51\.0\.0\.20:/);
        expect(equalBytes(whole.udp!.data, data)).toBe(true);
      }),
      { seed: 1, numRuns: 24 },
    );
  });

  it('NAT-7: two hosts that use the same id at a time do not mix', () => {
    const router = new NatRouter();
    const a = fragmentsOf(udpPacket(A, DNS, { data }), 1600);
    const b = fragmentsOf(udpPacket(B, DNS, { data: data.slice().reverse() }), 1600);
    const sent = pass(router, [a[1]!, b[1]!, a[0]!, b[0]!], 'lan');
    const ids = new Set(sent.map(({ packet }) => ipv4Identification(packet)));
    expect(ids.size).toBe(2);
    for (const id of ids) {
      const parts = sent.map(({ packet }) => packet).filter((packet) => ipv4Identification(packet) === id);
      expect(readPacket(reassemble(parts)).udp?.data).toHaveLength(3000);
    }
  });

  it('a large ping to the router itself, from outside or inside, arrives whole', () => {
    const router = new NatRouter();
    for (const [from, side] of [
      ['8.8.8.8:9', 'wan'],
      ['192.168.0.10:9', 'lan'],
    ] as const) {
      const [first, second] = fragmentsOf(echoPacket('request', from, OUTSIDE, 1, data), 1600);
      const sent = pass(router, [second!, first!], side);
      expect(sent.map(({ to }) => to)).toEqual(['self', 'self']);
      expect(readPacket(reassemble(sent.map(({ packet }) => packet))).icmp?.data).toEqual(data);
    }
  });

  it('NAT-8: a later fragment whose first one was not translated does not leave', () => {
    const router = new NatRouter({ maxSessions: 0 });
    const [first, second] = fragmentsOf(udpPacket(A, DNS, { data }), 1600);
    expect(pass(router, [first!, second!], 'lan')).toEqual([]);
    expect(router.counters.get('nat.orphan-fragment')).toBe(1);
  });

  it('fragments whose first never comes are let go after thirty seconds', () => {
    const router = new NatRouter();
    const [, second] = fragmentsOf(udpPacket(DNS, `${OUTSIDE}:4000`, { data }), 1600);
    expect(pass(router, [second!], 'wan')).toEqual([]);
    router.clock.advance(30_000);
    expect(router.counters.get('nat.fragment-timeout')).toBe(1);
    expect(router.clock.nextDue).toBeUndefined();
  });

  it('a flood of later fragments pushes out the oldest and grows no further', () => {
    const router = new NatRouter();
    const [, second] = fragmentsOf(udpPacket(DNS, `${OUTSIDE}:4000`, { data }), 1600);
    for (let id = 0; id < 5000; id++) {
      const fragment = second!.slice();
      fragment[4] = id >>> 8;
      fragment[5] = id;
      router.receive(fragment, 'wan');
    }
    expect(router.counters.get('nat.fragment-overflow')).toBeGreaterThan(3900);
    expect(router.nat.table()).toEqual([]);
  });
});
