// The network services over whole stacks, where the other tests have a fake wire.

import { afterEach, describe, expect, test } from 'vitest';
import { startDhcpClient } from '../../shared/apps/dhcp/client.ts';
import { startDhcpServer } from '../../shared/apps/dhcp/server.ts';
import { createResolver, type Resolver } from '../../shared/apps/dns/resolver.ts';
import { startDnsServer } from '../../shared/apps/dns/server.ts';
import { ping } from '../../shared/apps/ping/ping.ts';
import { type TracerouteProbe, traceroute } from '../../shared/apps/traceroute/traceroute.ts';
import { formatCidr, formatIpv4, ipv4, mac, parseCidr } from '../../shared/core/address.ts';
import { readU32 } from '../../shared/core/bytes.ts';
import { Counters } from '../../shared/core/counters.ts';
import { seededRandom } from '../../shared/core/random.ts';
import { createSockets } from '../../shared/socket/create-sockets.ts';
import type { InterfaceHandle, Sockets } from '../../shared/socket/sockets.ts';
import { createStack } from '../../shared/stack/stack.ts';
import { DefaultNet, type Node } from '../support/default-net.ts';
import { FrameChecker } from '../support/frame-checker.ts';
import { memoryCable } from '../support/memory-cable.ts';
import { RecordedLog } from '../support/recorded-log.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

/** The value of a promise that needs virtual time to pass. */
async function settled<T>(clock: VirtualClock, promise: Promise<T>, limit = 60_000): Promise<T> {
  let done = false;
  const end = (): void => {
    done = true;
  };
  promise.then(end, end);
  await clock.runUntilAsync(() => done, limit);
  if (!done) throw new Error(`not settled within ${limit} ms`);
  return promise;
}

