import { describe, expect, it } from 'vitest';
import { formatIpv4, ipv4 } from '../../../shared/core/address.ts';
import { TCP_ACK, TCP_RST, TCP_SYN } from '../../../shared/wire/tcp.ts';
import { NatRouter, OUTSIDE } from '../../support/nat-router.ts';
import { echoPacket, ipPacket, readPacket, tcpPacket, udpPacket } from '../../support/packets.ts';

const A = '192.168.0.10:50000';
const B = '192.168.0.11:50000';
const DNS = '8.8.8.8:53';
const WEB = '93.184.216.34:80';

describe('mapping', () => {
  it('NAT-1: an inner endpoint has the same outer port towards all destinations, and a session for each', () => {
    const router = new NatRouter();
    const first = router.out(udpPacket(A, DNS));
    const second = router.out(udpPacket(A, WEB));
    expect(first.from).toMatch(/^51\.0\.0\.20:\d+$/);
    expect(second.from).toBe(first.from);
    expect(router.nat.table().map((row) => formatIpv4(row.destination.address))).toEqual([
      '8.8.8.8',
      '93.184.216.34',
    ]);
  });

  it('NAT-1: a binding is logged with its endpoints, and shown in the table with its age', () => {
    const router = new NatRouter();
    const { from } = router.out(udpPacket(A, DNS));
    router.clock.advance(5000);
    expect(router.log.named('nat.bind')).toMatchObject([
      { level: 'info', fields: { proto: 'udp', inside: A, outside: from, destination: DNS } },
    ]);
    expect(router.nat.table()).toEqual([
      {
        protocol: 'udp',
        inside: { address: ipv4('192.168.0.10'), port: 50000 },
        outside: { address: ipv4(OUTSIDE), port: Number(from.split(':')[1]) },
        destination: { address: ipv4('8.8.8.8'), port: 53 },
        state: 'unreplied',
        age: 5000,
        expiresIn: 115_000,
      },
    ]);
  });

  it('NAT-1: no two inner endpoints share an outer port of a protocol, and all are 1024 or more', () => {
    const router = new NatRouter();
    for (let port = 1024; port < 9024; port++) router.receive(udpPacket(`192.168.0.10:${port}`, DNS), 'lan');
    const ports = router.nat.table().map((row) => row.outside.port);
    expect(new Set(ports).size).toBe(8000);
    expect(Math.min(...ports)).toBeGreaterThanOrEqual(1024);
  });

  it('NAT-1: a source port under 1024 gets an outer port under 1024', () => {
    const router = new NatRouter();
    const { from } = router.out(udpPacket('192.168.0.10:123', '8.8.8.8:123'));
    expect(Number(from.split(':')[1])).toBeLessThan(1024);
  });

  it('NAT-1: and one above when those are used up', () => {
    const router = new NatRouter();
    const outer = Array.from({ length: 520 }, (_, index) => {
      const source = `192.168.0.${10 + (index % 3)}:${1 + Math.floor(index / 3)}`;
      return Number(router.out(udpPacket(source, DNS)).from.split(':')[1]);
    });
    expect(new Set(outer).size).toBe(520);
    expect(outer.filter((port) => port < 1024)).toHaveLength(512);
  });

  it('NAT-1: an answer comes in, and nothing from another address or port does', () => {
    const router = new NatRouter();
    const { from: outer } = router.out(udpPacket(A, DNS));
    expect(router.receive(udpPacket('8.8.8.8:54', outer), 'wan')).toBeUndefined();
    expect(router.receive(udpPacket('8.8.4.4:53', outer), 'wan')).toBeUndefined();
    expect(router.receive(tcpPacket(DNS, outer), 'wan')).toBeUndefined();
    expect(router.counters.get('nat.unsolicited')).toBe(3);
    expect(router.in(udpPacket(DNS, outer))).toMatchObject({ from: DNS, to: A });
    expect(router.nat.table()[0]?.state).toBe('assured');
  });

  it('NAT-5: two hosts with the same source port both work, over UDP and TCP', () => {
    const router = new NatRouter();
    for (const make of [udpPacket, tcpPacket]) {
      const a = router.out(make(A, WEB)).from;
      const b = router.out(make(B, WEB)).from;
      expect(a).not.toBe(b);
      expect(router.in(make(WEB, b)).to).toBe(B);
      expect(router.in(make(WEB, a)).to).toBe(A);
    }
  });

  it('NAT-1: an echo of zeros, id 0 included, comes back with a right checksum', () => {
    const router = new NatRouter();
    const zeros = new Uint8Array(56);
    const { from } = router.out(echoPacket('request', '192.168.0.10:0', '8.8.8.8', 0, zeros));
    expect(router.in(echoPacket('reply', '8.8.8.8', from, 0, zeros)).to).toBe('192.168.0.10:0');
  });

  it('NAT-5: two hosts with the same ping id both work', () => {
    const router = new NatRouter();
    const a = router.out(echoPacket('request', '192.168.0.10:7', '8.8.8.8', 1)).from;
    const b = router.out(echoPacket('request', '192.168.0.11:7', '8.8.8.8', 1)).from;
    expect(a).not.toBe(b);
    expect(router.in(echoPacket('reply', '8.8.8.8', b, 1)).to).toBe('192.168.0.11:7');
    expect(router.in(echoPacket('reply', '8.8.8.8', a, 1)).to).toBe('192.168.0.10:7');
    expect(router.receive(echoPacket('reply', '8.8.4.4', a, 1), 'wan')).toBeUndefined();
  });

  it('NAT-7: a UDP checksum of 0 stays 0, in both directions', () => {
    const router = new NatRouter();
    const out = router.out(udpPacket(A, DNS, { checksum: false }));
    expect(out.udp?.checksum).toBe(0);
    expect(router.in(udpPacket(DNS, out.from, { checksum: false })).udp?.checksum).toBe(0);
  });

  it('NAT-7: a UDP checksum that comes out as 0 is sent as ffff', () => {
    const router = new NatRouter();
    const { udp } = router.out(udpPacket(A, DNS, { data: Uint8Array.of(0, 0) }));
    // With its own checksum for data, a datagram sums up to ffff, whose complement is 0.
    const word = udp?.checksum ?? 0;
    const second = router.out(udpPacket(A, DNS, { data: Uint8Array.of(word >>> 8, word & 255) }));
    expect(second.udp?.checksum).toBe(0xffff);
  });

  it('a wrong checksum stays wrong', () => {
    const router = new NatRouter();
    const packet = udpPacket(A, DNS);
    packet[26]! ^= 0x55;
    const sent = router.receive(packet, 'lan');
    expect(sent?.to).toBe('wan');
    expect(() => readPacket(sent!.packet)).toThrow('wrong UDP checksum');
  });
});

