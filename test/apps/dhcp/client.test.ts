import { describe, expect, test } from 'vitest';
import { type DhcpClient, startDhcpClient } from '../../../shared/apps/dhcp/client.ts';
import type { DhcpLease } from '../../../shared/apps/dhcp/lease.ts';
import { formatCidr, formatIpv4, ipv4, mac } from '../../../shared/core/address.ts';
import { Malformed } from '../../../shared/core/errors.ts';
import {
  DHCP_OPTIONS,
  DHCP_TYPES,
  type DhcpMessage,
  decodeDhcp,
  dhcpAddress,
  dhcpText,
  dhcpType,
  dhcpU32Value,
  encodeDhcp,
} from '../../../shared/wire/dhcp.ts';
import { type FakeHost, FakeWire } from '../../support/fake-wire.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const SERVER = ipv4('192.168.0.1');
const ADDRESS = ipv4('192.168.0.24');
const LEASE = 3600;
const TYPE_NAMES = Object.fromEntries(Object.entries(DHCP_TYPES).map(([name, code]) => [code, name]));

interface Sent {
  readonly type: string | undefined;
  readonly message: DhcpMessage;
  readonly source: string;
  readonly destination: string;
  readonly at: number;
}

/** A client alone on a wire; the test speaks for the server. */
class Bench {
  readonly clock = new VirtualClock();
  readonly wire = new FakeWire(this.clock);
  readonly host: FakeHost = this.wire.host('laptop', undefined, 'aa:aa:aa:aa:aa:aa');
  readonly bound: DhcpLease[] = [];
  lost = 0;
  readonly client: DhcpClient;

  constructor(timing: 'fast' | 'rfc' = 'fast', carrier = true) {
    this.host.interface.carrier = carrier;
    this.client = startDhcpClient(this.host, {
      interface: this.host.interface,
      hostname: 'laptop',
      timing,
      onBound: (lease) => this.bound.push(lease),
      onLost: () => this.lost++,
    });
  }

  sent(): Sent[] {
    return this.wire.sent.map(({ data, source, destination, at }) => {
      const message = decodeDhcp(data);
      if (message instanceof Malformed) throw new Error(message.reason);
      return { type: TYPE_NAMES[dhcpType(message) ?? 0], message, source, destination, at };
    });
  }

  last(): Sent {
    const sent = this.sent().at(-1);
    if (!sent) throw new Error('nothing was sent');
    return sent;
  }

  answer(
    type: 'OFFER' | 'ACK' | 'NAK',
    changes: Partial<DhcpMessage> = {},
    options: readonly [number, Uint8Array][] = [],
  ): void {
    const { message } = this.last();
    const data = encodeDhcp({
      ...message,
      op: 2,
      ciaddr: 0,
      yiaddr: type === 'NAK' ? 0 : ADDRESS,
      options: new Map([
        [DHCP_OPTIONS.MESSAGE_TYPE, Uint8Array.of(DHCP_TYPES[type])],
        [DHCP_OPTIONS.SERVER_ID, dhcpU32Value(SERVER)],
        [DHCP_OPTIONS.LEASE_TIME, dhcpU32Value(LEASE)],
        [DHCP_OPTIONS.SUBNET_MASK, dhcpU32Value(0xffffff00)],
        [DHCP_OPTIONS.ROUTER, dhcpU32Value(SERVER)],
        [DHCP_OPTIONS.NAME_SERVER, dhcpU32Value(ipv4('8.8.8.8'), ipv4('8.8.4.4'))],
        ...options,
      ]),
      ...changes,
    });
    this.host
      .udpAt(68)
      ?.receive({ source: '192.168.0.1', sourcePort: 67, destination: '192.168.0.24', port: 68, data });
  }

  async pass(ms: number): Promise<void> {
    const end = this.clock.now() + ms;
    await this.clock.runUntilAsync(() => false, ms);
    this.clock.advance(end - this.clock.now());
  }

  async bind(): Promise<void> {
    await this.pass(10_000);
    this.answer('OFFER');
    this.answer('ACK');
    await this.pass(10);
    expect(this.client.state).toBe('BOUND');
  }
}

