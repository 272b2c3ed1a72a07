import { describe, expect, test } from 'vitest';
import { ipv4, MAC_BROADCAST } from '../../shared/core/address.ts';
import { readU16 } from '../../shared/core/bytes.ts';
import { checkIpv4, decodeIpv4, encodeIpv4 } from '../../shared/wire/ipv4.ts';
import { FROM, packetsOf, router, TO } from '../support/ipv4-router.ts';
import { echoPacket, fragmentsOf, ipPacket, reassemble, udpPacket } from '../support/packets.ts';

describe('what comes in', () => {
  const good = () => echoPacket('request', '10.0.1.2:1', '10.0.1.1:0');
  const rebuilt = (change: (packet: Uint8Array) => void) => {
    const packet = good();
    change(packet);
    return packet;
  };

  test.each([
    ['ipv4.bad-checksum', rebuilt((packet) => packet.fill(7, 10, 11))],
    ['ipv4.bad-version', rebuilt((packet) => packet.fill(0x65, 0, 1))],
    ['ipv4.bad-header-length', rebuilt((packet) => packet.fill(0x44, 0, 1))],
    ['ipv4.bad-total-length', rebuilt((packet) => packet.fill(255, 3, 4))],
    ['ipv4.too-short', good().subarray(0, 19)],
  ])('IP-1: %s: dropped in silence, counted', (name, packet) => {
    const { send, left, counters } = router();
    send(packet);
    expect(left.frames()).toEqual([]);
    expect(counters.get(name)).toBe(1);
  });

  test('IP-2: padding after the total length is not part of the packet', () => {
    const { send, left } = router();
    send(Uint8Array.of(...echoPacket('request', '10.0.1.2:1', '10.0.1.1:0', 1, Uint8Array.of(5)), 1, 2, 3));
    expect(left.packets()).toMatchObject([{ icmp: { data: Uint8Array.of(5) } }]);
  });

  test('IP-2: padding is not forwarded', () => {
    const { send, right } = router();
    const packet = udpPacket(FROM, TO, { data: Uint8Array.of(1) });
    send(Uint8Array.of(...packet, ...new Uint8Array(17)));
    expect(right.frames().at(-1)).toHaveLength(14 + packet.length);
  });

  test('IP-3: TTL 1 to me is accepted', () => {
    const { send, left } = router();
    send(echoPacket('request', '10.0.1.2:1', '10.0.1.1:0', 1, new Uint8Array(8), { ttl: 1 }));
    expect(left.packets()).toMatchObject([{ icmp: { type: 0 } }]);
  });

  test('IP-3: TTL 1 to forward is answered with time exceeded from the near side', () => {
    const { send, left, right } = router();
    const packet = udpPacket(FROM, TO, { header: { ttl: 1 } });
    send(packet);
    expect(left.packets()).toMatchObject([
      { ip: { source: ipv4('10.0.1.1'), tos: 0xc0 }, icmp: { type: 11, code: 0, rest: 0, data: packet } },
    ]);
    expect(right.packets()).toEqual([]);
  });

  test('IP-4: options are skipped', () => {
    const { send, left } = router();
    const options = Uint8Array.of(0x94, 4, 0, 0, 1, 0x52, 2, 0);
    send(echoPacket('request', '10.0.1.2:1', '10.0.1.1:0', 3, Uint8Array.of(9), { options }));
    expect(left.packets()).toMatchObject([{ icmp: { type: 0, data: Uint8Array.of(9) } }]);
  });

  test.each([
    ['a length of 0', [0x52, 0, 0, 0]],
    ['a length of 1', [0x52, 1, 0, 0]],
    ['a length beyond the header', [1, 0x94, 40, 0]],
    ['no length', [1, 1, 1, 0x94]],
    ['40 bytes of end', Array.from({ length: 40 }, () => 0)],
  ])('IP-4: an option with %s does no harm: to me, passed on, or cut up', (_, bytes) => {
    const { send, left, right } = router({}, 600);
    const options = Uint8Array.from(bytes);
    send(echoPacket('request', '10.0.1.2:1', '10.0.1.1:0', 3, Uint8Array.of(9), { options }));
    expect(left.packets()).toMatchObject([{ icmp: { type: 0, data: Uint8Array.of(9) } }]);
    const packet = udpPacket(FROM, TO, { data: new Uint8Array(900).fill(5), header: { options } });
    send(packet);
    const fragments = packetsOf(right.frames());
    expect(fragments[0]?.options).toEqual(options);
    const whole = decodeIpv4(reassemble(fragments.map((fragment) => encodeIpv4(fragment))));
    expect(whole).toMatchObject({ payload: packet.subarray(20 + options.length) });
  });

  test.each(['255.255.255.255', '224.0.0.5', '127.0.0.1', '10.0.1.255', '10.0.1.1', '240.0.0.1', '0.0.0.0'])(
    'IP-7: a packet from %s is dropped',
    (source) => {
      const { send, left, right, counters } = router();
      send(echoPacket('request', `${source}:1`, '10.0.1.1:0'));
      send(udpPacket(`${source}:1`, TO));
      expect([...left.frames(), ...right.frames()]).toEqual([]);
      expect(counters.get('ipv4.bad-source')).toBe(2);
    },
  );

  test('IP-7: a host never forwards', () => {
    const { send, left, right, counters } = router({ forwarding: false });
    send(udpPacket(FROM, TO));
    expect([...left.frames(), ...right.frames()]).toEqual([]);
    expect(counters.get('ipv4.not-mine')).toBe(1);
  });

  test('an unknown protocol is answered 3/2', () => {
    const { send, left } = router();
    send(ipPacket(200, ipv4('10.0.1.2'), ipv4('10.0.1.1'), new Uint8Array(8)));
    expect(left.packets()).toMatchObject([{ icmp: { type: 3, code: 2 } }]);
  });

  test('an address of another interface is mine too', () => {
    const { send, left } = router();
    send(echoPacket('request', '10.0.1.2:1', '10.0.2.1:0'));
    expect(left.packets()).toMatchObject([{ from: '10.0.2.1:1', icmp: { type: 0 } }]);
  });
});