describe('DHCP between a host and a router', () => {
  class Bench {
    readonly clock = new VirtualClock();
    readonly checker = new FrameChecker({ name: 'cable', mtu: 1500, public: false });
    /** Destination MAC of each frame, and who sent it. */
    readonly frames: string[] = [];
    /** Sees every frame. */
    seen: (frame: Uint8Array) => void = () => {};
    readonly cable = memoryCable(this.clock, {
      tap: (frame, from) => {
        this.checker.check(frame);
        this.seen(frame);
        const type = frame[12] === 8 && frame[13] === 6 ? 'arp' : 'ip';
        this.frames.push(`${from} ${type} ${Buffer.from(frame.subarray(0, 6)).toString('hex')}`);
      },
    });
    readonly host = this.#device('laptop', 'aa:aa:aa:aa:aa:aa', this.cable.a);
    readonly router = this.#device('router', '02:00:00:00:00:bb', this.cable.b, '192.168.0.1/24');

    #device(name: string, macText: string, port: typeof this.cable.a, address?: string): Sockets {
      const { clock } = this;
      const cidr = address === undefined ? undefined : parseCidr(address);
      const log = new RecordedLog();
      const counters = new Counters();
      const random = (use: string) => seededRandom(1, name, use);
      const stack = createStack({
        clock,
        random,
        log,
        counters,
        interfaces: [{ name: 'eth0', mac: mac(macText), port, addresses: cidr ? [cidr] : [] }],
        forwarding: false,
      });
      return createSockets({ stack, hostname: name, clock, log, counters, random });
    }
  }

  const eth0 = ({ interfaces }: Sockets): InterfaceHandle => {
    const found = interfaces.find(({ name }) => name === 'eth0');
    if (!found) throw new Error('there is no eth0');
    return found;
  };

  test('DHCP-1, DHCP-5: four messages, the replies to the MAC of a host that has no address, then probes', async () => {
    const bench = new Bench();
    const { clock, host, router } = bench;
    const spec = {
      interface: 'eth0',
      range: ['192.168.0.10', '192.168.0.99'] as const,
      lease: 3_600_000,
      dns: ['8.8.8.8'],
    };
    const server = startDhcpServer(router, spec, { interface: eth0(router), timing: 'fast' });
    const client = startDhcpClient(host, {
      interface: eth0(host),
      hostname: 'laptop',
      timing: 'fast',
      onBound: () => {},
      onLost: () => {},
    });
    expect(await clock.runUntilAsync(() => client.state === 'BOUND', 1000)).toBe(true);
    expect(bench.frames.slice(0, 4)).toEqual([
      'a ip ffffffffffff',
      'b ip aaaaaaaaaaaa',
      'a ip ffffffffffff',
      'b ip aaaaaaaaaaaa',
    ]);
    expect(bench.frames.slice(4).every((frame) => frame === 'a arp ffffffffffff')).toBe(true);
    const [own] = eth0(host).addresses;
    expect(server.leases()).toMatchObject([
      { hostname: 'laptop', state: 'bound', address: formatIpv4(own?.address ?? 0) },
    ]);

    const renewAt = client.lease?.renewAt ?? 0;
    await clock.runUntilAsync(() => false, 1_800_100);
    expect(client.state).toBe('BOUND');
    expect(client.lease?.renewAt).toBeGreaterThanOrEqual(renewAt + 1_800_000);
    bench.cable.setCarrier(false);
    bench.cable.setCarrier(true);
    await clock.runUntilAsync(() => false, 100);
    expect(client.state).toBe('BOUND');

    const options = { destination: '192.168.0.1', count: 1, interval: 1000, size: 56, timeout: 1000 };
    expect(await settled(clock, ping(host, options))).toMatchObject({ received: 1 });
    await client.close();
    await clock.runUntilAsync(() => false, 100);
    expect(server.leases()).toMatchObject([{ state: 'expired' }]);
    expect(eth0(host).addresses.map(formatCidr)).toEqual([]);
    expect(bench.checker.faults).toEqual([]);
  });

  const SPEC = {
    interface: 'eth0',
    range: ['192.168.0.10', '192.168.0.99'] as const,
    lease: 3_600_000,
    dns: ['8.8.8.8'],
  };

  async function boundClient(bench: Bench) {
    const client = startDhcpClient(bench.host, {
      interface: eth0(bench.host),
      hostname: 'laptop',
      timing: 'fast',
      onBound: () => {},
      onLost: () => {},
    });
    const begin = () =>
      startDhcpServer(bench.router, SPEC, { interface: eth0(bench.router), timing: 'fast' });
    const server = begin();
    await bench.clock.runUntilAsync(() => client.state === 'BOUND', 1000);
    const address = eth0(bench.host).addresses[0]?.address ?? 0;
    return { client, server, begin, address, text: formatIpv4(address) };
  }

  test('ARP-4, DHCP-3: one who uses the address is told whose it is; one who goes on has it', async () => {
    const bench = new Bench();
    const { client, server, address } = await boundClient(bench);
    // The router speaks as if the address were its own.
    const claim = async () => {
      eth0(bench.router).announce(address, 'fast');
      await bench.clock.runUntilAsync(() => false, 10);
    };
    await claim();
    expect(client.state).toBe('BOUND');
    await claim();
    expect(eth0(bench.host).addresses).toEqual([]);
    expect(server.leases()).toMatchObject([{ address: formatIpv4(address), state: 'declined' }]);
    await bench.clock.runUntilAsync(() => client.state === 'BOUND', 20_000);
    expect(client.lease?.cidr.address).not.toBe(address);
  });

  test('DHCP-2: when the lease has ended nothing leaves with its address, and sockets see it', async () => {
    const bench = new Bench();
    const { clock, host, router } = bench;
    const { client, server, begin, text } = await boundClient(bench);
    const heard: string[] = [];
    router.createServer({}, (socket) => socket.on('data', (data) => heard.push(String(data)))).listen(80);
    const socket = host.connect({ host: '192.168.0.1', port: 80 });
    socket.write('before ');
    await clock.runUntilAsync(() => heard.length > 0, 1000);

    await server.close();
    await clock.runUntilAsync(() => eth0(host).addresses.length === 0, 3_700_000);
    const sources = new Set<string>();
    bench.seen = (frame) =>
      frame[12] === 8 && sources.add(formatIpv4(readU32(frame, frame[13] === 6 ? 28 : 26)));
    const udp = host.createUdpSocket();
    expect(() => udp.send(new Uint8Array(1), 7, '192.168.0.1')).toThrow('ENETUNREACH');
    const codes: string[] = [];
    host
      .connect({ host: '192.168.0.1', port: 80 })
      .on('error', ({ code }: NodeJS.ErrnoException) => codes.push(code ?? ''));
    socket.write('between ');
    await clock.runUntilAsync(() => false, 20_000);
    expect(sources).toEqual(new Set(['0.0.0.0']));
    expect(codes).toEqual(['ENETUNREACH']);
    expect(heard.join('')).toBe('before ');

    // The same address again: the connection has waited for it, as on Linux.
    begin();
    await clock.runUntilAsync(() => heard.length > 1, 60_000);
    expect(client.lease && formatIpv4(client.lease.cidr.address)).toBe(text);
    expect(heard.join('')).toBe('before between ');
    socket.destroy();
  });
});

