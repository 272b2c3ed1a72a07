// The ICMP errors that IPv4 answers with.

import { describe, expect, test } from 'vitest';
import { ipv4, MAC_BROADCAST, mac } from '../../shared/core/address.ts';
import { FROM, router } from '../support/ipv4-router.ts';
import { echoPacket, fragmentsOf, ipPacket, udpPacket } from '../support/packets.ts';

describe('ICMP errors', () => {
  test('ICMP-2: none about an ICMP error, a later fragment, a broadcast, or a broadcast frame', () => {
    const { left, send, mac: macOf } = router();
    const about = udpPacket('10.0.2.2:1', '10.0.1.2:2');
    const error = ipPacket(
      1,
      ipv4('10.0.1.2'),
      ipv4('8.8.8.8'),
      Uint8Array.of(3, 1, 0, 0, 0, 0, 0, 0, ...about),
    );
    send(error);
    send(fragmentsOf(udpPacket(FROM, '8.8.8.8:1', { data: new Uint8Array(100) }), 64).at(-1) ?? error);
    send(udpPacket(FROM, '10.0.1.255:9'));
    send(udpPacket(FROM, '255.255.255.255:9'));
    left.send(udpPacket(FROM, '10.0.1.1:9'), MAC_BROADCAST);
    left.send(udpPacket(FROM, '10.0.1.1:9'), mac('01:00:5e:00:00:01'));
    expect(left.packets()).toEqual([]);
    left.send(udpPacket(FROM, '10.0.1.1:9'), macOf('left'));
    expect(left.packets()).toMatchObject([{ icmp: { type: 3, code: 3 } }]);
  });

  test.each([3, 4, 5, 11, 12])('ICMP-2: none about an ICMP error of type %i, wherever it fails', (type) => {
    const { send, left } = router();
    const body = Uint8Array.of(type, 0, 0, 0, 0, 0, 0, 0, ...udpPacket('10.0.2.2:1', '10.0.1.2:2'));
    const about = (to: string, header = {}) => ipPacket(1, ipv4('10.0.1.2'), ipv4(to), body, header);
    send(about('8.8.8.8'));
    send(about('10.0.2.2', { ttl: 1 }));
    expect(left.packets()).toEqual([]);
    send(echoPacket('request', '10.0.1.2:1', '8.8.8.8:0'));
    expect(left.packets()).toMatchObject([{ icmp: { type: 3, code: 0 } }]);
  });

  test.each([
    '0.0.0.0',
    '0.1.2.3',
    '127.0.0.1',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
    '10.0.1.255',
    '10.0.2.255',
    '10.0.1.1',
    '10.0.2.1',
  ])('ICMP-2, IP-7: none to %s, whatever is wrong, and nothing of it goes on', (source) => {
    const { send, left, right } = router();
    for (const [to, header] of [
      ['8.8.8.8:1', {}],
      ['10.0.2.2:1', { ttl: 1 }],
      ['10.0.1.1:9', {}],
      ['10.0.2.2:1', {}],
    ] as const)
      send(udpPacket(`${source}:1`, to, { header }));
    send(ipPacket(200, ipv4(source), ipv4('10.0.1.1'), new Uint8Array(8)));
    expect([...left.packets(), ...right.packets()]).toEqual([]);
  });

  test('ICMP-2: none about a protocol that nobody speaks, if it was asked of everybody', () => {
    const { send, left, mac: macOf } = router();
    for (const to of ['10.0.1.255', '255.255.255.255', '224.0.0.1'])
      send(ipPacket(200, ipv4('10.0.1.2'), ipv4(to), new Uint8Array(8)));
    left.send(ipPacket(200, ipv4('10.0.1.2'), ipv4('10.0.1.1'), new Uint8Array(8)), MAC_BROADCAST);
    expect(left.packets()).toEqual([]);
    left.send(ipPacket(200, ipv4('10.0.1.2'), ipv4('10.0.1.1'), new Uint8Array(8)), macOf('left'));
    expect(left.packets()).toMatchObject([{ icmp: { type: 3, code: 2 } }]);
  });

  test('ICMP-3: of a packet that is shorter it quotes all there is', () => {
    const { send, left } = router();
    const header = ipPacket(200, ipv4('10.0.1.2'), ipv4('10.0.1.1'), new Uint8Array(0));
    const options = ipPacket(200, ipv4('10.0.1.2'), ipv4('10.0.1.1'), new Uint8Array(9), {
      options: new Uint8Array(40).fill(1),
    });
    send(header);
    send(options);
    expect(left.packets().map(({ icmp }) => icmp?.data)).toEqual([header, options]);
  });

  test('ICMP-2: errors are rate-limited, and come again later', () => {
    const { send, left, clock, counters } = router();
    for (let index = 0; index < 200; index++) send(udpPacket(FROM, '10.0.1.1:9'));
    expect(left.packets()).toHaveLength(50);
    expect(counters.get('icmp.rate-limited')).toBe(150);
    clock.advance(10);
    for (let index = 0; index < 200; index++) send(udpPacket(FROM, '10.0.1.1:9'));
    expect(left.packets()).toHaveLength(10);
  });

  test('ICMP-3: an error quotes the whole packet up to 576 bytes in all', () => {
    const { send, left } = router();
    const short = udpPacket(FROM, '8.8.8.8:1', { data: Uint8Array.of(1, 2, 3) });
    const long = udpPacket(FROM, '8.8.8.8:1', { data: new Uint8Array(1000) });
    send(short);
    send(long);
    const [first, second] = left.packets();
    expect(first?.icmp?.data).toEqual(short);
    expect(second?.icmp?.data).toEqual(long.subarray(0, 548));
  });
});