describe('getting a lease', () => {
  test('DHCP-1: DISCOVER, REQUEST of the offer with 50, 54 and its xid, then the interface is configured', async () => {
    const bench = new Bench();
    bench.clock.advance(0);
    const discover = bench.last();
    expect(discover).toMatchObject({ type: 'DISCOVER', source: '0.0.0.0', destination: '255.255.255.255' });
    expect(dhcpText(discover.message, DHCP_OPTIONS.HOSTNAME)).toBe('laptop');
    expect(discover.message.options.get(DHCP_OPTIONS.CLIENT_ID)).toEqual(
      Uint8Array.of(1, 170, 170, 170, 170, 170, 170),
    );
    expect(discover.message.options.has(DHCP_OPTIONS.PARAMETER_LIST)).toBe(true);
    expect(bench.client.state).toBe('SELECTING');

    bench.answer('OFFER');
    const request = bench.last();
    expect(request).toMatchObject({ type: 'REQUEST', source: '0.0.0.0', destination: '255.255.255.255' });
    expect(request.message).toMatchObject({
      ciaddr: 0,
      xid: discover.message.xid,
      secs: discover.message.secs,
    });
    expect(dhcpAddress(request.message, DHCP_OPTIONS.REQUESTED_ADDRESS)).toBe(ADDRESS);
    expect(dhcpAddress(request.message, DHCP_OPTIONS.SERVER_ID)).toBe(SERVER);
    expect(bench.client.state).toBe('REQUESTING');

    bench.answer('ACK');
    await bench.pass(10);
    expect(bench.client.state).toBe('BOUND');
    expect(bench.host.interface.calls).toEqual([
      'probe 192.168.0.24',
      'add 192.168.0.24/24',
      'gateway 192.168.0.1',
      'announce 192.168.0.24',
    ]);
    const [lease] = bench.bound;
    expect(lease).toMatchObject({ server: SERVER, duration: 3_600_000, gateway: SERVER });
    expect(lease?.nameServers.map(formatIpv4)).toEqual(['8.8.8.8', '8.8.4.4']);
    expect(lease && formatCidr(lease.cidr)).toBe('192.168.0.24/24');
    expect(bench.client.lease).toBe(lease);
    expect(bench.host.log.named('dhcp.lease')[0]?.fields).toMatchObject({
      address: '192.168.0.24/24',
      gateway: '192.168.0.1',
      dns: ['8.8.8.8', '8.8.4.4'],
      lease: 3_600_000,
      server: '192.168.0.1',
    });
  });

  test('DHCP-2: DISCOVER is sent again after 4, 8, 16, 32, 64, 64 s, each give or take one', async () => {
    const bench = new Bench('rfc');
    await bench.pass(400_000);
    const times = bench.sent().map(({ at }) => at);
    expect(times[0]).toBeGreaterThanOrEqual(1000);
    expect(times[0]).toBeLessThanOrEqual(10_000);
    const waits = times.slice(1, 7).map((at, index) => at - times[index]!);
    for (const [index, seconds] of [4, 8, 16, 32, 64, 64].entries())
      expect(Math.abs(waits[index]! - seconds * 1000)).toBeLessThanOrEqual(1000);
    const elapsed = Math.floor((times[3]! - times[0]!) / 1000);
    expect(bench.sent()[3]?.message.secs).toBe(elapsed);
  });

  test('a fresh net is asked at once, and again after 250 ms, doubling', async () => {
    const bench = new Bench('fast');
    await bench.pass(5000);
    const times = bench.sent().map(({ at }) => at);
    expect(times[0]).toBe(0);
    expect(times[1]).toBeGreaterThanOrEqual(225);
    expect(times[1]).toBeLessThanOrEqual(275);
    expect(times).toHaveLength(5);
  });

  test('a REQUEST without answer is sent again, and after five it begins anew', async () => {
    const bench = new Bench('rfc');
    await bench.pass(10_000);
    bench.answer('OFFER');
    await bench.pass(140_000);
    const types = bench.sent().map(({ type }) => type);
    expect(types.filter((type) => type === 'REQUEST')).toHaveLength(5);
    expect(types.at(-1)).toBe('DISCOVER');
    expect(bench.client.state).toBe('SELECTING');
  });

  test('what is of another transaction, client or server is passed over', async () => {
    const bench = new Bench();
    bench.clock.advance(0);
    bench.answer('OFFER', { xid: 1 });
    bench.answer('OFFER', { chaddr: mac('aa:aa:aa:aa:aa:ab') });
    bench.answer('OFFER', { op: 1 });
    bench.answer('OFFER', {}, [[DHCP_OPTIONS.SERVER_ID, new Uint8Array(3)]]);
    bench.answer('OFFER', { yiaddr: ipv4('192.168.0.255') });
    bench.answer('OFFER', { yiaddr: ipv4('127.0.0.1') });
    bench.answer('OFFER', {}, [[DHCP_OPTIONS.SUBNET_MASK, dhcpU32Value(0xff00ff00)]]);
    bench.host.udpAt(68)?.receive({
      source: '192.168.0.1',
      sourcePort: 67,
      destination: '192.168.0.24',
      port: 68,
      data: new Uint8Array(10),
    });
    expect(bench.client.state).toBe('SELECTING');
    expect(bench.host.counters.snapshot()).toMatchObject({
      'dhcp.not-for-us': 3,
      'dhcp.useless-offer': 4,
      'dhcp.too-short': 1,
    });
    bench.answer('OFFER');
    bench.answer('NAK', {}, [[DHCP_OPTIONS.SERVER_ID, dhcpU32Value(SERVER + 1)]]);
    bench.answer('ACK', {}, [[DHCP_OPTIONS.SERVER_ID, dhcpU32Value(SERVER + 1)]]);
    await bench.pass(10);
    expect(bench.client.state).toBe('REQUESTING');
  });

  test('a NAK begins anew, and NAKs in a row do not make it spin', async () => {
    const bench = new Bench('rfc');
    await bench.pass(10_000);
    bench.answer('OFFER');
    bench.answer('NAK', {}, [[DHCP_OPTIONS.MESSAGE, Buffer.from('no')]]);
    await bench.pass(0);
    expect(bench.last().type).toBe('DISCOVER');
    expect(bench.host.log.named('dhcp.nak')[0]?.fields).toMatchObject({
      server: '192.168.0.1',
      reason: 'no',
    });
    bench.answer('OFFER');
    bench.answer('NAK');
    const count = bench.sent().length;
    await bench.pass(2900);
    expect(bench.sent()).toHaveLength(count);
    await bench.pass(2200);
    expect(bench.last().type).toBe('DISCOVER');
  });

  test('DHCP-3: an address that answers the probe is declined, and it waits 10 s', async () => {
    const bench = new Bench();
    bench.host.interface.holders.set(ADDRESS, mac('ba:ba:ba:ba:ba:ba'));
    bench.clock.advance(0);
    bench.answer('OFFER');
    bench.answer('ACK');
    await bench.pass(10);
    const decline = bench.last();
    expect(decline).toMatchObject({ type: 'DECLINE', source: '0.0.0.0', destination: '255.255.255.255' });
    expect(decline.message.ciaddr).toBe(0);
    expect(dhcpAddress(decline.message, DHCP_OPTIONS.REQUESTED_ADDRESS)).toBe(ADDRESS);
    expect(dhcpAddress(decline.message, DHCP_OPTIONS.SERVER_ID)).toBe(SERVER);
    expect(bench.host.interface.addresses).toEqual([]);
    expect(bench.bound).toEqual([]);
    await bench.pass(9900);
    expect(bench.last().type).toBe('DECLINE');
    await bench.pass(100);
    expect(bench.last().type).toBe('DISCOVER');
  });

  test('DHCP-3: after ten conflicts in a row it waits a minute (RFC 5227 §2.1.1)', async () => {
    const bench = new Bench();
    bench.host.interface.holders.set(ADDRESS, mac('ba:ba:ba:ba:ba:ba'));
    for (let round = 0; round < 10; round++) {
      await bench.pass(0);
      bench.answer('OFFER');
      bench.answer('ACK');
      await bench.pass(10);
      expect(bench.last().type).toBe('DECLINE');
      if (round < 9) await bench.pass(10_000);
    }
    await bench.pass(59_900);
    expect(bench.last().type).toBe('DECLINE');
    await bench.pass(100);
    expect(bench.last().type).toBe('DISCOVER');
  });

  test('a send that fails is tried again', async () => {
    const bench = new Bench();
    bench.host.sendError = 'ENETDOWN';
    await bench.pass(50);
    expect(bench.sent()).toEqual([]);
    bench.host.sendError = undefined;
    await bench.pass(300);
    expect(bench.last().type).toBe('DISCOVER');
  });
});

