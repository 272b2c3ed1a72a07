// Floods through a NAT: new flows of TCP, UDP and ICMP from inside, SYNs and datagrams to a forwarded port
// from outside, first fragments of both. Tables keep their bounds, and others get through.

import { describe, expect, test } from 'vitest';
import { ipv4 } from '../../shared/core/address.ts';
import { TCP_ACK, TCP_SYN } from '../../shared/wire/tcp.ts';
import { NatRouter, OUTSIDE } from '../support/nat-router.ts';
import { echoPacket, fragmentsOf, readPacket, tcpPacket, udpPacket } from '../support/packets.ts';

const WEB = '93.184.216.34:80';
const SERVER = '192.168.0.50:80';
const FORWARDS = [
  { protocol: 'tcp' as const, port: 8080, to: { address: ipv4('192.168.0.50'), port: 80 } },
  { protocol: 'udp' as const, port: 8080, to: { address: ipv4('192.168.0.50'), port: 80 } },
];

const address = (index: number) => `${20 + (index >>> 16)}.1.${(index >>> 8) & 255}.${index & 255}`;

describe('new flows from inside', () => {
  test.each([
    ['SYNs', (index: number) => tcpPacket('192.168.0.10:5000', `${address(index)}:80`, { flags: TCP_SYN })],
    [
      'datagrams',
      (index: number) => udpPacket(`192.168.0.10:${1024 + (index % 60_000)}`, `${address(index)}:53`),
    ],
    ['pings', (index: number) => echoPacket('request', `192.168.0.10:${index & 0xffff}`, address(index), 1)],
  ])('%s of one host take half of the table, and another host gets through', (_name, packet) => {
    const router = new NatRouter();
    for (let index = 0; index < 40_000; index++) router.receive(packet(index), 'lan');
    expect(router.nat.table()).toHaveLength(16_384);
    expect(router.counters.get('nat.full')).toBe(40_000 - 16_384);
    const { from } = router.out(tcpPacket('192.168.0.11:5000', WEB, { flags: TCP_SYN }));
    expect(router.in(tcpPacket(WEB, from, { flags: TCP_SYN | TCP_ACK })).to).toBe('192.168.0.11:5000');
  });

  test('of made-up hosts leave room for one that holds few', () => {
    const router = new NatRouter();
    for (let index = 0; index < 60_000; index++)
      router.receive(
        udpPacket(`192.168.0.${12 + (index % 240)}:${1024 + Math.floor(index / 240)}`, WEB),
        'lan',
      );
    for (let port = 2000; port < 2050; port++)
      expect(router.out(udpPacket(`192.168.0.11:${port}`, WEB)).to).toBe(WEB);
    expect(router.counters.get('nat.full')).toBeGreaterThan(20_000);
  });
});

describe('to a forwarded port from outside', () => {
  /** A client's handshake and one answer, all through the NAT. */
  function connect(router: NatRouter, client: string): void {
    const outer = `${OUTSIDE}:8080`;
    expect(router.in(tcpPacket(client, outer, { flags: TCP_SYN })).to).toBe(SERVER);
    expect(router.out(tcpPacket(SERVER, client, { flags: TCP_SYN | TCP_ACK })).from).toBe(outer);
    expect(router.in(tcpPacket(client, outer, { flags: TCP_ACK })).to).toBe(SERVER);
  }

  test('SYNs of twenty thousand senders take an eighth of the table: who was there goes on, who comes gets in', () => {
    const router = new NatRouter({ forwards: FORWARDS });
    connect(router, '77.1.1.1:4000');
    for (let index = 0; index < 20_000; index++) {
      const sent = router.receive(
        tcpPacket(`${address(index)}:1234`, `${OUTSIDE}:8080`, { flags: TCP_SYN }),
        'wan',
      );
      expect(sent?.to).toBe('lan');
    }
    expect(router.nat.table()).toHaveLength(32_768 / 8 + 1);
    expect(router.counters.get('nat.too-many-unanswered')).toBe(20_000 - 32_768 / 8);
    expect(router.in(tcpPacket('77.1.1.1:4000', `${OUTSIDE}:8080`)).to).toBe(SERVER);
    connect(router, '77.1.1.2:4000');
    expect(router.out(udpPacket('192.168.0.50:9', '8.8.8.8:53')).to).toBe('8.8.8.8:53');
  });

  test('datagrams too; one that was answered is no part of the flood', () => {
    const router = new NatRouter({ forwards: FORWARDS });
    router.in(udpPacket('77.1.1.1:4000', `${OUTSIDE}:8080`));
    router.out(udpPacket(SERVER, '77.1.1.1:4000'));
    for (let index = 0; index < 10_000; index++)
      router.receive(udpPacket(`${address(index)}:1234`, `${OUTSIDE}:8080`), 'wan');
    expect(router.nat.table()).toHaveLength(32_768 / 8 + 1);
    expect(readPacket(router.receive(udpPacket(SERVER, '77.1.1.1:4000'), 'lan')!.packet).from).toBe(
      `${OUTSIDE}:8080`,
    );
  });

  test('and after four minutes nothing of it is left', () => {
    const router = new NatRouter({ forwards: FORWARDS });
    for (let index = 0; index < 5000; index++)
      router.receive(tcpPacket(`${address(index)}:1`, `${OUTSIDE}:8080`, { flags: TCP_SYN }), 'wan');
    router.clock.advance(241_000);
    expect(router.nat.table()).toEqual([]);
    expect(router.clock.nextDue).toBeUndefined();
  });
});

test('fragments that wait for their first are a megabyte, what they cost included; a whole datagram passes meanwhile', () => {
  const router = new NatRouter();
  for (let index = 0; index < 20_000; index++) {
    const [, later] = fragmentsOf(
      udpPacket(`192.168.0.10:1`, WEB, { data: new Uint8Array(16), header: { identification: index } }),
      16,
    );
    router.receive(later!, 'lan');
  }
  // 20 + 8 bytes each, and 128.
  const held = Math.floor(2 ** 20 / 156);
  expect(router.counters.get('nat.fragment-overflow')).toBeGreaterThanOrEqual(20_000 - held);
  const parts = fragmentsOf(udpPacket('192.168.0.11:7', WEB, { data: new Uint8Array(3000) }), 1480);
  for (const part of [...parts].reverse()) router.receive(part, 'lan');
  router.clock.settle();
  expect(router.released).toHaveLength(parts.length - 1);
});
