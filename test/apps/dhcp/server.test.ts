import { describe, expect, test } from 'vitest';
import { Behaviour } from '../../../shared/apps/behaviour.ts';
import { startDhcpClient } from '../../../shared/apps/dhcp/client.ts';
import { type DhcpServer, startDhcpServer } from '../../../shared/apps/dhcp/server.ts';
import { formatIpv4, formatMac, type Ipv4Address, ipv4, mac } from '../../../shared/core/address.ts';
import { Malformed } from '../../../shared/core/errors.ts';
import {
  DHCP_OPTIONS,
  DHCP_TYPES,
  type DhcpMessage,
  decodeDhcp,
  dhcpAddress,
  dhcpAddresses,
  dhcpText,
  dhcpType,
  dhcpU32,
  dhcpU32Value,
  encodeDhcp,
} from '../../../shared/wire/dhcp.ts';
import { type FakeHost, FakeWire, type SentDatagram } from '../../support/fake-wire.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const TYPE_NAMES = Object.fromEntries(Object.entries(DHCP_TYPES).map(([name, code]) => [code, name]));
const LAPTOP = mac('aa:aa:aa:aa:aa:aa');
const PHONE = mac('ba:ba:ba:ba:ba:ba');
const SERVER = ipv4('192.168.0.1');
const HOUR = 3_600_000;

interface Question {
  readonly type: keyof typeof DHCP_TYPES;
  readonly chaddr?: number;
  readonly ciaddr?: Ipv4Address;
  readonly giaddr?: Ipv4Address;
  readonly broadcast?: boolean;
  readonly requested?: Ipv4Address;
  readonly server?: Ipv4Address;
  readonly hostname?: string;
  readonly clientId?: Uint8Array;
  readonly leaseTime?: number;
}

type Reply = SentDatagram & { readonly type: string | undefined; readonly message: DhcpMessage };

/** A server alone on a wire; the test speaks for the clients. */
class Bench {
  readonly clock = new VirtualClock();
  readonly wire = new FakeWire(this.clock);
  readonly host: FakeHost = this.wire.host('router', '192.168.0.1/24', '02:00:00:00:00:bb');
  readonly behaviour = new Behaviour(this.clock);
  readonly server: DhcpServer;

  constructor(options: { range?: readonly [string, string]; timing?: 'fast' | 'rfc' } = {}) {
    const spec = {
      interface: 'eth0',
      range: options.range ?? (['192.168.0.10', '192.168.0.99'] as const),
      lease: HOUR,
      dns: ['8.8.8.8'],
      domain: 'home',
    };
    this.server = startDhcpServer(this.host, spec, {
      interface: this.host.interface,
      timing: options.timing ?? 'fast',
      behaviour: this.behaviour,
    });
  }

  tell(question: Question, source = '0.0.0.0'): void {
    const { type, requested, server, hostname, clientId, leaseTime } = question;
    const options = new Map<number, Uint8Array>([
      [DHCP_OPTIONS.MESSAGE_TYPE, Uint8Array.of(DHCP_TYPES[type])],
    ]);
    if (requested !== undefined) options.set(DHCP_OPTIONS.REQUESTED_ADDRESS, dhcpU32Value(requested));
    if (server !== undefined) options.set(DHCP_OPTIONS.SERVER_ID, dhcpU32Value(server));
    if (hostname !== undefined) options.set(DHCP_OPTIONS.HOSTNAME, Buffer.from(hostname));
    if (clientId !== undefined) options.set(DHCP_OPTIONS.CLIENT_ID, clientId);
    if (leaseTime !== undefined) options.set(DHCP_OPTIONS.LEASE_TIME, dhcpU32Value(leaseTime));
    const data = encodeDhcp({
      op: 1,
      hops: 0,
      xid: 0x1234,
      secs: 0,
      broadcast: question.broadcast ?? false,
      ciaddr: question.ciaddr ?? 0,
      yiaddr: 0,
      siaddr: 0,
      giaddr: question.giaddr ?? 0,
      chaddr: question.chaddr ?? LAPTOP,
      sname: '',
      file: '',
      options,
    });
    this.host.udpAt(67)?.receive({ source, sourcePort: 68, destination: '255.255.255.255', port: 67, data });
  }

  /** What the server answers at once. */
  ask(question: Question, source?: string): Reply | undefined {
    const before = this.wire.sent.length;
    this.tell(question, source);
    return this.replies().slice(before)[0];
  }

  replies(): Reply[] {
    return this.wire.sent.map((datagram) => {
      const message = decodeDhcp(datagram.data);
      if (message instanceof Malformed) throw new Error(message.reason);
      return { ...datagram, type: TYPE_NAMES[dhcpType(message) ?? 0], message };
    });
  }