describe('keeping a lease', () => {
  test('DHCP-1, DHCP-2: at T1 it asks its server by unicast, with ciaddr and without 50 and 54', async () => {
    const bench = new Bench();
    await bench.bind();
    const requestedAt = bench.sent().find(({ type }) => type === 'REQUEST')?.at ?? 0;
    await bench.pass(1_800_000);
    const renewal = bench.last();
    expect(bench.client.state).toBe('RENEWING');
    expect(renewal).toMatchObject({ type: 'REQUEST', source: '192.168.0.24', destination: '192.168.0.1' });
    expect(renewal.at - requestedAt).toBe(1_800_000);
    expect(renewal.message.ciaddr).toBe(ADDRESS);
    expect(renewal.message.options.has(DHCP_OPTIONS.REQUESTED_ADDRESS)).toBe(false);
    expect(renewal.message.options.has(DHCP_OPTIONS.SERVER_ID)).toBe(false);

    bench.answer('ACK');
    expect(bench.client.state).toBe('BOUND');
    expect(bench.bound).toHaveLength(2);
    expect(bench.host.interface.addresses).toHaveLength(1);
    expect(bench.client.lease?.expiresAt).toBe(renewal.at + 3_600_000);
  });

  test('DHCP-1, DHCP-2: at T2 it asks anybody by broadcast, and at the end the address is given up at once', async () => {
    const bench = new Bench();
    await bench.bind();
    const start = bench.bound[0]!.expiresAt - 3_600_000;
    await bench.pass(start + 3_150_000 - bench.clock.now());
    const rebinding = bench.last();
    expect(bench.client.state).toBe('REBINDING');
    expect(rebinding).toMatchObject({
      type: 'REQUEST',
      source: '192.168.0.24',
      destination: '255.255.255.255',
    });
    expect(rebinding.at - start).toBe(3_150_000);
    expect(rebinding.message.ciaddr).toBe(ADDRESS);
    expect(rebinding.message.options.has(DHCP_OPTIONS.SERVER_ID)).toBe(false);

    await bench.pass(start + 3_600_000 - 1 - bench.clock.now());
    expect(bench.host.interface.addresses).toHaveLength(1);
    await bench.pass(1);
    expect(bench.host.interface.addresses).toEqual([]);
    expect(bench.host.interface.gateway).toBeUndefined();
    expect(bench.lost).toBe(1);
    expect(bench.host.log.named('dhcp.expire')).toHaveLength(1);
    expect(bench.last().type).toBe('DISCOVER');
  });

  test('DHCP-2: renewals come after half of what is left, a minute at least', async () => {
    const bench = new Bench();
    await bench.bind();
    await bench.pass(3_140_000);
    const waits = bench
      .sent()
      .filter(({ message }) => message.ciaddr !== 0)
      .map(({ at }, index, all) => at - (all[index - 1]?.at ?? at));
    expect(waits.slice(1, 5)).toEqual([675_000, 337_500, 168_750, 84_375]);
  });

  test('the server may set T1 and T2; senseless ones are ignored', async () => {
    const bench = new Bench();
    bench.clock.advance(0);
    bench.answer('OFFER');
    bench.answer('ACK', {}, [
      [DHCP_OPTIONS.RENEWAL_TIME, dhcpU32Value(100)],
      [DHCP_OPTIONS.REBINDING_TIME, dhcpU32Value(200)],
    ]);
    await bench.pass(10);
    expect(bench.client.lease).toMatchObject({ renewAt: 100_000, rebindAt: 200_000 });
    await bench.pass(100_000);
    bench.answer('ACK', {}, [
      [DHCP_OPTIONS.RENEWAL_TIME, dhcpU32Value(4000)],
      [DHCP_OPTIONS.REBINDING_TIME, dhcpU32Value(200)],
    ]);
    expect(bench.client.lease).toMatchObject({ renewAt: 1_900_000, rebindAt: 3_250_000 });
  });

  test('a lease without end asks no more', async () => {
    const bench = new Bench();
    bench.clock.advance(0);
    bench.answer('OFFER');
    bench.answer('ACK', {}, [[DHCP_OPTIONS.LEASE_TIME, dhcpU32Value(0xffffffff)]]);
    await bench.pass(1_000_000_000);
    expect(bench.client.state).toBe('BOUND');
    expect(bench.sent()).toHaveLength(2);
  });

  test('ARP-4, DHCP-3: an address that another uses although it was defended is declined', async () => {
    const bench = new Bench();
    await bench.bind();
    const conflict = { address: ADDRESS, mac: mac('ba:ba:ba:ba:ba:ba') };
    bench.host.interface.emit('conflict', { ...conflict, again: false });
    bench.host.interface.emit('conflict', { ...conflict, address: ADDRESS + 1, again: true });
    expect(bench.client.state).toBe('BOUND');
    bench.host.interface.emit('conflict', { ...conflict, again: true });
    expect(bench.host.interface.addresses).toEqual([]);
    expect(bench.lost).toBe(1);
    expect(bench.last()).toMatchObject({
      type: 'DECLINE',
      source: '0.0.0.0',
      destination: '255.255.255.255',
    });
    await bench.pass(9900);
    expect(bench.last().type).toBe('DECLINE');
    await bench.pass(100);
    expect(bench.last().type).toBe('DISCOVER');
  });

  test('a renewal may bring another mask and another gateway', async () => {
    const bench = new Bench();
    await bench.bind();
    await bench.pass(1_800_000);
    bench.answer('ACK', {}, [
      [DHCP_OPTIONS.SUBNET_MASK, dhcpU32Value(0xffff0000)],
      [DHCP_OPTIONS.ROUTER, dhcpU32Value(ipv4('192.168.7.1'))],
    ]);
    expect(bench.host.interface.addresses.map(formatCidr)).toEqual(['192.168.0.24/16']);
    expect(bench.host.interface.gateway).toBe(ipv4('192.168.7.1'));
  });

  test('a NAK takes the address away', async () => {
    const bench = new Bench();
    await bench.bind();
    await bench.pass(1_800_000);
    bench.answer('NAK');
    expect(bench.host.interface.addresses).toEqual([]);
    expect(bench.lost).toBe(1);
    await bench.pass(0);
    expect(bench.last().type).toBe('DISCOVER');
  });

  test('closing releases the address', async () => {
    const bench = new Bench();
    await bench.bind();
    void bench.client.close();
    const release = bench.last();
    expect(release).toMatchObject({ type: 'RELEASE', source: '192.168.0.24', destination: '192.168.0.1' });
    expect(release.message.ciaddr).toBe(ADDRESS);
    expect(dhcpAddress(release.message, DHCP_OPTIONS.SERVER_ID)).toBe(SERVER);
    expect(bench.host.interface.addresses).toEqual([]);
    expect(bench.host.interface.listenerCount('carrier')).toBe(0);
    bench.clock.advance(bench.wire.delay);
    expect(bench.clock.nextDue).toBeUndefined();
  });
});