describe('what is not translated', () => {
  it('packets between inside networks and to the router itself', () => {
    const router = new NatRouter();
    expect(router.hairpin(udpPacket(A, B)).from).toBe(A);
    const ping = router.receive(echoPacket('request', '192.168.0.10:7', OUTSIDE), 'lan');
    expect(ping?.to).toBe('self');
    expect(readPacket(ping!.packet).from).toBe('192.168.0.10:7');
    expect(router.receive(tcpPacket(A, `${OUTSIDE}:80`), 'lan')?.to).toBe('self');
    expect(router.nat.table()).toEqual([]);
  });

  it("an echo request from outside reaches the router's own stack, and its reply leaves", () => {
    const router = new NatRouter();
    expect(router.receive(echoPacket('request', '8.8.8.8:9', OUTSIDE), 'wan')?.to).toBe('self');
    expect(router.originate(echoPacket('reply', OUTSIDE, '8.8.8.8:9'))?.to).toBe('wan');
  });

  it("the router's own flows keep their port, get their answers and stay out of the table", () => {
    const router = new NatRouter();
    const sent = router.originate(udpPacket(`${OUTSIDE}:50001`, DNS));
    expect(readPacket(sent!.packet).from).toBe(`${OUTSIDE}:50001`);
    expect(router.receive(udpPacket(DNS, `${OUTSIDE}:50001`), 'wan')?.to).toBe('self');
    expect(router.receive(udpPacket(WEB, `${OUTSIDE}:50001`), 'wan')).toBeUndefined();
    expect(router.nat.table()).toEqual([]);
    expect(router.log.named('nat.bind')).toEqual([]);
  });

  it("an own flow whose port is an inner endpoint's outer port gets another one", () => {
    const router = new NatRouter();
    const inner = router.out(udpPacket(A, DNS)).from;
    const own = readPacket(router.originate(udpPacket(inner, DNS))!.packet).from;
    expect(own).not.toBe(inner);
    const answer = router.receive(udpPacket(DNS, own), 'wan');
    expect(answer?.to).toBe('self');
    expect(readPacket(answer!.packet).to).toBe(inner);
    expect(router.in(udpPacket(DNS, inner)).to).toBe(A);
  });

  it('the DHCP client of the outside interface works before it has an address', () => {
    const router = new NatRouter();
    router.outsideAddress = undefined;
    const discover = udpPacket('0.0.0.0:68', '255.255.255.255:67');
    expect(router.originate(discover)?.to).toBe('wan');
    expect(router.nat.prerouting(udpPacket('51.0.0.1:67', '51.0.0.33:68'), 'wan')).toBe('accept');
    expect(router.nat.prerouting(udpPacket('51.0.0.1:67', '192.168.0.9:68'), 'wan')).toBe('drop');
    expect(router.receive(udpPacket(A, DNS), 'lan')).toBeUndefined();
    expect(router.counters.get('nat.no-address')).toBe(1);
  });

  it('a new outer address voids all sessions', () => {
    const router = new NatRouter();
    router.out(udpPacket(A, DNS));
    router.outsideAddress = ipv4('51.0.0.33');
    expect(router.nat.table()).toEqual([]);
    expect(router.out(udpPacket(A, DNS)).from).toMatch(/^51\.0\.0\.33:/);
  });

  it('flush forgets all sessions and lets no timer run on', () => {
    const router = new NatRouter();
    const { from } = router.out(udpPacket(A, DNS));
    router.nat.flush();
    expect(router.nat.table()).toEqual([]);
    expect(router.clock.nextDue).toBeUndefined();
    expect(router.receive(udpPacket(DNS, from), 'wan')).toBeUndefined();
  });
});

