// Whether a packet to the outer address is for an inside host, asked before it is translated.

import { describe, expect, it } from 'vitest';
import { ipv4 } from '../../../shared/core/address.ts';
import { NatRouter, OUTSIDE } from '../../support/nat-router.ts';
import { echoPacket, errorPacket, fragmentsOf, tcpPacket, udpPacket } from '../../support/packets.ts';

const A = '192.168.0.10:50000';
const DNS = '8.8.8.8:53';
const WEB = '93.184.216.34:80';
const OWN = `${OUTSIDE}:50001`;
const FORWARD = { protocol: 'udp', port: 8080, to: { address: ipv4('192.168.0.50'), port: 53 } } as const;

/** A router with a session of an inside host and one of its own. */
function routerInUse() {
  const router = new NatRouter({ forwards: [FORWARD] });
  const sent = router.receive(udpPacket(A, DNS), 'lan')!.packet;
  const outer = `${OUTSIDE}:${(sent[20]! << 8) | sent[21]!}`;
  const own = router.originate(udpPacket(OWN, DNS))!.packet;
  return { router, outer, sent, own };
}

type Case = readonly [what: string, packet: (net: ReturnType<typeof routerInUse>) => Uint8Array];

const FOR_INSIDE: readonly Case[] = [
  ["the answer to an inside host's question", ({ outer }) => udpPacket(DNS, outer)],
  ['a question to a forwarded port', () => udpPacket(WEB, `${OUTSIDE}:8080`)],
  ["an error about an inside host's packet", ({ sent }) => errorPacket('51.0.0.1', OUTSIDE, 11, 0, sent)],
];

const FOR_THE_ROUTER: readonly Case[] = [
  ["the answer to the router's own question", () => udpPacket(DNS, OWN)],
  ['an echo request', () => echoPacket('request', '93.184.216.34:7', OUTSIDE)],
  ["an error about the router's own packet", ({ own }) => errorPacket('8.8.8.8', OUTSIDE, 3, 3, own)],
];

describe('a packet to the outer address', () => {
  it.each(FOR_INSIDE)('is for inside: %s', (_, packet) => {
    const net = routerInUse();
    const bytes = packet(net);
    expect(net.router.nat.isForInside(bytes)).toBe(true);
    expect(net.router.receive(bytes, 'wan')?.to).toBe('lan');
  });

  it.each(FOR_THE_ROUTER)('is for the router: %s', (_, packet) => {
    const net = routerInUse();
    const bytes = packet(net);
    expect(net.router.nat.isForInside(bytes)).toBe(false);
    expect(net.router.receive(bytes, 'wan')?.to).toBe('self');
  });

  it('is for nobody inside that nobody asked for', () => {
    const { router } = routerInUse();
    expect(router.nat.isForInside(tcpPacket(WEB, `${OUTSIDE}:4`))).toBe(false);
    expect(router.nat.isForInside(udpPacket(DNS, '192.168.0.10:5'))).toBe(false);
  });

  it('is in fragments for whom the first is, and until that has come not for the router', () => {
    const { router, outer } = routerInUse();
    const data = new Uint8Array(1600);
    const [first, second] = fragmentsOf(udpPacket(DNS, outer, { data }), 800);
    expect(router.nat.isForInside(second!)).toBe(true);
    expect(router.nat.isForInside(first!)).toBe(true);
    router.receive(first!.slice(), 'wan');
    expect(router.nat.isForInside(second!)).toBe(true);

    const [mine, rest] = fragmentsOf(udpPacket(DNS, OWN, { data, header: { identification: 9 } }), 800);
    expect(router.nat.isForInside(mine!)).toBe(false);
    router.receive(mine!.slice(), 'wan');
    expect(router.nat.isForInside(rest!)).toBe(false);
  });
});
