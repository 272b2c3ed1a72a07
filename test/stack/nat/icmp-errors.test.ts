import { describe, expect, it } from 'vitest';
import { ipv4 } from '../../../shared/core/address.ts';
import { readU16 } from '../../../shared/core/bytes.ts';
import { checksum } from '../../../shared/core/checksum.ts';
import { TCP_ACK, TCP_SYN } from '../../../shared/wire/tcp.ts';
import { NatRouter, OUTSIDE } from '../../support/nat-router.ts';
import {
  echoPacket,
  errorPacket,
  fragmentsOf,
  type ReadPacket,
  readPacket,
  tcpPacket,
  udpPacket,
} from '../../support/packets.ts';

const A = '192.168.0.10:50000';
const DNS = '8.8.8.8:53';
const WEB = '93.184.216.34:80';
const HOP = '51.0.0.1';
const SERVER_FORWARD = {
  protocol: 'udp',
  port: 8080,
  to: { address: ipv4('192.168.0.50'), port: 53 },
} as const;

const quoteOf = (error: ReadPacket): Uint8Array => error.icmp?.data ?? new Uint8Array();

/** What leaves for `packet`, as bytes that an error may be about. */
function sentFor(router: NatRouter, packet: Uint8Array): Uint8Array {
  return router.receive(packet, 'lan')!.packet;
}

describe('errors from outside', () => {
  it('NAT-4: a time exceeded comes back with the quote as it was sent, byte for byte', () => {
    for (const packet of [
      udpPacket(A, '93.184.216.34:33434'),
      tcpPacket(A, WEB, { flags: TCP_SYN }),
      echoPacket('request', '192.168.0.10:7', '93.184.216.34'),
    ]) {
      const router = new NatRouter();
      const original = packet.slice();
      const sent = sentFor(router, packet);
      for (const quoted of [8, 20, 28]) {
        const error = router.in(errorPacket(HOP, OUTSIDE, 11, 0, sent, quoted));
        expect(error).toMatchObject({ from: HOP, to: '192.168.0.10', icmp: { type: 11, code: 0 } });
        expect(quoteOf(error)).toEqual(original.subarray(0, 20 + quoted).slice(0, quoteOf(error).length));
      }
    }
  });

  it('NAT-4: the quote has lost hops on its way: its header checksum stays right', () => {
    const router = new NatRouter();
    const sent = sentFor(router, udpPacket(A, '93.184.216.34:33434', { header: { ttl: 3 } }));
    sent[8]! -= 2;
    sent.fill(0, 10, 12);
    const sum = checksum(sent, 0, 20);
    sent[10] = sum >>> 8;
    sent[11] = sum;
    const quote = quoteOf(router.in(errorPacket('10.9.9.9', OUTSIDE, 11, 0, sent)));
    expect(checksum(quote, 0, 20)).toBe(0);
  });

  it('NAT-4: the mapping survives unreachables, and the session its lifetime', () => {
    const router = new NatRouter();
    const sent = sentFor(router, udpPacket(A, DNS));
    router.in(errorPacket('8.8.8.8', OUTSIDE, 3, 3, sent));
    expect(router.nat.table()).toMatchObject([{ state: 'unreplied', expiresIn: 120_000 }]);
    expect(router.in(udpPacket(DNS, readPacket(sent).from)).to).toBe(A);
  });

  it('NAT-4: an error about no session of ours, or with a wrong checksum, is dropped', () => {
    const router = new NatRouter();
    const sent = sentFor(router, udpPacket(A, DNS));
    const stranger = udpPacket(`${OUTSIDE}:4`, DNS);
    expect(router.receive(errorPacket(HOP, OUTSIDE, 11, 0, stranger), 'wan')).toBeUndefined();
    const wrong = errorPacket(HOP, OUTSIDE, 11, 0, sent);
    wrong[30]! ^= 1;
    expect(router.receive(wrong, 'wan')).toBeUndefined();
    const short = errorPacket(HOP, OUTSIDE, 11, 0, sent, 7);
    expect(router.receive(short, 'wan')).toBeUndefined();
    const later = fragmentsOf(sent, 8)[1]!;
    expect(router.receive(errorPacket(HOP, OUTSIDE, 11, 0, later), 'wan')).toBeUndefined();
    expect(router.counters.get('nat.unsolicited')).toBe(4);
  });

  it("NAT-4: an error about the router's own packet reaches its stack unchanged", () => {
    const router = new NatRouter();
    const own = router.originate(udpPacket(`${OUTSIDE}:50001`, DNS))!.packet;
    const error = errorPacket('8.8.8.8', OUTSIDE, 3, 3, own);
    const before = error.slice();
    const sent = router.receive(error, 'wan');
    expect(sent?.to).toBe('self');
    expect(sent?.packet).toEqual(before);
  });
});

