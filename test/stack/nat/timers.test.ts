import { describe, expect, it } from 'vitest';
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../../../shared/wire/tcp.ts';
import { NatRouter } from '../../support/nat-router.ts';
import { echoPacket, tcpPacket, udpPacket } from '../../support/packets.ts';

const A = '192.168.0.10:50000';
const DNS = '8.8.8.8:53';
const WEB = '93.184.216.34:80';
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function established(router = new NatRouter()): { router: NatRouter; outer: string } {
  const { from: outer } = router.out(tcpPacket(A, WEB, { flags: TCP_SYN, sequence: 99 }));
  router.in(tcpPacket(WEB, outer, { flags: TCP_SYN | TCP_ACK, sequence: 499, acknowledgment: 100 }));
  router.out(tcpPacket(A, WEB, { sequence: 100, acknowledgment: 500 }));
  return { router, outer };
}

const stateOf = (router: NatRouter): string | undefined => router.nat.table()[0]?.state;

describe('UDP and ICMP', () => {
  it('NAT-2: a UDP session lives two minutes after the last outbound packet, and its expiry is logged', () => {
    const router = new NatRouter();
    const { from: outer } = router.out(udpPacket(A, DNS));
    router.clock.advance(2 * MINUTE - 1);
    expect(router.in(udpPacket(DNS, outer)).to).toBe(A);
    router.out(udpPacket(A, DNS));
    router.clock.advance(2 * MINUTE - 1);
    expect(router.in(udpPacket(DNS, outer)).to).toBe(A);
    router.clock.advance(1);
    expect(router.receive(udpPacket(DNS, outer), 'wan')).toBeUndefined();
    router.clock.advance(1000);
    expect(router.log.named('nat.expire')).toMatchObject([
      { level: 'debug', fields: { proto: 'udp', inside: A, outside: outer, destination: DNS } },
    ]);
    expect(router.clock.nextDue).toBeUndefined();
  });

  it('NAT-2: inbound traffic alone does not keep a UDP session', () => {
    const router = new NatRouter();
    const { from: outer } = router.out(udpPacket(A, DNS));
    router.clock.advance(MINUTE);
    router.in(udpPacket(DNS, outer));
    router.clock.advance(MINUTE);
    expect(router.receive(udpPacket(DNS, outer), 'wan')).toBeUndefined();
  });

  it('NAT-2: an ICMP session lives sixty seconds', () => {
    const router = new NatRouter();
    const { from: outer } = router.out(echoPacket('request', '192.168.0.10:7', '8.8.8.8'));
    router.clock.advance(MINUTE - 1);
    router.in(echoPacket('reply', '8.8.8.8', outer));
    router.clock.advance(1);
    expect(router.receive(echoPacket('reply', '8.8.8.8', outer), 'wan')).toBeUndefined();
  });

  it('NAT-2: the mapping lives as long as one of its sessions', () => {
    const router = new NatRouter();
    const { from: outer } = router.out(udpPacket(A, DNS));
    router.clock.advance(MINUTE);
    router.out(udpPacket(A, WEB));
    router.clock.advance(MINUTE + 2000);
    expect(router.nat.table()).toHaveLength(1);
    expect(router.out(udpPacket(A, DNS)).from).toBe(outer);
  });

  it('NAT-2: sessions of all lifetimes are swept, with one timer at a time', () => {
    const router = new NatRouter();
    established(router);
    router.out(udpPacket('192.168.0.10:50001', DNS));
    router.out(echoPacket('request', '192.168.0.10:7', '8.8.8.8'));
    router.clock.advance(MINUTE + 1000);
    expect(router.log.named('nat.expire')).toHaveLength(1);
    router.clock.advance(MINUTE + 1000);
    expect(router.log.named('nat.expire')).toHaveLength(2);
    router.clock.advance(3 * HOUR);
    expect(router.log.named('nat.expire')).toHaveLength(3);
    expect(router.clock.nextDue).toBeUndefined();
  });
});