describe('forwarding', () => {
  test('a packet leaves with one TTL less, a right checksum and new MACs', () => {
    const { send, right, mac: macOf } = router();
    send(udpPacket(FROM, TO, { data: Uint8Array.of(1, 2, 3) }));
    expect(right.packets()).toMatchObject([
      {
        toMac: right.mac,
        fromMac: macOf('right'),
        from: FROM,
        to: TO,
        ip: { ttl: 63 },
        udp: { data: Uint8Array.of(1, 2, 3) },
      },
    ]);
  });

  test('IP-8: the longest prefix wins', () => {
    const { send, left, right } = router({
      routes: { '10.9.0.0/16': '10.0.2.2', '10.9.1.0/24': '10.0.1.2' },
    });
    send(udpPacket(FROM, '10.9.2.1:1'));
    expect(right.packets()).toHaveLength(1);
    expect(left.packets()).toHaveLength(0);
    send(udpPacket(FROM, '10.9.1.1:1'));
    expect(left.packets()).toHaveLength(1);
    expect(right.packets()).toHaveLength(0);
  });

  test('IP-8: no route is answered 3/0', () => {
    const { send, left } = router();
    send(udpPacket(FROM, '8.8.8.8:53'));
    expect(left.packets()).toMatchObject([{ icmp: { type: 3, code: 0 } }]);
  });

  test('ARP-2: a next hop that does not answer is told to the sender with 3/1', () => {
    const { send, left, clock } = router();
    const packet = udpPacket(FROM, '10.0.2.77:1');
    send(packet);
    expect(left.packets()).toEqual([]);
    clock.advance(3000);
    const [error] = left.packets();
    expect(error).toMatchObject({ ip: { source: ipv4('10.0.1.1') }, icmp: { type: 3, code: 1 } });
    expect(decodeIpv4(error?.icmp?.data ?? new Uint8Array())).toMatchObject({ ttl: 63 });
  });

  test('ARP-2: each packet that waited in vain is told of, and no ICMP error among them', () => {
    const { send, left, clock } = router();
    const lost = [1, 2, 3].map((port) => udpPacket(FROM, `10.0.2.77:${port}`));
    for (const packet of lost) send(packet);
    const error = Uint8Array.of(3, 1, 0, 0, 0, 0, 0, 0, ...udpPacket('10.0.2.77:1', FROM));
    send(ipPacket(1, ipv4('10.0.1.2'), ipv4('10.0.2.77'), error));
    clock.advance(3000);
    const ports = left.packets().map(({ icmp }) => {
      expect(icmp).toMatchObject({ type: 3, code: 1 });
      return readU16(icmp?.data ?? new Uint8Array(24), 22);
    });
    expect(ports).toEqual([1, 2, 3]);
  });

  test('ARP-2: packets that wait are copies: the message they came in may be used again', () => {
    const { left, right, mac: macOf, clock } = router();
    right.address = undefined;
    const packet = udpPacket(FROM, TO, { data: Uint8Array.of(42) });
    left.send(packet, macOf('left'));
    right.arps();
    right.address = '10.0.2.2';
    clock.advance(1000);
    expect(right.packets()).toMatchObject([{ udp: { data: Uint8Array.of(42) } }]);
  });

  test('IP-6: DF and too long a packet is answered 3/4 with the MTU of the next hop', () => {
    const { send, left, right } = router({}, 1200);
    send(udpPacket(FROM, TO, { data: new Uint8Array(1300), header: { dontFragment: true } }));
    expect(left.packets()).toMatchObject([{ icmp: { type: 3, code: 4, rest: 1200 } }]);
    expect(right.packets()).toEqual([]);
  });

  test('IP-6: without DF it is fragmented, with offsets in units of 8', () => {
    const { send, right } = router({}, 1200);
    const packet = udpPacket(FROM, TO, { data: new Uint8Array(1300).fill(7), header: { ttl: 9 } });
    send(packet);
    const fragments = packetsOf(right.frames());
    expect(fragments).toMatchObject([
      { moreFragments: true, fragmentOffset: 0, payload: { length: 1176 } },
      { moreFragments: false, fragmentOffset: 1176, payload: { length: 132 } },
    ]);
    const whole = decodeIpv4(reassemble(fragments.map((fragment) => encodeIpv4(fragment))));
    expect(whole).toMatchObject({ ttl: 8, payload: packet.subarray(20) });
  });

  test('IP-6: MF is kept when a fragment is fragmented', () => {
    const { send, right } = router({}, 600);
    const fragments = fragmentsOf(udpPacket(FROM, TO, { data: new Uint8Array(2000).fill(3) }), 1000);
    for (const fragment of fragments) send(fragment);
    const parts = packetsOf(right.frames());
    expect(parts.map(({ moreFragments, fragmentOffset }) => [moreFragments, fragmentOffset])).toEqual([
      [true, 0],
      [true, 576],
      [true, 1000],
      [true, 1576],
      [false, 2000],
    ]);
  });

  test('IP-6: options with the copied flag go into every fragment, others into the first', () => {
    const { send, right } = router({}, 600);
    const options = Uint8Array.of(0x94, 4, 0, 0, 7, 3, 4, 0);
    send(udpPacket(FROM, TO, { data: new Uint8Array(900), header: { options } }));
    const parts = packetsOf(right.frames());
    expect(parts[0]?.options).toEqual(options);
    expect(parts[1]?.options).toEqual(Uint8Array.of(0x94, 4, 0, 0));
  });

  test('a unicast packet in a broadcast frame and a directed broadcast are not forwarded', () => {
    const { left, right, mac: macOf, counters } = router();
    left.send(udpPacket(FROM, TO), MAC_BROADCAST);
    left.send(udpPacket(FROM, '10.0.2.255:1'), macOf('left'));
    left.send(udpPacket(FROM, '224.0.0.9:1'), macOf('left'));
    expect([...left.packets(), ...right.packets()]).toEqual([]);
    expect(counters.get('ipv4.not-forwardable')).toBe(3);
  });

  test('an interface whose address is taken away loses its routes', () => {
    const { send, left, stack } = router();
    stack.interface('right').removeAddress(ipv4('10.0.2.1'));
    expect(stack.routes.list()).toMatchObject([{ destination: { prefixLength: 24 } }]);
    send(udpPacket(FROM, TO));
    expect(left.packets()).toMatchObject([{ icmp: { type: 3, code: 0 } }]);
  });
});