  /** A whole lease; gives its address. */
  lease(chaddr: number, hostname?: string): Ipv4Address {
    const offer = this.ask({ type: 'DISCOVER', chaddr });
    const address = offer?.message.yiaddr ?? 0;
    const reply = this.ask({ type: 'REQUEST', chaddr, requested: address, server: SERVER, hostname });
    expect(reply?.type).toBe('ACK');
    return address;
  }
}

describe('a lease', () => {
  test('DHCP-6: OFFER and ACK carry lease time, server, mask, router and name servers, and echo 61', () => {
    const bench = new Bench();
    const clientId = Uint8Array.of(1, 2, 3);
    const offer = bench.ask({ type: 'DISCOVER', clientId });
    expect(offer).toMatchObject({ type: 'OFFER', message: { op: 2, xid: 0x1234, ciaddr: 0 } });
    const address = offer?.message.yiaddr ?? 0;
    expect(address).toBeGreaterThanOrEqual(ipv4('192.168.0.10'));
    expect(address).toBeLessThanOrEqual(ipv4('192.168.0.99'));

    const ack = bench.ask({
      type: 'REQUEST',
      clientId,
      requested: address,
      server: SERVER,
      hostname: 'laptop',
    });
    for (const reply of [offer, ack]) {
      const message = reply?.message as DhcpMessage;
      expect(message.yiaddr).toBe(address);
      expect(dhcpU32(message, DHCP_OPTIONS.LEASE_TIME)).toBe(3600);
      expect(dhcpU32(message, DHCP_OPTIONS.RENEWAL_TIME)).toBe(1800);
      expect(dhcpU32(message, DHCP_OPTIONS.REBINDING_TIME)).toBe(3150);
      expect(dhcpAddress(message, DHCP_OPTIONS.SERVER_ID)).toBe(SERVER);
      expect(dhcpAddress(message, DHCP_OPTIONS.SUBNET_MASK)).toBe(0xffffff00);
      expect(dhcpAddresses(message, DHCP_OPTIONS.ROUTER)).toEqual([SERVER]);
      expect(dhcpAddresses(message, DHCP_OPTIONS.NAME_SERVER)).toEqual([ipv4('8.8.8.8')]);
      expect(dhcpText(message, DHCP_OPTIONS.DOMAIN)).toBe('home');
      expect(message.options.get(DHCP_OPTIONS.CLIENT_ID)).toEqual(clientId);
    }
    expect(bench.server.leases()).toEqual([
      {
        address: formatIpv4(address),
        mac: formatMac(LAPTOP),
        hostname: 'laptop',
        state: 'bound',
        expiresIn: HOUR,
      },
    ]);
  });

  test('a client gets the same address again, in this run and in the next', () => {
    const first = new Bench();
    const address = first.lease(LAPTOP);
    expect(first.lease(PHONE)).not.toBe(address);
    expect(first.ask({ type: 'DISCOVER' })?.message.yiaddr).toBe(address);
    expect(new Bench().lease(LAPTOP)).toBe(address);
  });

  test('a free address that is asked for is offered, one outside the range or in use is not', () => {
    const bench = new Bench();
    const wish = ipv4('192.168.0.77');
    expect(bench.ask({ type: 'DISCOVER', requested: wish })?.message.yiaddr).toBe(wish);
    expect(bench.ask({ type: 'DISCOVER', requested: wish, chaddr: PHONE })?.message.yiaddr).not.toBe(wish);
    const outside = ipv4('192.168.0.200');
    const other = mac('cc:cc:cc:cc:cc:cc');
    expect(bench.ask({ type: 'DISCOVER', requested: outside, chaddr: other })?.message.yiaddr).not.toBe(
      outside,
    );
  });

  test('the server, the network and its broadcast address are never given', () => {
    const bench = new Bench({ range: ['192.168.0.0', '192.168.0.2'] });
    expect(formatIpv4(bench.lease(LAPTOP))).toBe('192.168.0.2');
  });

  test('a shorter lease that is asked for is given, a longer one not', () => {
    const bench = new Bench();
    const time = (reply: Reply | undefined): number | undefined =>
      reply && dhcpU32(reply.message, DHCP_OPTIONS.LEASE_TIME);
    expect(time(bench.ask({ type: 'DISCOVER', leaseTime: 600 }))).toBe(600);
    expect(time(bench.ask({ type: 'DISCOVER', leaseTime: 0xffffffff }))).toBe(3600);
  });

  test('a lease ends, and its address goes to somebody else only when there is no other', () => {
    const bench = new Bench({ range: ['192.168.0.10', '192.168.0.11'] });
    const address = bench.lease(LAPTOP);
    bench.clock.advance(HOUR);
    expect(bench.server.leases()).toMatchObject([{ state: 'expired', expiresIn: 0 }]);
    expect(bench.host.log.named('dhcp.expire')).toHaveLength(1);
    expect(bench.lease(PHONE)).not.toBe(address);
    expect(bench.lease(mac('cc:cc:cc:cc:cc:cc'))).toBe(address);
    expect(bench.server.leases()).toHaveLength(2);
  });

  test('an offer that nobody takes is free again after a minute', () => {
    const bench = new Bench();
    bench.tell({ type: 'DISCOVER' });
    expect(bench.server.leases()).toMatchObject([{ state: 'offered', expiresIn: 60_000 }]);
    bench.clock.advance(60_000);
    expect(bench.server.leases()).toEqual([]);
  });

  test('DHCP-4: a full range gets a log and no offer', () => {
    const bench = new Bench({ range: ['192.168.0.10', '192.168.0.11'] });
    bench.lease(LAPTOP);
    bench.lease(PHONE);
    for (let client = 0; client < 100; client++)
      expect(bench.ask({ type: 'DISCOVER', chaddr: 0x020000000000 + client })).toBeUndefined();
    expect(bench.host.log.named('dhcp.full')).toHaveLength(1);
    expect(bench.server.leases()).toHaveLength(2);
  });

  test('with rfc timing an address is probed before it is offered, and one in use withheld', async () => {
    const bench = new Bench({ timing: 'rfc', range: ['192.168.0.10', '192.168.0.11'] });
    const used = new Bench({ range: ['192.168.0.10', '192.168.0.11'] }).lease(LAPTOP);
    bench.host.interface.holders.set(used, PHONE);
    bench.tell({ type: 'DISCOVER' });
    bench.tell({ type: 'DISCOVER' });
    await bench.clock.runUntilAsync(() => bench.wire.sent.length > 0, 1000);
    expect(bench.replies()).toHaveLength(1);
    expect(bench.replies()[0]?.message.yiaddr).not.toBe(used);
    expect(
      bench.server
        .leases()
        .map(({ state }) => state)
        .sort(),
    ).toEqual(['declined', 'offered']);
  });
});

