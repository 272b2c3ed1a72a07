import { describe, expect, test } from 'vitest';
import { ipv4, MAC_BROADCAST, mac } from '../../shared/core/address.ts';
import { seededRandom } from '../../shared/core/random.ts';
import { AddressProbe } from '../../shared/stack/address-probe.ts';
import { echoPacket, udpPacket } from '../support/packets.ts';
import { stackBench } from '../support/stack-bench.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const ME = '10.0.0.1';
const PEER = '10.0.0.2';

function host(station?: string) {
  const bench = stackBench({
    interfaces: { eth0: { address: `${ME}/24`, ...(station && { station }) } },
    routes: { '0.0.0.0/0': '10.0.0.254' },
  });
  const failures: string[] = [];
  const replies: number[] = [];
  const echo = bench.stack.echo.open({
    replied: ({ sequence }) => replies.push(sequence),
    failed: ({ kind, code }, sequence) => failures.push(`${kind} ${code} ${sequence}`),
  });
  const ping = (to: string, sequence = 1) => {
    echo.send(ipv4(to), sequence, new Uint8Array(8));
    bench.clock.settle();
  };
  const state = (address: string) =>
    bench.stack
      .arp('eth0')
      .table()
      .find((row) => row.address === ipv4(address));
  return { ...bench, peer: bench.station('eth0'), ping, failures, replies, state };
}

describe('ARP answers', () => {
  test('ARP-1: a request for my address gets a unicast reply, and teaches who asked', () => {
    const { peer, mac: macOf, state, log } = host();
    peer.sendArp({ senderAddress: ipv4(PEER), targetAddress: ipv4(ME) });
    expect(peer.arps()).toEqual([
      {
        operation: 'reply',
        senderMac: macOf('eth0'),
        senderAddress: ipv4(ME),
        targetMac: peer.mac,
        targetAddress: ipv4(PEER),
        to: peer.mac,
      },
    ]);
    expect(state(PEER)).toMatchObject({ mac: peer.mac, state: 'reachable' });
    expect(log.named('arp.reply')).toHaveLength(1);
    expect(log.named('arp.learn')).toMatchObject([{ level: 'debug' }]);
  });

  test("ARP-1: a request for another's address gets silence and makes no entry", () => {
    const { peer, state } = host();
    peer.sendArp({ senderAddress: ipv4(PEER), targetAddress: ipv4('10.0.0.3') });
    expect(peer.frames()).toEqual([]);
    expect(state(PEER)).toBeUndefined();
  });

  test("ARP-1: a request for another's address refreshes an entry that exists", () => {
    const { peer, state } = host();
    peer.sendArp({ senderAddress: ipv4(PEER), targetAddress: ipv4(ME) });
    const other = mac('02:00:00:00:09:09');
    peer.sendArp({ senderMac: other, senderAddress: ipv4(PEER), targetAddress: ipv4('10.0.0.3') });
    expect(state(PEER)).toMatchObject({ mac: other });
  });

  test('a reply that nobody asked for makes no entry', () => {
    const { peer, state } = host();
    peer.sendArp({ operation: 'reply', senderAddress: ipv4(PEER), targetAddress: ipv4(ME) });
    expect(state(PEER)).toBeUndefined();
  });

  test('ARP-4: a probe is answered and never cached', () => {
    const { peer, stack } = host();
    peer.sendArp({ senderAddress: 0, targetAddress: ipv4(ME) });
    expect(peer.arps()).toMatchObject([{ operation: 'reply', targetAddress: 0, to: peer.mac }]);
    expect(stack.arp('eth0').table()).toEqual([]);
  });

  test.each(['127.0.0.1', '224.0.0.1', '255.255.255.255'])('a sender address of %s is ignored', (address) => {
    const { peer, stack, counters } = host();
    peer.sendArp({ senderAddress: ipv4(address), targetAddress: ipv4(ME) });
    expect(peer.frames()).toEqual([]);
    expect(stack.arp('eth0').table()).toEqual([]);
    expect(counters.get('arp.bad-sender')).toBe(1);
  });

  test.each(['ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01', '00:00:00:00:00:00'])(
    'ARP-5: a sender MAC of %s is ignored',
    (senderMac) => {
      const { peer, stack, counters } = host();
      peer.sendArp({ senderMac: mac(senderMac), senderAddress: ipv4(PEER), targetAddress: ipv4(ME) });
      expect(peer.frames()).toEqual([]);
      expect(stack.arp('eth0').table()).toEqual([]);
      expect(counters.get('arp.bad-sender')).toBe(1);
    },
  );
});

