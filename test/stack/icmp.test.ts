import { describe, expect, test } from 'vitest';
import { ipv4 } from '../../shared/core/address.ts';
import { encodeIcmp } from '../../shared/wire/icmp.ts';
import { encodeIpv4, PROTOCOL_ICMP } from '../../shared/wire/ipv4.ts';
import {
  echoPacket,
  errorPacket,
  fragmentsOf,
  ipPacket,
  readPacket,
  reassemble,
  udpPacket,
} from '../support/packets.ts';
import { stackBench } from '../support/stack-bench.ts';

const ME = '10.0.0.1';
const PEER = '10.0.0.2';

function host() {
  const bench = stackBench({ interfaces: { eth0: { address: `${ME}/24`, station: PEER } } });
  const peer = bench.station('eth0');
  const send = (packet: Uint8Array) => peer.send(packet, bench.mac('eth0'));
  const heard: string[] = [];
  const open = () =>
    bench.stack.echo.open({
      replied: ({ from, sequence, ttl, data }) =>
        heard.push(`${bench.stack.ipv4.format(from)} ${sequence} ${ttl} ${data.length}`),
      failed: ({ kind, code }, sequence) => heard.push(`${kind} ${code} ${sequence}`),
    });
  return { ...bench, peer, send, open, heard };
}

describe('echo', () => {
  test('ICMP-1: the answer has the same id, sequence and data, and comes from the address pinged', () => {
    const { send, peer, stack } = host();
    stack.interface('eth0').addAddress({ address: ipv4('10.0.0.7'), prefixLength: 24 });
    const data = Uint8Array.from({ length: 56 }, (_, index) => index);
    send(echoPacket('request', `${PEER}:4711`, '10.0.0.7:0', 12, data));
    expect(peer.packets()).toMatchObject([
      { from: '10.0.0.7:4711', to: `${PEER}:4711`, icmp: { type: 0, rest: 4711 * 65536 + 12, data } },
    ]);
  });

  test('ICMP-1: a bad checksum gets silence', () => {
    const { send, peer, counters } = host();
    send(ipPacket(PROTOCOL_ICMP, ipv4(PEER), ipv4(ME), Uint8Array.of(8, 0, 1, 2, 0, 1, 0, 1)));
    send(ipPacket(PROTOCOL_ICMP, ipv4(PEER), ipv4(ME), Uint8Array.of(8, 0, 1)));
    expect(peer.packets()).toEqual([]);
    expect(counters.get('icmp.bad-checksum')).toBe(1);
    expect(counters.get('icmp.too-short')).toBe(1);
  });

  test('ICMP-1: the answer to an echo of zeros has the right checksum, ffff', () => {
    const { send, peer } = host();
    send(echoPacket('request', `${PEER}:0`, `${ME}:0`, 0, new Uint8Array(56)));
    const answer = peer.frames().find((frame) => frame[12] === 8 && frame[13] === 0);
    expect([...answer!.subarray(34, 38)]).toEqual([0, 0, 0xff, 0xff]);
  });

  test('an echo to a broadcast gets silence', () => {
    const { send, peer } = host();
    send(echoPacket('request', `${PEER}:1`, '10.0.0.255:0'));
    expect(peer.packets()).toEqual([]);
  });

  test('an echo of 4000 bytes comes in fragments and is answered in fragments', () => {
    const { peer, send } = host();
    const request = echoPacket('request', `${PEER}:1`, `${ME}:0`, 1, new Uint8Array(4000).fill(3));
    for (const fragment of fragmentsOf(request, 1480)) send(fragment);
    const answer = peer.frames().filter((frame) => frame[12] === 8 && frame[13] === 0);
    expect(answer.map((frame) => frame.length)).toEqual([1514, 1514, 1082]);
    const whole = readPacket(reassemble(answer.map((frame) => frame.subarray(14))));
    expect(whole).toMatchObject({ icmp: { type: 0, data: new Uint8Array(4000).fill(3) } });
  });

  test('a reply finds its endpoint by the identifier, with its TTL', () => {
    const { peer, send, open, heard } = host();
    const echo = open();
    echo.send(ipv4(PEER), 5, Uint8Array.of(1, 2), { ttl: 3 });
    const [request] = peer.packets();
    expect(request).toMatchObject({ from: `${ME}:${echo.id}`, ip: { ttl: 3, dontFragment: true } });
    send(echoPacket('reply', `${PEER}:0`, `${ME}:${echo.id}`, 5, Uint8Array.of(1, 2), { ttl: 62 }));
    send(echoPacket('reply', `${PEER}:0`, `${ME}:${(echo.id + 1) % 65536}`, 5, Uint8Array.of(1, 2)));
    expect(heard).toEqual([`${PEER} 5 62 2`]);
    echo.close();
    send(echoPacket('reply', `${PEER}:0`, `${ME}:${echo.id}`, 6));
    expect(heard).toHaveLength(1);
  });

  test('identifiers are unique', () => {
    const { open } = host();
    const ids = Array.from({ length: 1000 }, () => open().id);
    expect(new Set(ids).size).toBe(1000);
  });

  test('an own address answers over the loopback', () => {
    const { open, heard, clock } = host();
    open().send(ipv4('127.0.0.1'), 1, new Uint8Array(8));
    clock.settle();
    expect(heard).toEqual(['127.0.0.1 1 64 8']);
  });

  test('what cannot be sent is thrown', () => {
    const { open } = host();
    expect(() => open().send(ipv4('8.8.8.8'), 1, new Uint8Array(8))).toThrow('send ENETUNREACH 8.8.8.8');
    const tooLong = () => open().send(ipv4(PEER), 1, new Uint8Array(1473), { dontFragment: true });
    expect(tooLong).toThrow('send EMSGSIZE 10.0.0.2');
    expect(() => open().send(ipv4(PEER), 1, new Uint8Array(65_508))).toThrow('EMSGSIZE');
  });
});