describe('REQUEST', () => {
  test('DHCP-4: INIT-REBOOT on the wrong net gets a NAK by broadcast', () => {
    const bench = new Bench();
    const nak = bench.ask({ type: 'REQUEST', requested: ipv4('10.0.0.5') });
    expect(nak).toMatchObject({
      type: 'NAK',
      destination: '255.255.255.255',
      message: { yiaddr: 0, ciaddr: 0 },
    });
    expect(nak?.message.options.has(DHCP_OPTIONS.LEASE_TIME)).toBe(false);
    expect(nak && dhcpAddress(nak.message, DHCP_OPTIONS.SERVER_ID)).toBe(SERVER);
  });

  test('DHCP-4: INIT-REBOOT of a known client gets an ACK for its address and a NAK for another', () => {
    const bench = new Bench();
    const address = bench.lease(LAPTOP);
    expect(bench.ask({ type: 'REQUEST', requested: address })?.type).toBe('ACK');
    expect(bench.ask({ type: 'REQUEST', requested: address === 1 ? 2 : ipv4('192.168.0.98') })?.type).toBe(
      'NAK',
    );
  });

  test('DHCP-4: an unknown client gets silence for INIT-REBOOT, renewal and rebinding', () => {
    const bench = new Bench();
    expect(bench.ask({ type: 'REQUEST', requested: ipv4('192.168.0.20') })).toBeUndefined();
    expect(bench.ask({ type: 'REQUEST', ciaddr: ipv4('192.168.0.20') })).toBeUndefined();
    expect(bench.host.counters.get('dhcp.unknown-client')).toBe(2);
  });

  test('DHCP-4: a renewal prolongs the lease', () => {
    const bench = new Bench();
    const address = bench.lease(LAPTOP, 'laptop');
    bench.clock.advance(HOUR / 2);
    const ack = bench.ask({ type: 'REQUEST', ciaddr: address }, formatIpv4(address));
    expect(ack).toMatchObject({ type: 'ACK', message: { yiaddr: address, ciaddr: address } });
    expect(bench.server.leases()).toMatchObject([{ state: 'bound', hostname: 'laptop', expiresIn: HOUR }]);
  });

  test('DHCP-4: one that names another server frees the offer', () => {
    const bench = new Bench();
    const address = bench.ask({ type: 'DISCOVER' })?.message.yiaddr;
    expect(bench.ask({ type: 'REQUEST', requested: address, server: ipv4('192.168.0.2') })).toBeUndefined();
    expect(bench.server.leases()).toEqual([]);
  });

  test('DHCP-4: one that takes what was not offered gets a NAK', () => {
    const bench = new Bench();
    bench.tell({ type: 'DISCOVER', requested: ipv4('192.168.0.50') });
    const nak = bench.ask({ type: 'REQUEST', requested: ipv4('192.168.0.51'), server: SERVER });
    expect(nak?.type).toBe('NAK');
  });
});