describe('carrier', () => {
  test('without carrier it waits for it', async () => {
    const bench = new Bench('fast', false);
    await bench.pass(10_000);
    expect(bench.sent()).toEqual([]);
    bench.host.interface.setCarrier(true);
    await bench.pass(0);
    expect(bench.last().type).toBe('DISCOVER');
  });

  test('DHCP-2: with rfc timing it waits 1 to 10 s from the carrier on, as all do whose switch starts', async () => {
    const bench = new Bench('rfc', false);
    await bench.pass(60_000);
    bench.host.interface.setCarrier(true);
    await bench.pass(10_000);
    const [first] = bench.sent();
    expect(first?.at).toBeGreaterThanOrEqual(61_000);
    expect(first?.at).toBeLessThanOrEqual(70_000);
  });

  test('carrier that goes while it asks stops it, and it begins anew', async () => {
    const bench = new Bench();
    bench.clock.advance(0);
    bench.answer('OFFER');
    bench.answer('ACK');
    bench.host.interface.setCarrier(false);
    const count = bench.sent().length;
    await bench.pass(60_000);
    expect(bench.sent()).toHaveLength(count);
    expect(bench.client.state).toBe('INIT');
    expect(bench.bound).toEqual([]);
    bench.host.interface.setCarrier(true);
    await bench.pass(0);
    expect(bench.last().type).toBe('DISCOVER');
  });

  test('a bound client keeps its address and asks with INIT-REBOOT whether it still holds', async () => {
    const bench = new Bench();
    await bench.bind();
    bench.host.interface.setCarrier(false);
    await bench.pass(5000);
    expect(bench.host.interface.addresses).toHaveLength(1);
    bench.host.interface.setCarrier(true);
    await bench.pass(0);
    const request = bench.last();
    expect(bench.client.state).toBe('REBOOTING');
    expect(request).toMatchObject({ type: 'REQUEST', destination: '255.255.255.255' });
    expect(request.message.ciaddr).toBe(0);
    expect(dhcpAddress(request.message, DHCP_OPTIONS.REQUESTED_ADDRESS)).toBe(ADDRESS);
    expect(request.message.options.has(DHCP_OPTIONS.SERVER_ID)).toBe(false);
    bench.answer('ACK');
    await bench.pass(10);
    expect(bench.client.state).toBe('BOUND');
    expect(bench.host.interface.calls.slice(-3)).toEqual([
      'probe 192.168.0.24',
      'gateway 192.168.0.1',
      'announce 192.168.0.24',
    ]);
    expect(bench.lost).toBe(0);
  });

  test('ARP-4, DHCP-3: an address that the other cable has a holder for is given up', async () => {
    const bench = new Bench();
    await bench.bind();
    bench.host.interface.holders.set(ADDRESS, mac('ba:ba:ba:ba:ba:ba'));
    bench.host.interface.setCarrier(false);
    bench.host.interface.setCarrier(true);
    await bench.pass(0);
    bench.answer('ACK');
    await bench.pass(10);
    expect(bench.last().type).toBe('DECLINE');
    expect(bench.host.interface.addresses).toEqual([]);
    expect(bench.lost).toBe(1);
  });

  test('a lease may end while its address is probed again', async () => {
    const bench = new Bench();
    await bench.bind();
    const { expiresAt } = bench.bound[0]!;
    await bench.pass(expiresAt - 5 - bench.clock.now());
    bench.host.interface.setCarrier(false);
    bench.host.interface.setCarrier(true);
    bench.clock.advance(0);
    bench.answer('ACK', { yiaddr: ADDRESS });
    expect(bench.client.state).toBe('PROBING');
    bench.clock.advance(5);
    expect(bench.host.interface.addresses).toEqual([]);
    await bench.pass(100);
    expect(bench.client.state).toBe('SELECTING');
  });

  test('INIT-REBOOT on another net: NAK, and it begins anew', async () => {
    const bench = new Bench();
    await bench.bind();
    bench.host.interface.setCarrier(false);
    bench.host.interface.setCarrier(true);
    await bench.pass(0);
    bench.answer('NAK');
    expect(bench.host.interface.addresses).toEqual([]);
    await bench.pass(0);
    expect(bench.client.state).toBe('SELECTING');
  });

  test('INIT-REBOOT without answer keeps the lease until it ends', async () => {
    const bench = new Bench();
    await bench.bind();
    const { expiresAt } = bench.bound[0]!;
    bench.host.interface.setCarrier(false);
    bench.host.interface.setCarrier(true);
    await bench.pass(60_000);
    expect(bench.client.state).toBe('BOUND');
    expect(bench.host.interface.addresses).toHaveLength(1);
    bench.host.interface.setCarrier(false);
    await bench.pass(expiresAt - bench.clock.now());
    expect(bench.host.interface.addresses).toEqual([]);
    const count = bench.sent().length;
    await bench.pass(60_000);
    expect(bench.sent()).toHaveLength(count);
  });
});