describe('errors to outside', () => {
  it('NAT-8: an inside host that refuses an inbound packet quotes the outer endpoint', () => {
    const router = new NatRouter();
    const { from: outer } = router.out(udpPacket(A, DNS));
    const answer = udpPacket(DNS, outer);
    const original = answer.slice();
    const delivered = router.receive(answer, 'wan')!.packet;
    const error = router.out(errorPacket('192.168.0.10', '8.8.8.8', 3, 3, delivered));
    expect(error).toMatchObject({ from: OUTSIDE, to: '8.8.8.8' });
    expect(quoteOf(error)).toEqual(original.subarray(0, 28));
  });

  it('NAT-8: so does the router, when the inside host cannot be reached', () => {
    const router = new NatRouter({ forwards: [SERVER_FORWARD] });
    const request = udpPacket(WEB, `${OUTSIDE}:8080`);
    const original = request.slice();
    const delivered = router.receive(request, 'wan')!.packet;
    const sent = router.originate(errorPacket(OUTSIDE, '93.184.216.34', 3, 1, delivered));
    const error = readPacket(sent!.packet);
    expect(error.from).toBe(OUTSIDE);
    expect(quoteOf(error)).toEqual(original.subarray(0, 28));
  });

  it('NAT-8: an error about an echo reply quotes the outer id', () => {
    const router = new NatRouter();
    const { from: outer } = router.out(echoPacket('request', '192.168.0.10:7', '8.8.8.8'));
    const delivered = router.receive(echoPacket('reply', '8.8.8.8', outer), 'wan')!.packet;
    const error = router.out(errorPacket('192.168.0.10', '8.8.8.8', 3, 2, delivered));
    expect(readU16(quoteOf(error), 24)).toBe(Number(outer.split(':')[1]));
  });

  it('NAT-8: an error about what is no session stays inside', () => {
    const router = new NatRouter();
    const about = udpPacket(DNS, A);
    expect(router.receive(errorPacket('192.168.0.10', '8.8.8.8', 3, 3, about), 'lan')).toBeUndefined();
    expect(router.counters.get('nat.no-session')).toBe(1);
  });
});

describe('errors that stay inside', () => {
  it('NAT-3: an error about a hairpinned packet comes back with what its sender knows', () => {
    const router = new NatRouter({ forwards: [SERVER_FORWARD] });
    const request = udpPacket(A, `${OUTSIDE}:8080`);
    const original = request.slice();
    const delivered = router.receive(request, 'lan')!.packet;
    const refusal = errorPacket('192.168.0.50', OUTSIDE, 3, 3, delivered);
    const error = router.hairpin(refusal);
    expect(error).toMatchObject({ from: OUTSIDE, to: '192.168.0.10' });
    expect(quoteOf(error)).toEqual(original.subarray(0, 28));
  });

  it('NAT-4: the router finds no next hop after the translation: its report goes to the sender', () => {
    const router = new NatRouter();
    const packet = tcpPacket(A, '51.0.0.99:80', { flags: TCP_SYN | TCP_ACK });
    const original = packet.slice();
    const sent = sentFor(router, packet);
    const error = router.in(errorPacket(OUTSIDE, OUTSIDE, 3, 1, sent));
    expect(error.to).toBe('192.168.0.10');
    expect(quoteOf(error)).toEqual(original.subarray(0, 28));
  });

  it('NAT-3: so does its report that a hairpinned packet finds nobody', () => {
    const router = new NatRouter({ forwards: [SERVER_FORWARD] });
    const request = udpPacket(A, `${OUTSIDE}:8080`);
    const original = request.slice();
    const delivered = router.receive(request, 'lan')!.packet;
    const error = router.hairpin(errorPacket(OUTSIDE, OUTSIDE, 3, 1, delivered));
    expect(error.to).toBe('192.168.0.10');
    expect(quoteOf(error)).toEqual(original.subarray(0, 28));
  });
});
