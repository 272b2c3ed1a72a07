import { describe, expect, test } from 'vitest';
import { ipv4, MAC_BROADCAST, mac } from '../../shared/core/address.ts';
import type { UdpBinding } from '../../shared/stack/datagram-api.ts';
import { ipPacket, udpPacket } from '../support/packets.ts';
import { stackBench } from '../support/stack-bench.ts';

const ME = '10.0.0.1';
const PEER = '10.0.0.2';

function host() {
  const bench = stackBench({
    interfaces: {
      eth0: { address: `${ME}/24`, station: PEER },
      eth1: { address: '10.0.1.1/24', station: '10.0.1.2' },
      dhcp: {},
    },
  });
  const heard: string[] = [];
  const { stack } = bench;
  const bind = (name: string, options: Omit<UdpBinding, 'user'> = {}) =>
    stack.udp.bind({
      ...options,
      user: {
        received: ({ data, source, port, destination, interface: from }) =>
          heard.push(
            `${name}: ${data.length} ${stack.ipv4.format(source)}:${port} ${stack.ipv4.format(destination)} ${from}`,
          ),
        failed: ({ kind, code }) => heard.push(`${name}: ${kind} ${code}`),
      },
    });
  const peer = bench.station('eth0');
  const send = (packet: Uint8Array) => peer.send(packet, bench.mac('eth0'));
  return { ...bench, peer, send, bind, heard };
}

const TO_ME = `${ME}:7`;
const FROM = `${PEER}:1000`;

describe('UDP receives', () => {
  test('UDP-1: checksum 0 is accepted, a wrong one is dropped in silence', () => {
    const { send, bind, heard, counters, peer } = host();
    bind('any', { port: 7 });
    send(udpPacket(FROM, TO_ME, { checksum: false }));
    const wrong = udpPacket(FROM, TO_ME);
    wrong[30] = 99;
    send(wrong);
    expect(heard).toEqual([`any: 3 ${FROM} ${ME} eth0`]);
    expect(counters.get('udp.bad-checksum')).toBe(1);
    expect(peer.packets()).toEqual([]);
  });

  test('UDP-2: a length under 8 or beyond the payload is dropped, a shorter one trims', () => {
    const { send, bind, heard, counters } = host();
    bind('any', { port: 7 });
    const datagram = (length: number) =>
      ipPacket(17, ipv4(PEER), ipv4(ME), Uint8Array.of(0, 1, 0, 7, 0, length, 0, 0, 1, 2, 3, 4));
    send(datagram(7));
    send(datagram(13));
    expect(counters.get('udp.bad-length')).toBe(2);
    send(datagram(10));
    expect(heard).toEqual([`any: 2 ${PEER}:1 ${ME} eth0`]);
    send(ipPacket(17, ipv4(PEER), ipv4(ME), new Uint8Array(7)));
    expect(counters.get('udp.too-short')).toBe(1);
  });

  test('UDP-3: a closed port is answered 3/3, never for a broadcast', () => {
    const { send, peer, counters } = host();
    send(udpPacket(FROM, TO_ME));
    expect(peer.packets()).toMatchObject([{ from: ME, icmp: { type: 3, code: 3 } }]);
    send(udpPacket(FROM, '10.0.0.255:7'));
    send(udpPacket(FROM, '255.255.255.255:7'));
    expect(peer.packets()).toEqual([]);
    expect(counters.snapshot()).toEqual({ 'udp.no-port': 1, 'udp.broadcast-no-port': 2 });
  });

  test('the endpoint that is described most closely gets it', () => {
    const { send, bind, heard, stack } = host();
    stack.interface('eth0').addAddress({ address: ipv4('10.0.0.9'), prefixLength: 24 });
    bind('wildcard other', { port: 8 });
    bind('specific', { port: 7, address: ipv4(ME) });
    const connected = bind('connected', { port: 7, address: ipv4('10.0.0.9') });
    connected.connect(ipv4(PEER), 1000);
    send(udpPacket(FROM, TO_ME));
    send(udpPacket(FROM, '10.0.0.9:7'));
    send(udpPacket(`${PEER}:1001`, '10.0.0.9:7'));
    expect(heard).toEqual([`specific: 3 ${FROM} ${ME} eth0`, `connected: 3 ${FROM} 10.0.0.9 eth0`]);
  });

  test('a broadcast goes to every endpoint of its port', () => {
    const { peer, bind, heard } = host();
    bind('eth0', { port: 68, interface: 'eth0' });
    bind('eth1', { port: 68, interface: 'eth1' });
    peer.send(udpPacket(`${PEER}:67`, '255.255.255.255:68'), MAC_BROADCAST);
    expect(heard).toEqual([`eth0: 3 ${PEER}:67 255.255.255.255 eth0`]);
  });

  test('RFC 2131 §4.1: unicast to an interface without address goes to who is bound to it', () => {
    const { station, mac: macOf, bind, heard } = host();
    const server = station('dhcp');
    const offer = udpPacket('10.5.0.1:67', '10.5.0.77:68');
    server.send(offer, macOf('dhcp'));
    expect(heard).toEqual([]);
    bind('client', { port: 68, interface: 'dhcp' });
    server.send(offer, macOf('dhcp'));
    expect(heard).toEqual(['client: 3 10.5.0.1:67 10.5.0.77 dhcp']);
    expect(server.packets()).toEqual([]);
  });
});

