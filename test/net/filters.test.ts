// Filters in the default net: a partition between two devices leaves everybody else alone, the router that
// translates between them included.

import { describe, expect, it } from 'vitest';
import { type DropRule, FrameFilters } from '../../shared/cable/filter.ts';
import { ImpairedPort } from '../../shared/cable/impairment.ts';
import { ipv4 } from '../../shared/core/address.ts';
import type { Clock } from '../../shared/core/clock.ts';
import type { FramePort } from '../../shared/core/frame-port.ts';
import type { ReceivedEcho } from '../../shared/stack/datagram-api.ts';
import { ADDRESSES, type CableName, DefaultNet, type Node } from '../support/default-net.ts';

const WEB = ipv4(ADDRESSES.web);

type Owner = 'laptop' | 'phone' | 'router' | 'isp' | 'dns' | 'web';
const OWNERS: Readonly<Record<CableName, readonly [Owner, Owner]>> = {
  'laptop-router': ['laptop', 'router'],
  'phone-router': ['phone', 'router'],
  uplink: ['router', 'isp'],
  'isp-dns': ['isp', 'dns'],
  'isp-web': ['isp', 'web'],
};

/** The default net with filters on every device; ports are called as their cables. */
function filteredNet() {
  const filters = Object.fromEntries(
    ['laptop', 'phone', 'router', 'isp', 'dns', 'web'].map((name) => [
      name,
      new FrameFilters((frame) => name === 'router' && net.nat.isForInside(frame.subarray(14))),
    ]),
  ) as Record<Owner, FrameFilters>;
  const decorate = (cable: CableName, side: 'a' | 'b', port: FramePort, clock: Clock): FramePort => {
    const owner = OWNERS[cable][side === 'a' ? 0 : 1];
    return filters[owner].port(cable, new ImpairedPort(port, clock, [cable, side]));
  };
  const net: DefaultNet = new DefaultNet({ decorate });
  return { net, filters };
}

/** Pings ten times; which were answered. */
function pings(net: DefaultNet, from: Node, to: number, count = 10): number {
  const replies: ReceivedEcho[] = [];
  const endpoint = from.stack.echo.open({ replied: (reply) => replies.push(reply), failed: () => {} });
  for (let sequence = 1; sequence <= count; sequence++) {
    endpoint.send(to, sequence, new Uint8Array(56));
    net.clock.advance(1000);
  }
  endpoint.close();
  return replies.length;
}

const originatedTo = (address: string): DropRule => ({
  direction: 'out',
  match: { originated: true, destination: [`${address}/32`] },
});

describe('what a router that translates makes itself', () => {
  it('is told from what it passes on, though both leave with one address', () => {
    const { net, filters } = filteredNet();
    filters.router.set('p', [originatedTo(ADDRESSES.web)]);
    expect(pings(net, net.laptop, WEB)).toBe(10);
    expect(pings(net, net.router, WEB)).toBe(0);
    expect(pings(net, net.router, ipv4(ADDRESSES.dns))).toBe(10);
    expect(filters.router.counts('p')).toMatchObject({ affected: 10 });
  });

  it('is told so on the bridged side too, be the place of a station known or not, and with packets that waited for ARP', () => {
    const { net, filters } = filteredNet();
    filters.router.set('p', [originatedTo(ADDRESSES.laptop)]);
    // The first waits for an answer of ARP.
    expect(pings(net, net.router, ipv4(ADDRESSES.laptop))).toBe(0);
    expect(filters.router.counts('p')).toMatchObject({ affected: 10 });
    expect(pings(net, net.laptop, WEB)).toBe(10);
    // Frames between the bridge's ports are nobody's own.
    expect(pings(net, net.phone, ipv4(ADDRESSES.laptop))).toBe(10);
    // The answers to the laptop's own pings of the router are the router's.
    expect(pings(net, net.laptop, ipv4(ADDRESSES.lan))).toBe(0);
    filters.router.remove('p');
    expect(pings(net, net.laptop, ipv4(ADDRESSES.lan))).toBe(10);
  });
});

describe('what ends at a router that translates', () => {
  it('is told from what it translates for others, errors about that included', () => {
    const { net, filters } = filteredNet();
    const match = { source: [`${ADDRESSES.web}/32`], destination: [`${ADDRESSES.wan}/32`], delivered: true };
    filters.router.set('p', [{ direction: 'in', match }]);
    expect(pings(net, net.router, WEB)).toBe(0);
    expect(filters.router.counts('p')).toMatchObject({ affected: 10 });
    expect(pings(net, net.laptop, WEB)).toBe(10);
    // The web server's questions to the outer address are for the router.
    expect(pings(net, net.web, ipv4(ADDRESSES.wan))).toBe(0);
    expect(filters.router.counts('p')).toMatchObject({ affected: 20 });
    filters.router.remove('p');
    expect(pings(net, net.router, WEB)).toBe(10);
  });
});

describe('a one-way partition of laptop from web', () => {
  it('counts the frames that web misses, and leaves the phone and the way back alone', () => {
    const { net, filters } = filteredNet();
    pings(net, net.laptop, WEB, 1);
    pings(net, net.phone, WEB, 1);
    filters.laptop.set('p', [originatedTo(ADDRESSES.web)]);
    filters.web.set('watch', [{ direction: 'in', match: { protocol: 'icmp', source: ['0.0.0.0/32'] } }]);
    expect(pings(net, net.laptop, WEB)).toBe(0);
    expect(filters.laptop.counts('p')).toMatchObject({ affected: 10 });
    expect(pings(net, net.laptop, ipv4(ADDRESSES.dns))).toBe(10);
    expect(pings(net, net.phone, WEB)).toBe(10);
    const seenAtWeb = filters.web.counts('watch')?.seen ?? 0;
    expect(seenAtWeb).toBeGreaterThanOrEqual(10);
    expect(seenAtWeb).toBeLessThanOrEqual(14);
    filters.laptop.remove('p');
    expect(pings(net, net.laptop, WEB)).toBe(10);
    expect(net.faults).toEqual([]);
  });
});