describe('what is dropped', () => {
  it('NAT-6: an unsolicited SYN gets silence', () => {
    const router = new NatRouter();
    const syn = tcpPacket('93.184.216.34:4000', `${OUTSIDE}:22`, { flags: TCP_SYN });
    expect(router.receive(syn, 'wan')).toBeUndefined();
    router.clock.advance(7000);
    expect(router.released).toEqual([]);
    expect(router.counters.get('nat.unsolicited')).toBe(1);
    expect(router.log.named('nat.drop')).toMatchObject([
      { level: 'debug', fields: { reason: 'unsolicited', source: '93.184.216.34', destination: OUTSIDE } },
    ]);
  });

  it('NAT-6: a SYN from inside that crosses it within 6 s opens the way for the next', () => {
    const router = new NatRouter();
    // The mapping is there for another destination, as hole punching finds it out.
    const { from: outer } = router.out(tcpPacket(A, '8.8.8.8:443', { flags: TCP_SYN }));
    const early = tcpPacket(WEB, outer, { flags: TCP_SYN });
    expect(router.receive(early.slice(), 'wan')).toBeUndefined();
    router.clock.advance(3000);
    expect(router.out(tcpPacket(A, WEB, { flags: TCP_SYN })).from).toBe(outer);
    expect(router.in(early.slice()).to).toBe(A);
    router.clock.advance(10_000);
    expect(router.released).toEqual([]);
  });

  it('NAT-6: a simultaneous open passes', () => {
    const router = new NatRouter();
    const { from: outer } = router.out(tcpPacket(A, WEB, { flags: TCP_SYN }));
    expect(router.in(tcpPacket(WEB, outer, { flags: TCP_SYN })).to).toBe(A);
    router.out(tcpPacket(A, WEB, { flags: TCP_SYN | TCP_ACK }));
    router.in(tcpPacket(WEB, outer, { flags: TCP_SYN | TCP_ACK }));
    expect(router.nat.table()[0]?.state).toBe('established');
  });

  it('NAT-8: packets from outside to an inside address or with an inside source', () => {
    const router = new NatRouter();
    expect(router.receive(udpPacket(DNS, A), 'wan')).toBeUndefined();
    expect(router.receive(udpPacket(B, `${OUTSIDE}:5000`), 'wan')).toBeUndefined();
    expect(router.counters.get('nat.unsolicited')).toBe(2);
  });

  it('NAT-8: what cannot be translated does not leave', () => {
    const router = new NatRouter();
    const address = (text: string) => ipv4(text.split(':')[0] ?? '');
    const gre = ipPacket(47, address(A), address(WEB), new Uint8Array(20));
    expect(router.receive(gre, 'lan')).toBeUndefined();
    expect(router.receive(echoPacket('reply', A, WEB), 'lan')).toBeUndefined();
    expect(router.counters.get('nat.unsupported')).toBe(2);
    expect(router.receive(udpPacket('10.1.2.3:5', DNS), 'lan')).toBeUndefined();
    expect(router.receive(udpPacket(`${OUTSIDE}:5`, DNS), 'lan')).toBeUndefined();
    expect(router.counters.get('nat.spoofed')).toBe(2);
    expect(router.receive(tcpPacket(A, WEB, { flags: TCP_RST }), 'lan')).toBeUndefined();
    expect(router.counters.get('nat.no-session')).toBe(1);
    const stub = ipPacket(6, address(A), address(WEB), new Uint8Array(12));
    expect(router.receive(stub, 'lan')).toBeUndefined();
    expect(router.counters.get('nat.malformed')).toBe(1);
    expect(router.nat.table()).toEqual([]);
  });

  it('NAT-8: the router itself speaking from its inside address is translated too', () => {
    const router = new NatRouter();
    const sent = router.originate(udpPacket('192.168.0.1:5353', DNS));
    expect(readPacket(sent!.packet).from).toMatch(/^51\.0\.0\.20:/);
  });
});