describe('DECLINE, RELEASE, INFORM', () => {
  test('DHCP-3: a declined address is withheld', () => {
    const bench = new Bench({ range: ['192.168.0.10', '192.168.0.11'] });
    const address = bench.lease(LAPTOP);
    expect(bench.ask({ type: 'DECLINE', requested: address, server: SERVER })).toBeUndefined();
    expect(bench.server.leases()).toMatchObject([{ state: 'declined' }]);
    expect(bench.ask({ type: 'DISCOVER', requested: address })?.message.yiaddr).not.toBe(address);
    bench.clock.advance(HOUR);
    expect(bench.server.leases()).toEqual([]);
  });

  test('only who has the address can decline or release it', () => {
    const bench = new Bench();
    const address = bench.lease(LAPTOP);
    bench.tell({ type: 'DECLINE', chaddr: PHONE, requested: address, server: SERVER });
    bench.tell({ type: 'RELEASE', chaddr: PHONE, ciaddr: address, server: SERVER });
    bench.tell({ type: 'RELEASE', ciaddr: address + 1, server: SERVER });
    bench.tell({ type: 'RELEASE', ciaddr: address, server: SERVER + 1 });
    bench.tell({ type: 'DECLINE', requested: address, server: SERVER + 1 });
    expect(bench.server.leases()).toMatchObject([{ state: 'bound' }]);
  });

  test('DHCP-6: RELEASE gets no reply, and the client its address again', () => {
    const bench = new Bench();
    const address = bench.lease(LAPTOP);
    expect(bench.ask({ type: 'RELEASE', ciaddr: address, server: SERVER })).toBeUndefined();
    expect(bench.server.leases()).toMatchObject([{ state: 'expired' }]);
    expect(bench.lease(LAPTOP)).toBe(address);
  });

  test('DHCP-6: INFORM gets an ACK without a lease', () => {
    const bench = new Bench();
    const ack = bench.ask({ type: 'INFORM', ciaddr: ipv4('192.168.0.200') }, '192.168.0.200');
    expect(ack).toMatchObject({ type: 'ACK', destination: '192.168.0.200', message: { yiaddr: 0 } });
    expect(ack?.message.options.has(DHCP_OPTIONS.LEASE_TIME)).toBe(false);
    expect(ack && dhcpAddresses(ack.message, DHCP_OPTIONS.NAME_SERVER)).toEqual([ipv4('8.8.8.8')]);
    expect(bench.server.leases()).toEqual([]);
  });
});

describe('where a reply goes', () => {
  test('DHCP-5: to the relay, port 67', () => {
    const bench = new Bench();
    expect(bench.ask({ type: 'DISCOVER', giaddr: ipv4('192.168.0.2'), broadcast: true })).toMatchObject({
      destination: '192.168.0.2',
      port: 67,
    });
  });

  test('DHCP-5: to ciaddr', () => {
    const bench = new Bench();
    const address = bench.lease(LAPTOP);
    expect(bench.ask({ type: 'REQUEST', ciaddr: address, broadcast: true })).toMatchObject({
      destination: formatIpv4(address),
      port: 68,
      options: {},
    });
  });

  test('DHCP-5: to everybody if the flag asks', () => {
    expect(new Bench().ask({ type: 'DISCOVER', broadcast: true })).toMatchObject({
      destination: '255.255.255.255',
      port: 68,
      message: { broadcast: true },
    });
  });

  test('DHCP-5: else to the new address and chaddr, without ARP', () => {
    const offer = new Bench().ask({ type: 'DISCOVER' });
    expect(offer).toMatchObject({ port: 68, options: { link: LAPTOP } });
    expect(offer?.destination).toBe(formatIpv4(offer?.message.yiaddr ?? 0));
  });

  test('DHCP-5: a relay of another network gets nothing: there is no range for it', () => {
    const bench = new Bench();
    const address = bench.lease(LAPTOP);
    const giaddr = ipv4('10.9.0.1');
    expect(bench.ask({ type: 'DISCOVER', chaddr: PHONE, giaddr })).toBeUndefined();
    expect(bench.ask({ type: 'REQUEST', requested: address, giaddr })).toBeUndefined();
    expect(bench.host.counters.get('dhcp.unknown-network')).toBe(2);
  });

  test('DHCP-5: a NAK through a relay has the broadcast flag', () => {
    const bench = new Bench();
    const address = bench.lease(LAPTOP);
    const nak = bench.ask({ type: 'REQUEST', requested: address + 1, giaddr: ipv4('192.168.0.2') });
    expect(nak).toMatchObject({ type: 'NAK', destination: '192.168.0.2', message: { broadcast: true } });
  });
});

