import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileMatch, type FramePattern } from '../../shared/cable/frame-match.ts';
import { ipv4 } from '../../shared/core/address.ts';
import { encodeArp } from '../../shared/wire/arp.ts';
import { dnsQuery, encodeDns } from '../../shared/wire/dns/message.ts';
import { encodeEthernet } from '../../shared/wire/ethernet.ts';
import { TCP_ACK, TCP_SYN } from '../../shared/wire/tcp.ts';
import { echoPacket, tcpPacket, udpPacket } from '../support/packets.ts';

const LAPTOP = '192.168.0.10';
const WEB = '93.184.216.34';

function ethernet(type: number, payload: Uint8Array): Uint8Array {
  return encodeEthernet({ destination: 1, source: 2, type, payload });
}

const ip = (packet: Uint8Array) => ethernet(0x0800, packet);

const query = encodeDns(dnsQuery({ id: 7, name: 'www.example.com', type: 'A' }));
const answer = encodeDns({ ...dnsQuery({ id: 7, name: 'www.example.com', type: 'A' }), qr: true });

const FRAMES = {
  arp: ethernet(
    0x0806,
    encodeArp({
      operation: 'request',
      senderMac: 2,
      senderAddress: ipv4(LAPTOP),
      targetMac: 0,
      targetAddress: ipv4('192.168.0.1'),
    }),
  ),
  ping: ip(echoPacket('request', `${LAPTOP}:1`, `${WEB}:1`)),
  dnsQuery: ip(udpPacket(`${LAPTOP}:5000`, '8.8.8.8:53', { data: query })),
  dnsAnswer: ip(udpPacket('8.8.8.8:53', `${LAPTOP}:5000`, { data: answer })),
  dnsQueryTcp: ip(tcpPacket(`${LAPTOP}:5001`, '8.8.8.8:53', { payload: Uint8Array.of(0, 12, 0) })),
  dnsAnswerTcp: ip(tcpPacket('8.8.8.8:53', `${LAPTOP}:5001`, { payload: Uint8Array.of(0, 12, 0) })),
  dnsAckTcp: ip(tcpPacket('8.8.8.8:53', `${LAPTOP}:5001`)),
  syn: ip(tcpPacket(`${LAPTOP}:6000`, `${WEB}:80`, { flags: TCP_SYN })),
  synAck: ip(tcpPacket(`${WEB}:80`, `${LAPTOP}:6000`, { flags: TCP_SYN | TCP_ACK })),
  ack: ip(tcpPacket(`${LAPTOP}:6000`, `${WEB}:80`)),
  lastFragment: ip(udpPacket(`${LAPTOP}:5000`, '8.8.8.8:53', { data: query, header: { fragmentOffset: 8 } })),
  firstFragment: ip(
    udpPacket('8.8.8.8:53', `${LAPTOP}:5000`, { data: answer, header: { moreFragments: true } }),
  ),
  tagged: ethernet(0x8100, echoPacket('request', `${LAPTOP}:1`, `${WEB}:1`)),
  ipv6: ethernet(0x86dd, new Uint8Array(60).fill(0x60)),
} as const;
type Name = keyof typeof FRAMES;

function matches(pattern: FramePattern): Name[] {
  const test = compileMatch(pattern);
  return (Object.keys(FRAMES) as Name[]).filter((name) => test(FRAMES[name], false));
}

describe('a pattern', () => {
  it('without anything takes every frame, tagged and unknown ones too', () => {
    expect(matches({})).toEqual(Object.keys(FRAMES));
  });

  it('tells protocols apart', () => {
    expect(matches({ protocol: 'arp' })).toEqual(['arp']);
    expect(matches({ protocol: 'icmp' })).toEqual(['ping']);
    expect(matches({ protocol: 'udp' })).toEqual(['dnsQuery', 'dnsAnswer', 'lastFragment', 'firstFragment']);
    expect(matches({ protocol: 'tcp' })).toEqual([
      'dnsQueryTcp',
      'dnsAnswerTcp',
      'dnsAckTcp',
      'syn',
      'synAck',
      'ack',
    ]);
    expect(matches({ protocol: 'ipv4' })).not.toContain('arp');
    expect(matches({ protocol: 'ipv4' })).toHaveLength(11);
  });

  it('knows addresses, and leaves ARP alone unless it is for ARP', () => {
    expect(matches({ destination: [`${WEB}/32`] })).toEqual(['ping', 'syn', 'ack']);
    expect(matches({ source: ['8.0.0.0/8', `${WEB}/32`] })).toEqual([
      'dnsAnswer',
      'dnsAnswerTcp',
      'dnsAckTcp',
      'synAck',
      'firstFragment',
    ]);
    expect(matches({ source: [`${LAPTOP}/24`], destination: ['8.8.8.8/32'] })).toEqual([
      'dnsQuery',
      'dnsQueryTcp',
      'lastFragment',
    ]);
    expect(matches({ protocol: 'arp', destination: ['192.168.0.1/32'] })).toEqual(['arp']);
    expect(matches({ protocol: 'arp', source: ['192.168.0.1/32'] })).toEqual([]);
  });

  it('knows ports, where they are to be seen', () => {
    expect(matches({ destinationPort: 53 })).toEqual(['dnsQuery', 'dnsQueryTcp']);
    expect(matches({ sourcePort: 53 })).toEqual(['dnsAnswer', 'dnsAnswerTcp', 'dnsAckTcp', 'firstFragment']);
    expect(matches({ protocol: 'udp', sourcePort: 53, destinationPort: 5000 })).toEqual([
      'dnsAnswer',
      'firstFragment',
    ]);
  });

  it('wants all flags that it names', () => {
    expect(matches({ flags: ['syn'] })).toEqual(['syn', 'synAck']);
    expect(matches({ flags: ['syn', 'ack'] })).toEqual(['synAck']);
    expect(matches({ flags: ['rst'] })).toEqual([]);
  });

  it('tells DNS queries from answers: over UDP by QR, over TCP by who has port 53', () => {
    expect(matches({ dns: 'query' })).toEqual(['dnsQuery', 'dnsQueryTcp']);
    expect(matches({ dns: 'answer' })).toEqual(['dnsAnswer', 'dnsAnswerTcp', 'firstFragment']);
    expect(matches({ protocol: 'udp', dns: 'answer', destination: ['10.0.0.0/8'] })).toEqual([]);
  });

  it('may want what the device made itself', () => {
    const test = compileMatch({ originated: true, protocol: 'icmp' });
    expect([test(FRAMES.ping, false), test(FRAMES.ping, true), test(FRAMES.syn, false)]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('refuses a network that is none', () => {
    expect(() => compileMatch({ source: ['1.2.3.4'] })).toThrow('1.2.3.4 is no network: a.b.c.d/n is');
  });

  it('reads no byte beyond the end of whatever comes', () => {
    const patterns: FramePattern[] = [
      { protocol: 'arp', source: ['0.0.0.0/0'] },
      { destinationPort: 53 },
      { flags: ['syn'] },
      { dns: 'answer' },
      { dns: 'query', protocol: 'tcp' },
      { source: ['0.0.0.0/0'] },
    ];
    const tests = patterns.map(compileMatch);
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.values(FRAMES)),
        fc.nat({ max: 100 }),
        fc.uint8Array({ maxLength: 40 }),
        fc.nat({ max: 60 }),
        (frame, length, noise, at) => {
          const cut = frame.slice(0, length);
          cut.set(noise.subarray(0, Math.max(0, cut.length - at)), Math.min(at, cut.length));
          for (const test of tests) expect(typeof test(cut, false)).toBe('boolean');
        },
      ),
    );
  });
});