describe('a full table', () => {
  it('NAT-10: refuses new flows with a log line a second, and disturbs none of the old', () => {
    const router = new NatRouter({ maxSessions: 200 });
    const outer = Array.from(
      { length: 100 },
      (_, index) => router.out(udpPacket(`192.168.0.10:${2000 + index}`, DNS)).from,
    );
    for (let port = 3000; port < 3050; port++)
      expect(router.receive(udpPacket(`192.168.0.10:${port}`, DNS), 'lan')).toBeUndefined();
    expect(router.log.named('nat.full')).toMatchObject([
      { level: 'warn', fields: { inside: '192.168.0.10', held: 100, sessions: 100 } },
    ]);
    expect(router.counters.get('nat.full')).toBe(50);
    router.clock.advance(1000);
    expect(router.receive(udpPacket('192.168.0.10:3000', DNS), 'lan')).toBeUndefined();
    expect(router.log.named('nat.full')).toHaveLength(2);
    for (const [index, endpoint] of outer.entries()) {
      expect(router.in(udpPacket(DNS, endpoint)).to).toBe(`192.168.0.10:${2000 + index}`);
      expect(router.out(udpPacket(`192.168.0.10:${2000 + index}`, DNS)).from).toBe(endpoint);
    }
    router.clock.advance(121_000);
    expect(router.out(udpPacket('192.168.0.10:3000', DNS)).to).toBe(DNS);
  });

  it('NAT-10: has room for a host that holds little, however many others flood it', () => {
    const router = new NatRouter({ maxSessions: 2000 });
    for (let port = 2000; port < 4000; port++)
      for (let host = 10; host < 20; host++)
        router.receive(udpPacket(`192.168.0.${host}:${port}`, DNS), 'lan');
    for (let port = 2000; port < 2050; port++)
      expect(router.out(udpPacket(`192.168.0.99:${port}`, DNS)).to).toBe(DNS);
  });

  it('NAT-10: holds 10,000 sessions unless told otherwise', () => {
    const router = new NatRouter();
    for (let index = 0; index < 10_000; index++) router.out(udpPacket(`192.168.0.10:${1024 + index}`, DNS));
    expect(router.nat.table()).toHaveLength(10_000);
  });
});