describe('ARP questions', () => {
  test('ARP-2: a packet for an unresolved next hop waits for the answer', () => {
    const { peer, ping, replies, log, mac: macOf } = host();
    ping(PEER);
    expect(peer.arps()).toMatchObject([
      {
        operation: 'request',
        senderAddress: ipv4(ME),
        targetMac: 0,
        targetAddress: ipv4(PEER),
        to: MAC_BROADCAST,
      },
    ]);
    const reply = { operation: 'reply', senderAddress: ipv4(PEER), targetAddress: ipv4(ME) } as const;
    peer.sendArp(reply, macOf('eth0'));
    const [request] = peer.packets();
    expect(request).toMatchObject({ toMac: peer.mac, icmp: { type: 8 } });
    expect(log.named('arp.learn')).toMatchObject([{ level: 'info', fields: { address: PEER } }]);
    peer.send(echoPacket('reply', `${PEER}:0`, request?.from ?? ''), macOf('eth0'));
    expect(replies).toEqual([1]);
  });

  test('ARP-2: the next hop is asked for, and the destination told in the log', () => {
    const { peer, ping, log } = host();
    ping('8.8.8.8');
    expect(peer.arps()).toMatchObject([{ targetAddress: ipv4('10.0.0.254') }]);
    expect(log.named('arp.request')).toMatchObject([
      { level: 'info', fields: { address: '10.0.0.254', destination: '8.8.8.8', sender: ME } },
    ]);
  });

  test('ARP-2: at most one request a second; after three the packets are given up', () => {
    const { peer, ping, clock, failures, counters, state, log } = host();
    for (let sequence = 1; sequence <= 3; sequence++) ping(PEER, sequence);
    expect(peer.arps()).toHaveLength(1);
    clock.advance(999);
    expect(peer.arps()).toHaveLength(0);
    clock.advance(1);
    expect(peer.arps()).toHaveLength(1);
    clock.advance(1000);
    expect(peer.arps()).toHaveLength(1);
    expect(state(PEER)).toMatchObject({ state: 'incomplete' });
    clock.advance(1000);
    expect(peer.frames()).toEqual([]);
    expect(failures).toEqual(['unreachable 1 1', 'unreachable 1 2', 'unreachable 1 3']);
    expect(counters.get('arp.unresolved')).toBe(3);
    expect(state(PEER)).toMatchObject({ state: 'failed' });
    expect(log.named('arp.failed')).toHaveLength(1);
    expect(clock.nextDue).toBeUndefined();
  });

  test('ARP-2: packets that wait are bounded; the newest stay', () => {
    const { peer, ping, mac: macOf, counters } = host();
    for (let sequence = 1; sequence <= 108; sequence++) ping(PEER, sequence);
    peer.frames();
    peer.sendArp({ operation: 'reply', senderAddress: ipv4(PEER) }, macOf('eth0'));
    const sequences = peer.packets().map(({ icmp }) => (icmp?.rest ?? 0) & 0xffff);
    expect(sequences).toEqual(Array.from({ length: 100 }, (_, index) => index + 9));
    expect(counters.get('arp.queue-full')).toBe(8);
  });

  test('ARP-3: an old entry is verified by unicast while it is used, and renewed by the answer', () => {
    const { peer, ping, clock, state } = host(PEER);
    ping(PEER);
    peer.frames();
    clock.advance(30_000);
    expect(state(PEER)).toMatchObject({ state: 'stale' });
    ping(PEER, 2);
    const heard = peer.frames();
    expect(heard).toHaveLength(2);
    expect(state(PEER)).toMatchObject({ state: 'reachable', age: 0 });
    expect(clock.nextDue === undefined || clock.step()).toBe(true);
    expect(peer.frames()).toEqual([]);
  });

  test('ARP-3: a neighbour that is silent is asked for anew, and found with another MAC', () => {
    const { peer, ping, clock, state, mac: macOf } = host(PEER);
    ping(PEER);
    peer.address = undefined;
    clock.advance(30_000);
    peer.frames();
    ping(PEER, 2);
    expect(peer.arps()).toMatchObject([{ to: peer.mac }]);
    clock.advance(3000);
    expect(state(PEER)).toMatchObject({ state: 'failed' });
    peer.frames();
    ping(PEER, 3);
    expect(peer.arps()).toMatchObject([{ to: MAC_BROADCAST }]);
    const other = mac('02:00:00:00:09:09');
    peer.sendArp({ operation: 'reply', senderMac: other, senderAddress: ipv4(PEER) }, macOf('eth0'));
    expect(peer.packets()).toMatchObject([{ toMac: other }]);
  });

  test('ARP-3: a gratuitous request renews the entry', () => {
    const { peer, ping, state } = host(PEER);
    ping(PEER);
    const other = mac('02:00:00:00:09:09');
    peer.sendArp({ senderMac: other, senderAddress: ipv4(PEER), targetAddress: ipv4(PEER) });
    expect(state(PEER)).toMatchObject({ mac: other });
  });

  test('ARP-3: an entry that is not used is forgotten', () => {
    const { ping, clock, state } = host(PEER);
    ping(PEER);
    clock.advance(599_000);
    expect(state(PEER)).toBeDefined();
    clock.advance(1000);
    expect(state(PEER)).toBeUndefined();
  });

  test('carrier loss empties the cache', () => {
    const { ping, cable, state } = host(PEER);
    ping(PEER);
    expect(state(PEER)).toBeDefined();
    cable('eth0').setCarrier(false);
    expect(state(PEER)).toBeUndefined();
  });

  test('without carrier a destination is unreachable, as on Linux, after the three questions', () => {
    const { ping, cable, clock, failures } = host(PEER);
    cable('eth0').setCarrier(false);
    ping(PEER);
    clock.advance(3000);
    expect(failures).toEqual(['unreachable 1 1']);
  });

  test('a scan of dark addresses does not push out who is known', () => {
    const wide = stackBench({ interfaces: { eth0: { address: '10.0.0.1/16', station: PEER } } });
    const echo = wide.stack.echo.open({ replied: () => {}, failed: () => {} });
    echo.send(ipv4(PEER), 1, new Uint8Array(8));
    wide.clock.settle();
    for (let index = 0; index < 1200; index++) echo.send(ipv4('10.0.1.0') + index, 1, new Uint8Array(8));
    const rows = wide.stack.arp('eth0').table();
    expect(rows.length).toBeLessThanOrEqual(1024);
    expect(rows.find((row) => row.address === ipv4(PEER))?.state).toBe('reachable');
  });
});