describe('UDP sends', () => {
  test('UDP-4: a reply leaves from the address that the request was sent to', () => {
    const { peer, bind, stack } = host();
    stack.interface('eth0').addAddress({ address: ipv4('10.0.0.9'), prefixLength: 24 });
    const endpoint = bind('any', { port: 7 });
    endpoint.send(Uint8Array.of(1), ipv4(PEER), 1000, { source: ipv4('10.0.0.9') });
    endpoint.send(Uint8Array.of(1), ipv4(PEER), 1000);
    expect(peer.packets()).toMatchObject([{ from: '10.0.0.9:7', to: FROM }, { from: TO_ME }]);
  });

  test('before it has an address: from 0.0.0.0, to everybody, through one interface', () => {
    const { station, bind } = host();
    const client = bind('client', { port: 68, interface: 'dhcp', broadcast: true });
    client.send(new Uint8Array(300), ipv4('255.255.255.255'), 67, { source: 0 });
    expect(station('dhcp').packets()).toMatchObject([
      { toMac: MAC_BROADCAST, from: '0.0.0.0:68', to: '255.255.255.255:67' },
    ]);
  });

  test('to a MAC without ARP, for a client that has no address yet', () => {
    const { station, bind } = host();
    const server = bind('server', { port: 67, interface: 'eth0' });
    const link = mac('02:00:00:00:05:05');
    server.send(Uint8Array.of(1), ipv4('10.0.0.77'), 68, { link });
    expect(station('eth0').frames()).toHaveLength(1);
    server.send(Uint8Array.of(1), ipv4('10.0.0.77'), 68, { link });
    expect(station('eth0').packets()).toMatchObject([{ toMac: link, from: `${ME}:67` }]);
  });

  test('a broadcast needs leave', () => {
    const { bind } = host();
    const endpoint = bind('any');
    expect(() => endpoint.send(Uint8Array.of(1), ipv4('10.0.0.255'), 9)).toThrow('send EACCES 10.0.0.255:9');
  });

  test('more than a packet holds is EMSGSIZE', () => {
    const { bind } = host();
    const send = () => bind('any').send(new Uint8Array(65_508), ipv4(PEER), 9);
    expect(send).toThrow('EMSGSIZE');
  });

  test('TTL, TOS and DF are set where asked', () => {
    const { peer, bind } = host();
    const endpoint = bind('any');
    endpoint.send(Uint8Array.of(1), ipv4(PEER), 9, { ttl: 2, tos: 0x10, dontFragment: false });
    endpoint.send(Uint8Array.of(1), ipv4(PEER), 9);
    expect(peer.packets()).toMatchObject([
      { ip: { ttl: 2, tos: 0x10, dontFragment: false } },
      { ip: { ttl: 64, tos: 0, dontFragment: true } },
    ]);
  });

  test('a neighbour that does not answer is reported as host unreachable', () => {
    const { bind, clock, heard } = host();
    bind('any').send(Uint8Array.of(1), ipv4('10.0.0.77'), 9);
    clock.advance(3000);
    expect(heard).toEqual(['any: unreachable 1']);
  });

  test('a connected endpoint has the address that it speaks from', () => {
    const { bind } = host();
    const endpoint = bind('any');
    endpoint.connect(ipv4('10.0.1.2'), 9);
    expect(endpoint).toMatchObject({ address: ipv4('10.0.1.1'), peer: { port: 9 } });
    expect(() => bind('other').connect(ipv4('8.8.8.8'), 9)).toThrow('connect ENETUNREACH 8.8.8.8:9');
  });
});

describe('UDP binds', () => {
  test('overlapping bindings are refused as on Linux', () => {
    const { bind } = host();
    bind('any', { port: 7 });
    expect(() => bind('again', { port: 7 })).toThrow('bind EADDRINUSE 0.0.0.0:7');
    expect(() => bind('specific', { port: 7, address: ipv4(ME) })).toThrow('EADDRINUSE');
    expect(() => bind('interface', { port: 7, interface: 'eth0' })).toThrow('EADDRINUSE');
    bind('a', { port: 8, address: ipv4(ME) });
    bind('b', { port: 8, address: ipv4('10.0.1.1') });
    bind('c', { port: 9, interface: 'eth0' });
    bind('d', { port: 9, interface: 'eth1' });
    expect(() => bind('foreign', { port: 7, address: ipv4(PEER) })).toThrow('EADDRNOTAVAIL');
  });

  test('a closed endpoint frees its port', () => {
    const { bind, stack } = host();
    const endpoint = bind('any', { port: 7 });
    expect(stack.udp.endpoints()).toEqual([endpoint]);
    endpoint.close();
    endpoint.close();
    expect(stack.udp.endpoints()).toEqual([]);
    bind('again', { port: 7 });
  });

  test('port 0 takes a free one out of 49152–65535', () => {
    const { bind } = host();
    const ports = Array.from({ length: 500 }, () => bind('any').port);
    expect(new Set(ports).size).toBe(500);
    expect(ports.every((port) => port >= 49_152 && port <= 65_535)).toBe(true);
    expect(Math.max(...ports) - Math.min(...ports)).toBeGreaterThan(8000);
  });

  test('when all are taken, EADDRINUSE', () => {
    const { bind } = host();
    for (let port = 49_152; port <= 65_535; port++) bind('any', { port });
    expect(() => bind('any')).toThrow('EADDRINUSE');
  });
});
