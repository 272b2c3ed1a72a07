import { describe, expect, it } from 'vitest';
import { ipv4 } from '../../../shared/core/address.ts';
import type { NatForward } from '../../../shared/stack/nat/nat.ts';
import { TCP_ACK, TCP_RST, TCP_SYN } from '../../../shared/wire/tcp.ts';
import { NatRouter, OUTSIDE } from '../../support/nat-router.ts';
import { readPacket, tcpPacket, udpPacket } from '../../support/packets.ts';

const A = '192.168.0.10:50000';
const B = '192.168.0.11:50000';
const SERVER = '192.168.0.50:80';
const REMOTE = '93.184.216.34:40000';

const FORWARDS: NatForward[] = [
  { protocol: 'tcp', port: 8080, to: { address: ipv4('192.168.0.50'), port: 80 } },
  { protocol: 'tcp', port: 8081, to: { address: ipv4('192.168.0.50'), port: 80 } },
  { protocol: 'udp', port: 8080, to: { address: ipv4('192.168.0.51'), port: 53 } },
];

describe('port forwards', () => {
  it('NAT-9: a connection from outside reaches the inside service, and its answers leave as the outer port', () => {
    const router = new NatRouter({ forwards: FORWARDS });
    const syn = router.in(tcpPacket(REMOTE, `${OUTSIDE}:8080`, { flags: TCP_SYN }));
    expect(syn).toMatchObject({ from: REMOTE, to: SERVER });
    const answer = router.out(tcpPacket(SERVER, REMOTE, { flags: TCP_SYN | TCP_ACK }));
    expect(answer).toMatchObject({ from: `${OUTSIDE}:8080`, to: REMOTE });
    router.in(tcpPacket(REMOTE, `${OUTSIDE}:8080`));
    expect(router.nat.table()).toMatchObject([
      { protocol: 'tcp', inside: { port: 80 }, outside: { port: 8080 }, state: 'established' },
    ]);
    expect(router.log.named('nat.bind')).toMatchObject([
      { fields: { inside: SERVER, outside: `${OUTSIDE}:8080`, destination: REMOTE } },
    ]);
  });

  it('NAT-9: two forwards to one service, each answered from its own port', () => {
    const router = new NatRouter({ forwards: FORWARDS });
    router.in(tcpPacket('93.184.216.34:1', `${OUTSIDE}:8080`, { flags: TCP_SYN }));
    router.in(tcpPacket('93.184.216.34:2', `${OUTSIDE}:8081`, { flags: TCP_SYN }));
    expect(router.out(tcpPacket(SERVER, '93.184.216.34:1')).from).toBe(`${OUTSIDE}:8080`);
    expect(router.out(tcpPacket(SERVER, '93.184.216.34:2')).from).toBe(`${OUTSIDE}:8081`);
    const ambiguous = tcpPacket('93.184.216.34:2', `${OUTSIDE}:8080`, { flags: TCP_SYN });
    expect(router.receive(ambiguous, 'wan')).toBeUndefined();
  });

  it('NAT-9: UDP is forwarded too, and only the protocol that is named', () => {
    const router = new NatRouter({ forwards: FORWARDS.slice(2) });
    expect(router.in(udpPacket(REMOTE, `${OUTSIDE}:8080`)).to).toBe('192.168.0.51:53');
    expect(router.out(udpPacket('192.168.0.51:53', REMOTE)).from).toBe(`${OUTSIDE}:8080`);
    const syn = tcpPacket(REMOTE, `${OUTSIDE}:8080`, { flags: TCP_SYN });
    expect(router.receive(syn, 'wan')).toBeUndefined();
  });

  it('NAT-9: a host inside reaches the service by the outer address, as the outer address', () => {
    const router = new NatRouter({ forwards: FORWARDS });
    const syn = router.hairpin(tcpPacket(A, `${OUTSIDE}:8080`, { flags: TCP_SYN }));
    expect(syn.to).toBe(SERVER);
    expect(syn.from).toMatch(/^51\.0\.0\.20:/);
    const answer = router.hairpin(tcpPacket(SERVER, syn.from, { flags: TCP_SYN | TCP_ACK }));
    expect(answer).toMatchObject({ from: `${OUTSIDE}:8080`, to: A });
    router.hairpin(tcpPacket(A, `${OUTSIDE}:8080`));
    expect(router.nat.table().map((row) => row.state)).toEqual(['established', 'established']);
  });

  it('NAT-9: no inner endpoint gets a forwarded port, and the forward outlives its sessions', () => {
    const router = new NatRouter({ forwards: FORWARDS });
    router.in(udpPacket(REMOTE, `${OUTSIDE}:8080`));
    const own = readPacket(router.originate(udpPacket(`${OUTSIDE}:8080`, REMOTE))!.packet).from;
    expect(own).not.toBe(`${OUTSIDE}:8080`);
    router.clock.advance(200_000);
    expect(router.nat.table()).toEqual([]);
    expect(router.in(udpPacket(REMOTE, `${OUTSIDE}:8080`)).to).toBe('192.168.0.51:53');
    router.nat.flush();
    expect(router.in(udpPacket(REMOTE, `${OUTSIDE}:8080`)).to).toBe('192.168.0.51:53');
  });

  it('NAT-10: a full table refuses new connections to a forward as well', () => {
    const router = new NatRouter({ forwards: FORWARDS, maxSessions: 1 });
    router.out(udpPacket(A, REMOTE));
    const syn = tcpPacket(REMOTE, `${OUTSIDE}:8080`, { flags: TCP_SYN });
    expect(router.receive(syn, 'wan')).toBeUndefined();
    expect(router.counters.get('nat.full')).toBe(1);
    expect(router.log.named('nat.full')).toHaveLength(1);
  });

  it('a stray RST makes no session', () => {
    const router = new NatRouter({ forwards: FORWARDS });
    const rst = tcpPacket(REMOTE, `${OUTSIDE}:8080`, { flags: TCP_RST });
    expect(router.receive(rst, 'wan')).toBeUndefined();
    expect(router.nat.table()).toEqual([]);
  });
});

describe('hairpinning', () => {
  it('NAT-3: two hosts inside talk by their outer endpoints, once both have sent', () => {
    const router = new NatRouter();
    const a = router.out(udpPacket(A, REMOTE)).from;
    const b = router.out(udpPacket(B, REMOTE)).from;
    // B has not sent to A yet: the filter holds inside as it does outside.
    expect(router.receive(udpPacket(A, b), 'lan')).toBeUndefined();
    expect(router.hairpin(udpPacket(B, a))).toMatchObject({ from: b, to: A });
    expect(router.hairpin(udpPacket(A, b))).toMatchObject({ from: a, to: B });
  });

  it('NAT-3: what no inside host owns is for the router itself', () => {
    const router = new NatRouter();
    router.originate(udpPacket(`${OUTSIDE}:50001`, REMOTE));
    expect(router.receive(udpPacket(A, `${OUTSIDE}:50001`), 'lan')?.to).toBe('self');
    expect(router.receive(udpPacket(A, `${OUTSIDE}:53`), 'lan')?.to).toBe('self');
    expect(router.nat.table()).toEqual([]);
  });
});
