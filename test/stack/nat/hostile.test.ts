import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ipv4, isPrivateIpv4 } from '../../../shared/core/address.ts';
import { checkIpv4, encodeIpv4, ipv4Source } from '../../../shared/wire/ipv4.ts';
import { NatRouter, OUTSIDE } from '../../support/nat-router.ts';

const ADDRESSES = ['192.168.0.10', '192.168.0.1', OUTSIDE, '8.8.8.8', '255.255.255.255', '0.0.0.0'].map(ipv4);

/** Well-formed IPv4 headers with anything behind them; ports from a few, so that sessions are met. */
const hostilePacket = fc
  .record({
    tos: fc.constant(0),
    identification: fc.integer({ min: 0, max: 3 }),
    dontFragment: fc.boolean(),
    moreFragments: fc.boolean(),
    fragmentOffset: fc.constantFrom(0, 0, 0, 8, 1480),
    ttl: fc.constant(64),
    protocol: fc.constantFrom(1, 6, 17, 47),
    source: fc.constantFrom(...ADDRESSES),
    destination: fc.constantFrom(...ADDRESSES),
    options: fc.constantFrom(new Uint8Array(), new Uint8Array(40)),
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc
        .tuple(fc.constantFrom(0, 3, 8, 11), fc.uint8Array({ minLength: 40, maxLength: 60 }))
        .map(([first, rest]) => Uint8Array.of(first, 0, ...rest)),
    ),
  })
  .map(encodeIpv4);

describe('hostile packets', () => {
  it('NAT-8: nothing throws, headers stay right, and no private source leaves', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(hostilePacket, fc.constantFrom('lan', 'wan', undefined)), { maxLength: 40 }),
        (packets) => {
          const router = new NatRouter();
          for (const [packet, from] of packets) {
            const sent = from ? router.receive(packet, from) : router.originate(packet);
            router.clock.advance(10);
            for (const { to, packet: out } of [...(sent ? [sent] : []), ...router.released.splice(0)]) {
              expect(checkIpv4(out)).toBeUndefined();
              if (to === 'wan') expect(isPrivateIpv4(ipv4Source(out))).toBe(false);
            }
          }
          router.nat.table();
          router.clock.advance(10_000_000);
          expect(router.clock.nextDue).toBeUndefined();
        },
      ),
      { numRuns: 300, seed: 1 },
    );
  });
});