describe('errors that come in', () => {
  test('reach the echo endpoint that they are about, with the sequence', () => {
    const { peer, send, open, heard } = host();
    open().send(ipv4(PEER), 9, new Uint8Array(8), { ttl: 1 });
    const request = encodeIpv4(peer.packets()[0]!.ip);
    send(errorPacket('10.0.0.254', ME, 11, 0, request));
    send(errorPacket('10.0.0.254', ME, 3, 1, request));
    send(errorPacket('10.0.0.254', ME, 12, 0, request));
    expect(heard).toEqual(['time-exceeded 0 9', 'unreachable 1 9', 'parameter-problem 0 9']);
  });

  test('ICMP-4: 3/3 reaches the UDP endpoint', () => {
    const { peer, send, stack } = host();
    const failed: unknown[] = [];
    const endpoint = stack.udp.bind({
      user: {
        received: () => {},
        failed: ({ kind, code, from }, port) => failed.push([kind, code, stack.ipv4.format(from), port]),
      },
    });
    endpoint.connect(ipv4(PEER), 53);
    endpoint.send(Uint8Array.of(1), ipv4(PEER), 53);
    const sent = encodeIpv4(peer.packets()[0]!.ip);
    send(errorPacket(PEER, ME, 3, 3, sent));
    expect(failed).toEqual([['unreachable', 3, PEER, 53]]);
    send(errorPacket(PEER, ME, 3, 3, udpPacket(`${ME}:${endpoint.port}`, `${PEER}:54`)));
    expect(failed).toHaveLength(1);
  });

  test('about a packet that is not mine, or with a broken quote, are counted and forgotten', () => {
    const { send, counters, heard, open } = host();
    open();
    send(errorPacket(PEER, ME, 3, 3, udpPacket('10.0.0.9:1', `${PEER}:54`)));
    send(errorPacket(PEER, '10.0.0.255', 3, 3, udpPacket(`${ME}:1`, `${PEER}:54`)));
    expect(counters.get('icmp.not-about-us')).toBe(2);
    for (const data of [new Uint8Array(0), new Uint8Array(40), new Uint8Array(28).fill(0x4f)])
      send(ipPacket(PROTOCOL_ICMP, ipv4(PEER), ipv4(ME), encodeIcmp({ type: 3, code: 3, rest: 0, data })));
    expect(counters.get('icmp.bad-quote')).toBe(3);
    expect(heard).toEqual([]);
  });

  test('source quench, redirect and unknown types are ignored', () => {
    const { send, counters, peer } = host();
    const about = udpPacket(`${ME}:1`, `${PEER}:54`);
    for (const type of [4, 5, 9, 13, 200]) send(errorPacket(PEER, ME, type, 0, about));
    expect(counters.get('icmp.unknown-type')).toBe(5);
    expect(peer.packets()).toEqual([]);
  });
});