test('garbage and replies are counted', () => {
  const bench = new Bench();
  const socket = bench.host.udpAt(67);
  socket?.receive({
    source: '0.0.0.0',
    sourcePort: 68,
    destination: '255.255.255.255',
    port: 67,
    data: Buffer.alloc(3),
  });
  bench.tell({ type: 'OFFER' });
  expect(bench.wire.sent).toEqual([]);
  expect(bench.host.counters.snapshot()).toEqual({ 'dhcp.too-short': 1, 'dhcp.unexpected': 1 });
});

test('two clients and a server: leases, renewal for a day, release', async () => {
  const bench = new Bench();
  const hosts = [
    bench.wire.host('laptop', undefined, formatMac(LAPTOP)),
    bench.wire.host('phone', undefined, formatMac(PHONE)),
  ];
  const clients = hosts.map((host) =>
    startDhcpClient(host, {
      interface: host.interface,
      hostname: host.hostname,
      timing: 'fast',
      onBound: () => {},
      onLost: () => {
        throw new Error('lost its lease');
      },
    }),
  );
  await bench.clock.runUntilAsync(() => false, 24 * HOUR);
  expect(clients.map(({ state }) => state)).toEqual(['BOUND', 'BOUND']);
  expect(
    bench.server
      .leases()
      .map(({ hostname, state }) => [hostname, state])
      .sort(),
  ).toEqual([
    ['laptop', 'bound'],
    ['phone', 'bound'],
  ]);
  for (const client of clients) void client.close();
  bench.clock.advance(10);
  expect(bench.server.leases().map(({ state }) => state)).toEqual(['expired', 'expired']);
});

describe('a server that misbehaves', () => {
  const WRONG = ipv4('10.6.6.6');

  test('answers late, or not at all', () => {
    const bench = new Bench();
    bench.behaviour.misbehave('late', { service: 'dhcp', delay: 3000 });
    expect(bench.ask({ type: 'DISCOVER' })).toBeUndefined();
    bench.clock.advance(3000);
    expect(bench.replies().map(({ type }) => type)).toEqual(['OFFER']);
    bench.behaviour.misbehave('silent', { service: 'dhcp', silent: true });
    bench.ask({ type: 'DISCOVER', chaddr: PHONE });
    bench.clock.advance(10_000);
    expect(bench.replies()).toHaveLength(1);
    // Who is not heard leaves nothing in the table.
    expect(bench.server.leases()).toHaveLength(1);
    expect(bench.behaviour.behave('silent')).toEqual({ seen: 1, affected: 1 });
    expect(bench.behaviour.behave('late')).toEqual({ seen: 2, affected: 1 });
    expect(bench.ask({ type: 'DISCOVER', chaddr: PHONE })?.type).toBe('OFFER');
  });

  test('leases a wrong address and stands by it, until it behaves', () => {
    const bench = new Bench();
    bench.behaviour.misbehave('wrong', { service: 'dhcp', address: '10.6.6.6' });
    const offer = bench.ask({ type: 'DISCOVER' });
    expect(offer?.message.yiaddr).toBe(WRONG);
    const request = { type: 'REQUEST', requested: WRONG, server: SERVER } as const;
    expect(bench.ask(request)).toMatchObject({ type: 'ACK', message: { yiaddr: WRONG } });
    expect(bench.ask({ type: 'REQUEST', ciaddr: WRONG })?.type).toBe('ACK');
    expect(bench.ask({ type: 'REQUEST', requested: WRONG })?.type).toBe('ACK');
    expect(bench.behaviour.behave('wrong')).toEqual({ seen: 4, affected: 4 });

    expect(bench.ask({ type: 'REQUEST', ciaddr: WRONG })?.type).toBe('NAK');
    expect(formatIpv4(bench.lease(LAPTOP))).toMatch(/^192\.168\.0\./);
  });
});