describe('TCP', () => {
  it('NAT-2: an established session lives two hours and four minutes, refreshed from both sides', () => {
    const { router, outer } = established();
    expect(stateOf(router)).toBe('established');
    router.clock.advance(2 * HOUR + 4 * MINUTE - 1);
    expect(router.in(tcpPacket(WEB, outer)).to).toBe(A);
    router.clock.advance(2 * HOUR + 4 * MINUTE - 1);
    router.out(tcpPacket(A, WEB));
    router.clock.advance(2 * HOUR + 4 * MINUTE);
    expect(router.receive(tcpPacket(WEB, outer), 'wan')).toBeUndefined();
  });

  it('NAT-2: a session in the handshake lives four minutes', () => {
    const router = new NatRouter();
    const { from: outer } = router.out(tcpPacket(A, WEB, { flags: TCP_SYN }));
    expect(stateOf(router)).toBe('syn-sent');
    router.clock.advance(4 * MINUTE - 1);
    router.in(tcpPacket(WEB, outer, { flags: TCP_SYN | TCP_ACK }));
    expect(stateOf(router)).toBe('syn-received');
    router.clock.advance(4 * MINUTE);
    expect(router.receive(tcpPacket(WEB, outer), 'wan')).toBeUndefined();
  });

  it('NAT-2: a half-closed session lives on, one closed on both sides four minutes', () => {
    const { router, outer } = established();
    router.out(tcpPacket(A, WEB, { flags: TCP_FIN | TCP_ACK, sequence: 100, acknowledgment: 500 }));
    expect(stateOf(router)).toBe('half-closed');
    router.clock.advance(HOUR);
    const payload = new Uint8Array(10);
    router.in(tcpPacket(WEB, outer, { sequence: 500, acknowledgment: 101, payload }));
    expect(stateOf(router)).toBe('half-closed');
    router.in(tcpPacket(WEB, outer, { flags: TCP_FIN | TCP_ACK, sequence: 510, acknowledgment: 101 }));
    expect(stateOf(router)).toBe('closing');
    router.out(tcpPacket(A, WEB, { sequence: 101, acknowledgment: 510 }));
    expect(stateOf(router)).toBe('closing');
    router.out(tcpPacket(A, WEB, { sequence: 101, acknowledgment: 511 }));
    expect(stateOf(router)).toBe('time-wait');
    router.clock.advance(4 * MINUTE - 1);
    router.in(tcpPacket(WEB, outer, { flags: TCP_FIN | TCP_ACK, sequence: 510, acknowledgment: 101 }));
    expect(stateOf(router)).toBe('time-wait');
    router.clock.advance(4 * MINUTE);
    expect(router.nat.table()).toEqual([]);
  });

  it('NAT-2: a FIN is acknowledged across the wrap of sequence numbers', () => {
    const { router, outer } = established();
    const payload = new Uint8Array(20);
    router.out(tcpPacket(A, WEB, { flags: TCP_FIN | TCP_ACK, sequence: 0xfffffff0, payload }));
    router.in(tcpPacket(WEB, outer, { flags: TCP_FIN | TCP_ACK, sequence: 500, acknowledgment: 5 }));
    router.out(tcpPacket(A, WEB, { sequence: 5, acknowledgment: 501 }));
    expect(stateOf(router)).toBe('time-wait');
  });

  it('NAT-2: a RST leaves four minutes, unless its receiver goes on', () => {
    const { router, outer } = established();
    router.in(tcpPacket(WEB, outer, { flags: TCP_RST }));
    expect(stateOf(router)).toBe('reset');
    router.in(tcpPacket(WEB, outer));
    expect(stateOf(router)).toBe('reset');
    router.out(tcpPacket(A, WEB));
    expect(stateOf(router)).toBe('established');
    router.out(tcpPacket(A, WEB, { flags: TCP_RST }));
    router.clock.advance(4 * MINUTE);
    expect(router.nat.table()).toEqual([]);
  });

  it('NAT-2: a port in time-wait is used again by a new SYN', () => {
    const { router, outer } = established();
    router.out(tcpPacket(A, WEB, { flags: TCP_RST }));
    expect(router.out(tcpPacket(A, WEB, { flags: TCP_SYN, sequence: 9 })).from).toBe(outer);
    expect(stateOf(router)).toBe('syn-sent');
    router.in(tcpPacket(WEB, outer, { flags: TCP_SYN | TCP_ACK }));
    router.out(tcpPacket(A, WEB));
    expect(stateOf(router)).toBe('established');
  });

  it('NAT-2: a connection met in midstream is taken on, so that the peer can reset it', () => {
    const router = new NatRouter();
    const { from: outer } = router.out(tcpPacket(A, WEB));
    expect(stateOf(router)).toBe('unreplied');
    expect(router.in(tcpPacket(WEB, outer, { flags: TCP_RST })).to).toBe(A);
    expect(stateOf(router)).toBe('reset');
  });
});
