// Packets of the device itself.

import { describe, expect, test } from 'vitest';
import { ipv4, MAC_BROADCAST } from '../../shared/core/address.ts';
import { encodeIcmp } from '../../shared/wire/icmp.ts';
import { encodeIpv4, PROTOCOL_UDP } from '../../shared/wire/ipv4.ts';
import { packetsOf, router } from '../support/ipv4-router.ts';
import { ipPacket } from '../support/packets.ts';

describe('own packets', () => {
  const open = (bench: ReturnType<typeof router>, port = 0) => {
    const received: string[] = [];
    const failed: string[] = [];
    const endpoint = bench.stack.udp.bind({
      port,
      broadcast: true,
      user: {
        received: ({ data, source, destination }) =>
          received.push(
            `${data.length} ${bench.stack.ipv4.format(source)} ${bench.stack.ipv4.format(destination)}`,
          ),
        failed: ({ kind, code }) => failed.push(`${kind} ${code}`),
      },
    });
    return { endpoint, received, failed };
  };

  test('127/8 and own addresses go over the loopback', () => {
    const bench = router();
    const { endpoint, received } = open(bench, 7000);
    endpoint.send(new Uint8Array(3), ipv4('127.0.0.1'), 7000);
    endpoint.send(new Uint8Array(4), ipv4('127.5.5.5'), 7000);
    endpoint.send(new Uint8Array(5), ipv4('10.0.2.1'), 7000);
    endpoint.send(new Uint8Array(60_000), ipv4('10.0.2.1'), 7000);
    bench.clock.settle();
    expect(received).toEqual([
      '3 127.0.0.1 127.0.0.1',
      '4 127.0.0.1 127.5.5.5',
      '5 10.0.2.1 10.0.2.1',
      '60000 10.0.2.1 10.0.2.1',
    ]);
    expect([...bench.left.frames(), ...bench.right.frames()]).toEqual([]);
  });

  test('broadcasts go in broadcast frames', () => {
    const bench = router({ routes: { '0.0.0.0/0': '10.0.2.2' } });
    const { endpoint } = open(bench);
    endpoint.send(new Uint8Array(1), ipv4('10.0.1.255'), 9);
    expect(bench.left.packets()).toMatchObject([{ toMac: MAC_BROADCAST, ip: { source: ipv4('10.0.1.1') } }]);
    endpoint.send(new Uint8Array(1), ipv4('255.255.255.255'), 9);
    expect(bench.right.packets()).toMatchObject([{ toMac: MAC_BROADCAST }]);
  });

  test('what is longer than the MTU is fragmented, unless it must not be', () => {
    const bench = router();
    const { endpoint } = open(bench);
    endpoint.send(new Uint8Array(3000), ipv4('10.0.2.2'), 9);
    bench.clock.settle();
    const parts = packetsOf(bench.right.frames());
    expect(parts.map(({ payload }) => payload.length)).toEqual([1480, 1480, 48]);
    expect(new Set(parts.map(({ identification }) => identification)).size).toBe(1);
    const refused = () => endpoint.send(new Uint8Array(3000), ipv4('10.0.2.2'), 9, { dontFragment: true });
    expect(refused).toThrow('EMSGSIZE');
    expect(thrownBy(refused)).toMatchObject({ mtu: 1500 });
  });

  test('with probe only the link counts, and what was learned of the path does not', () => {
    const bench = router();
    const { endpoint } = open(bench);
    const send = (length: number, dontFragment: true | 'probe') =>
      endpoint.send(new Uint8Array(length), ipv4('10.0.2.2'), 9, { dontFragment });
    bench.stack.ipv4.learnMtu(ipv4('10.0.2.2'), 1200);
    expect(thrownBy(() => send(1472, true))).toMatchObject({ code: 'EMSGSIZE', mtu: 1200 });
    expect(thrownBy(() => send(1473, 'probe'))).toMatchObject({ code: 'EMSGSIZE', mtu: 1500 });
    bench.right.frames();
    send(1472, 'probe');
    bench.clock.settle();
    expect(packetsOf(bench.right.frames())).toMatchObject([{ dontFragment: true, moreFragments: false }]);
  });

  test('RFC 1191: a smaller path MTU is learned, and forgotten after ten minutes', () => {
    const bench = router();
    const { endpoint, failed } = open(bench);
    endpoint.send(new Uint8Array(1400), ipv4('10.9.0.1'), 9);
    const [sent] = bench.right.packets();
    expect(sent).toMatchObject({ ip: { dontFragment: true } });
    const quote = encodeIpv4(sent!.ip).subarray(0, 28);
    const tooBig = (mtu: number) =>
      bench.right.send(
        ipPacket(
          1,
          ipv4('10.0.2.2'),
          ipv4('10.0.2.1'),
          encodeIcmp({ type: 3, code: 4, rest: mtu, data: quote }),
        ),
        bench.mac('right'),
      );
    tooBig(1200);
    expect(failed).toEqual(['too-big 4']);
    expect(bench.stack.ipv4.path(ipv4('10.9.0.1'))).toMatchObject({ mtu: 1200 });
    expect(bench.stack.ipv4.path(ipv4('10.9.0.2'))).toMatchObject({ mtu: 1500 });
    tooBig(1300);
    tooBig(60);
    expect(bench.stack.ipv4.path(ipv4('10.9.0.1'))).toMatchObject({ mtu: 1200 });
    endpoint.send(new Uint8Array(1400), ipv4('10.9.0.1'), 9);
    bench.clock.settle();
    expect(packetsOf(bench.right.frames())).toMatchObject([
      { moreFragments: true, dontFragment: false },
      { moreFragments: false },
    ]);
    expect(bench.stack.ipv4.learnedMtu(ipv4('10.9.0.1'))).toMatchObject({ mtu: 1200, expiresIn: 600_000 });
    bench.clock.advance(600_000);
    expect(bench.stack.ipv4.path(ipv4('10.9.0.1'))).toMatchObject({ mtu: 1500 });
    expect(bench.stack.ipv4.learnedMtu(ipv4('10.9.0.1'))).toBeUndefined();
  });

  test('ICMP-6: a router that tells no MTU makes the next smaller usual one', () => {
    const bench = router();
    const { endpoint } = open(bench);
    endpoint.send(new Uint8Array(1400), ipv4('10.9.0.1'), 9);
    const quote = encodeIpv4(bench.right.packets()[0]!.ip).subarray(0, 28);
    bench.right.send(
      ipPacket(1, ipv4('10.0.2.2'), ipv4('10.0.2.1'), encodeIcmp({ type: 3, code: 4, rest: 0, data: quote })),
      bench.mac('right'),
    );
    expect(bench.stack.ipv4.path(ipv4('10.9.0.1'))).toMatchObject({ mtu: 1006 });
  });

  test('no route is ENETUNREACH', () => {
    const { endpoint } = open(router());
    expect(() => endpoint.send(new Uint8Array(1), ipv4('8.8.8.8'), 9)).toThrow('send ENETUNREACH 8.8.8.8:9');
  });

  test('a source that is not mine is EADDRNOTAVAIL', () => {
    const { stack } = router();
    const buffer = new Uint8Array(stack.ipv4.headroom + 8);
    const options = { protocol: PROTOCOL_UDP, source: ipv4('10.0.1.9'), destination: ipv4('10.0.1.2') };
    expect(stack.ipv4.send(buffer, options)).toBe('EADDRNOTAVAIL');
  });
});

function thrownBy(action: () => void): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}