describe('address conflict detection', () => {
  function probe(timing: 'fast' | 'rfc') {
    const bench = host();
    const outcome: (number | undefined)[] = [];
    bench.stack.arp('eth0').probe(ipv4('10.0.0.9'), timing, (holder) => outcome.push(holder));
    return { ...bench, outcome };
  }

  test('ARP-4: three probes, then the address is free, within 30 ms', () => {
    const { clock, peer, outcome } = probe('fast');
    clock.advance(30);
    const probes = peer.arps();
    expect(probes).toHaveLength(3);
    expect(probes[0]).toMatchObject({
      operation: 'request',
      senderAddress: 0,
      targetMac: 0,
      targetAddress: ipv4('10.0.0.9'),
      to: MAC_BROADCAST,
    });
    expect(outcome).toEqual([undefined]);
  });

  test('ARP-4: with the waits of RFC 5227 §1.1: up to 1 s, then probes 1 to 2 s apart, then 2 s', () => {
    const waits = Array.from({ length: 40 }, (_, seed) => probeTimes(seed));
    for (const [first, second, third, end] of waits) {
      expect(first).toBeLessThanOrEqual(1000);
      for (const gap of [second! - first!, third! - second!]) {
        expect(gap).toBeGreaterThanOrEqual(1000);
        expect(gap).toBeLessThanOrEqual(2000);
      }
      expect(end! - third!).toBeCloseTo(2000, 6);
    }
    // At random, so that two who start at once do not meet.
    const spread = (values: readonly number[]) => Math.max(...values) - Math.min(...values);
    expect(spread(waits.map(([first]) => first!))).toBeGreaterThan(500);
    expect(spread(waits.map(([first, second]) => second! - first!))).toBeGreaterThan(500);
  });

  /** When the three probes left, and when the address was free; ms. */
  function probeTimes(seed: number): number[] {
    const clock = new VirtualClock();
    const times: number[] = [];
    const note = () => times.push(clock.now());
    new AddressProbe(clock, seededRandom(seed), 'rfc', note, note);
    clock.advance(10_000);
    return times;
  }

  test('ARP-4: who holds the address answers', () => {
    const { clock, peer, outcome, mac: macOf } = probe('fast');
    clock.advance(10);
    peer.sendArp({ operation: 'reply', senderAddress: ipv4('10.0.0.9') }, macOf('eth0'));
    expect(outcome).toEqual([peer.mac]);
    clock.advance(100);
    expect(outcome).toEqual([peer.mac]);
  });

  test('ARP-4: another who probes for the same address conflicts', () => {
    const { clock, peer, outcome } = probe('fast');
    clock.advance(1);
    peer.sendArp({ senderAddress: 0, targetAddress: ipv4('10.0.0.9') });
    expect(outcome).toEqual([peer.mac]);
  });

  test('ARP-4: two announcements, 2 s apart', () => {
    const { clock, peer, stack } = host();
    stack.arp('eth0').announce(ipv4(ME), 'rfc');
    const announcement = {
      operation: 'request',
      senderAddress: ipv4(ME),
      targetAddress: ipv4(ME),
      targetMac: 0,
    };
    clock.advance(1999);
    expect(peer.arps()).toMatchObject([{ ...announcement, to: MAC_BROADCAST }]);
    clock.advance(1);
    expect(peer.arps()).toMatchObject([{ ...announcement, to: MAC_BROADCAST }]);
    clock.advance(10_000);
    expect(peer.arps()).toEqual([]);
  });

  test('ARP-4: a conflict is logged, and the address defended once in ten seconds (RFC 5227 §2.4)', () => {
    const { clock, peer, stack, log, counters } = host();
    const conflicts: boolean[] = [];
    stack.interface('eth0').observe({
      conflict: (address, by, again) => {
        expect([address, by]).toEqual([ipv4(ME), peer.mac]);
        conflicts.push(again);
      },
    });
    const claim = () => peer.sendArp({ senderAddress: ipv4(ME), targetAddress: ipv4(ME) });
    claim();
    claim();
    const defence = {
      operation: 'request',
      senderAddress: ipv4(ME),
      targetAddress: ipv4(ME),
      to: MAC_BROADCAST,
    };
    expect(peer.arps()).toMatchObject([defence]);
    expect(log.named('arp.conflict')).toMatchObject([{ level: 'warn', fields: { address: ME } }]);
    clock.advance(10_000);
    claim();
    expect(peer.arps()).toMatchObject([defence]);
    expect(conflicts).toEqual([false, true, false]);
    expect(counters.get('arp.conflict')).toBe(3);
    expect(stack.interface('eth0').hasAddress(ipv4(ME))).toBe(true);
  });

  test('ARP-4: so is every address for itself, and a reply conflicts as a request does', () => {
    const { peer, stack } = host();
    stack.interface('eth0').addAddress({ address: ipv4('10.0.0.7'), prefixLength: 24 });
    peer.sendArp({ senderAddress: ipv4(ME), targetAddress: ipv4(PEER) });
    peer.sendArp({ operation: 'reply', senderAddress: ipv4('10.0.0.7'), targetAddress: ipv4(PEER) });
    expect(peer.arps()).toMatchObject([
      { senderAddress: ipv4(ME), targetAddress: ipv4(ME) },
      { senderAddress: ipv4('10.0.0.7'), targetAddress: ipv4('10.0.0.7') },
    ]);
  });

  test('a closed stack has no timers left', () => {
    const { clock, stack, ping } = probe('rfc');
    ping(PEER);
    stack.arp('eth0').announce(ipv4(ME), 'rfc');
    stack.close();
    expect(clock.nextDue).toBeUndefined();
  });
});

describe('Ethernet', () => {
  const datagram = udpPacket(`${PEER}:1`, `${ME}:7`);

  test('ETH-1: frames to another MAC, of unknown type or too short are dropped and counted', () => {
    const { peer, counters, mac: macOf } = host(PEER);
    const me = macOf('eth0');
    peer.send(datagram, mac('02:00:00:00:07:07'));
    expect(counters.get('ethernet.not-mine')).toBe(1);
    peer.sendFrame(new Uint8Array(13));
    expect(counters.get('ethernet.too-short')).toBe(1);
    const unknown = new Uint8Array(1518);
    unknown.set([2, 0, 0, 0, 0, 1]);
    peer.sendFrame(unknown);
    expect(counters.get('ethernet.unknown-type')).toBe(1);
    peer.frames();
    peer.send(echoPacket('request', `${PEER}:1`, `${ME}:0`), me);
    expect(peer.packets()).toMatchObject([{ icmp: { type: 0 } }]);
  });
});