describe('in the default net', () => {
  const net = new DefaultNet();

  function socketsOf({ stack, log, counters }: Node, name: string): Sockets {
    return createSockets({
      stack,
      hostname: name,
      clock: net.clock,
      log,
      counters,
      random: (use) => seededRandom(1, name, use),
    });
  }

  const laptop = socketsOf(net.laptop, 'laptop');
  const dns = socketsOf(net.dns, 'dns');
  const texts = Array.from({ length: 10 }, (_, index) => `${index}`.repeat(100));
  startDnsServer(dns, {
    zones: {
      'example.com': { www: { A: ['93.184.216.34'], ttl: 300_000 }, big: { TXT: texts, ttl: 60_000 } },
    },
    forwarders: [],
    roots: {},
  });
  const resolver: Resolver = createResolver(laptop, { servers: () => ['8.8.8.8'] });

  afterEach(() => {
    expect(net.faults).toEqual([]);
  });

  test('a name is found through the NAT, then in the cache', async () => {
    expect(await settled(net.clock, resolver.lookup('www.example.com'))).toEqual(['93.184.216.34']);
    expect(net.dns.log.named('dns.serve')[0]?.fields).toMatchObject({ client: '51.0.0.20' });
    expect(await settled(net.clock, resolver.lookup('www.example.com'))).toEqual(['93.184.216.34']);
    expect(net.dns.log.named('dns.serve')).toHaveLength(1);
  });

  test('UDP-4, ICMP-1: a server with two addresses answers from the one that was asked', async () => {
    net.dns.stack.interface('eth0').addAddress({ address: ipv4('8.8.8.9'), prefixLength: 24 });
    for (const address of ['8.8.8.9', '8.8.8.8']) {
      // A connected socket, and one behind a NAT, hears nobody else.
      const other = createResolver(laptop, { servers: () => [address] });
      expect(await settled(net.clock, other.lookup('www.example.com'))).toEqual(['93.184.216.34']);
      const options = { destination: address, count: 1, interval: 1000, size: 56, timeout: 1000 };
      expect(await settled(net.clock, ping(laptop, options))).toMatchObject({ received: 1 });
    }
  });

  test('DNS-3, DNS-7: a long answer comes over TCP', async () => {
    const { answers } = await settled(net.clock, resolver.query('big.example.com', 'TXT'));
    expect(answers).toHaveLength(10);
  });

  test('a name that is refused, and a server where none listens, are EAI_AGAIN', async () => {
    const refused = settled(net.clock, resolver.lookup('www.example.org'));
    await expect(refused).rejects.toMatchObject({ code: 'EAI_AGAIN' });
    const nobody = createResolver(laptop, { servers: () => ['93.184.216.34'] });
    const start = net.clock.now();
    await expect(settled(net.clock, nobody.lookup('www.example.com'))).rejects.toMatchObject({
      code: 'EAI_AGAIN',
    });
    expect(net.clock.now() - start).toBeLessThan(1000);
  });

  test('ping', async () => {
    const ttls: number[] = [];
    const summary = await settled(
      net.clock,
      ping(laptop, {
        destination: '93.184.216.34',
        count: 3,
        interval: 1000,
        size: 4000,
        timeout: 10_000,
        onReply: ({ ttl, size }) => ttls.push(ttl, size),
      }),
    );
    expect(summary).toMatchObject({ transmitted: 3, received: 3, duplicates: 0 });
    expect(ttls).toEqual([62, 4008, 62, 4008, 62, 4008]);
  });

  test('ping with DF and too much data, and to where no route leads', async () => {
    const codes: string[] = [];
    const options = {
      count: 1,
      interval: 1000,
      timeout: 1000,
      onSendError: ({ code }: { code: string }) => codes.push(code),
    };
    await settled(
      net.clock,
      ping(laptop, { ...options, destination: '8.8.8.8', size: 1473, dontFragment: true }),
    );
    expect(codes).toEqual(['EMSGSIZE']);
    const kinds: string[] = [];
    await settled(
      net.clock,
      ping(laptop, {
        ...options,
        destination: '99.9.9.9',
        size: 56,
        onReport: ({ kind, code, from }) => kinds.push(`${kind} ${code} ${from}`),
      }),
    );
    expect(kinds).toEqual(['unreachable 0 51.0.0.1']);
  });

  test.each(['udp', 'icmp'] as const)('NAT-4: traceroute by %s', async (method) => {
    const probes: TracerouteProbe[] = [];
    const summary = await settled(
      net.clock,
      traceroute(laptop, {
        destination: '93.184.216.34',
        method,
        firstTtl: 1,
        maxTtl: 30,
        probes: 3,
        wait: 5000,
        onProbe: (probe) => probes.push(probe),
      }),
    );
    expect(summary).toEqual({ reached: true, lastTtl: 3 });
    expect(probes.map(({ ttl, address }) => `${ttl} ${address}`)).toEqual(
      ['1 192.168.0.1', '2 51.0.0.1', '3 93.184.216.34'].flatMap((hop) => [hop, hop, hop]),
    );
  });
});