describe('hooks', () => {
  test('both are asked, may rewrite, drop and steal, and inject what they stole', () => {
    const asked: string[] = [];
    const stolen: Uint8Array[] = [];
    let verdict: 'accept' | 'drop' | 'stolen' = 'accept';
    const { send, right, stack, counters } = router({
      hook: {
        steady: () => false,
        prerouting(packet, from) {
          expect(checkIpv4(packet)).toBeUndefined();
          asked.push(`in ${from}`);
          if (verdict === 'stolen') stolen.push(packet.slice());
          return verdict;
        },
        postrouting(_, to, from) {
          asked.push(`out ${to} ${from}`);
          return 'accept';
        },
      },
    });
    send(udpPacket(FROM, TO));
    expect(asked).toEqual(['in left', 'out right left']);
    expect(right.packets()).toHaveLength(1);
    verdict = 'drop';
    send(udpPacket(FROM, TO));
    expect(right.packets()).toHaveLength(0);
    expect(counters.get('ipv4.refused-by-hook')).toBe(1);
    verdict = 'stolen';
    send(udpPacket(FROM, TO));
    expect(right.packets()).toHaveLength(0);
    stack.ipv4.inject(stolen[0]!, 'left');
    expect(right.packets()).toMatchObject([{ ip: { ttl: 63 } }]);
    asked.length = 0;
    send(echoPacket('request', '10.0.1.2:1', '10.0.1.1:0'));
    stack.ipv4.inject(echoPacket('request', '10.0.1.2:1', '10.0.1.1:0'), 'left');
    expect(asked).toEqual(['in left', 'out left undefined']);
  });

  test('the error about a packet whose source was translated goes back through prerouting', () => {
    const errors: string[] = [];
    const { send, clock } = router({
      hook: {
        steady: () => false,
        prerouting(packet, from) {
          if (from === 'right') errors.push(`${packet[20]}/${packet[21]}`);
          return from === 'right' ? 'drop' : 'accept';
        },
        postrouting(packet, to) {
          if (to === 'right') {
            const translated = decodeIpv4(packet);
            if ('payload' in translated) packet.set(encodeIpv4({ ...translated, source: ipv4('10.0.2.1') }));
          }
          return 'accept';
        },
      },
    });
    send(udpPacket(FROM, '10.0.2.77:1'));
    clock.advance(3000);
    expect(errors).toEqual(['3/1']);
  });
});
