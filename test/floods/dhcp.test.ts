// DHCP starvation: DISCOVERs of made-up clients, faster than offers run out.

import { expect, test } from 'vitest';
import { type Binding, Bindings } from '../../shared/apps/dhcp/bindings.ts';
import { startDhcpClient } from '../../shared/apps/dhcp/client.ts';
import { startDhcpServer } from '../../shared/apps/dhcp/server.ts';
import { ipv4 } from '../../shared/core/address.ts';
import { DHCP_OPTIONS, DHCP_TYPES, decodeDhcp, encodeDhcp } from '../../shared/wire/dhcp.ts';
import { FakeWire } from '../support/fake-wire.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const RANGE = ['192.168.0.10', '192.168.0.99'] as const;

function discover(chaddr: number, options: readonly (readonly [number, Uint8Array])[] = []): Uint8Array {
  return encodeDhcp({
    op: 1,
    hops: 0,
    xid: chaddr % 2 ** 32,
    secs: 0,
    broadcast: false,
    ciaddr: 0,
    yiaddr: 0,
    siaddr: 0,
    giaddr: 0,
    chaddr,
    sname: '',
    file: '',
    options: new Map([[DHCP_OPTIONS.MESSAGE_TYPE, Uint8Array.of(DHCP_TYPES.DISCOVER)], ...options]),
  });
}

test.each(['fast', 'rfc'] as const)(
  'a client gets its lease while thousands of others only ask (%s)',
  async (timing) => {
    const clock = new VirtualClock();
    const wire = new FakeWire(clock);
    const router = wire.host('router', '192.168.0.1/24', '02:00:00:00:00:bb');
    const spec = { interface: 'eth0', range: RANGE, lease: 3_600_000, dns: [] };
    const server = startDhcpServer(router, spec, { interface: router.interface, timing });
    const laptop = wire.host('laptop', undefined, 'aa:aa:aa:aa:aa:aa');
    let asked = 0;
    const flood = (): void => {
      const data = discover(0x020000000000 + asked++);
      router
        .udpAt(67)
        ?.receive({ source: '0.0.0.0', sourcePort: 68, destination: '255.255.255.255', port: 67, data });
      if (asked < 20_000) clock.after(1, flood);
    };
    flood();
    await clock.runUntilAsync(() => false, 1000);
    const client = startDhcpClient(laptop, {
      interface: laptop.interface,
      hostname: 'laptop',
      timing: 'fast',
      onBound: () => {},
      onLost: () => {},
    });
    await clock.runUntilAsync(() => client.state === 'BOUND', 18_000);
    expect(client.state).toBe('BOUND');
    expect(server.leases().length).toBeLessThanOrEqual(90);
    const refused = ['dhcp.offer-withdrawn', 'dhcp.too-many-probes'].map((name) => router.counters.get(name));
    expect(Math.max(...refused)).toBeGreaterThan(500);
    await clock.runUntilAsync(() => asked === 20_000, 60_000);
    await clock.runUntilAsync(() => false, 70_000);
    expect(server.leases()).toMatchObject([{ hostname: 'laptop', state: 'bound' }]);
    await client.close();
    await server.close();
  },
);

test('a client identifier of kilobytes is no key', async () => {
  const wire = new FakeWire(new VirtualClock());
  const router = wire.host('router', '192.168.0.1/24', '02:00:00:00:00:bb');
  const spec = { interface: 'eth0', range: RANGE, lease: 3_600_000, dns: [] };
  const server = startDhcpServer(router, spec, { interface: router.interface, timing: 'fast' });
  for (let count = 0; count < 10; count++) {
    const data = discover(0x020000000001, [[DHCP_OPTIONS.CLIENT_ID, new Uint8Array(60_000).fill(count)]]);
    router
      .udpAt(67)
      ?.receive({ source: '0.0.0.0', sourcePort: 68, destination: '255.255.255.255', port: 67, data });
  }
  expect(server.leases()).toHaveLength(1);
  await server.close();
});

test('an option in twenty thousand parts is read in one pass', () => {
  const parts = new Uint8Array(40_000);
  for (let offset = 0; offset < parts.length; offset += 2) parts[offset] = DHCP_OPTIONS.CLIENT_ID;
  const plain = discover(1);
  const many = new Uint8Array(240 + parts.length + plain.length - 240);
  many.set(plain.subarray(0, 240));
  many.set(parts, 240);
  many.set(plain.subarray(240), 240 + parts.length);
  expect(decodeDhcp(many)).toMatchObject({ chaddr: 1 });
});

test('in a range of sixty thousand that is nearly full an address is found without a search', () => {
  let looks = 0;
  const bindings = new Bindings(ipv4('10.0.0.1'), ipv4('10.0.234.96'), {
    length: 0,
    includes: () => {
      looks++;
      return false;
    },
  } as unknown as number[]);
  const give = (client: string): Binding | undefined => {
    const address = bindings.choose(client, undefined);
    if (address === undefined) return undefined;
    const binding: Binding = { address, client, mac: 1, hostname: undefined, state: 'bound', expiresAt: 0 };
    bindings.put(binding);
    return binding;
  };
  const given = Array.from({ length: 60_000 }, (_, index) => give(`client ${index}`));
  expect([given.length, new Set(given.map((binding) => binding?.address)).size]).toEqual([60_000, 60_000]);
  expect(give('one more')).toBeUndefined();
  expect(looks).toBeLessThan(60_000 * 5);
  looks = 0;
  for (let index = 0; index < 1000; index++) {
    bindings.remove(given[index * 50]!);
    expect(give(`late ${index}`)).toBeDefined();
  }
  bindings.expire(given[1]!, 1);
  bindings.expire(given[2]!, 2);
  expect([give('later')?.address, give('latest')?.address]).toEqual([given[1]?.address, given[2]?.address]);
  expect(looks).toBeLessThan(1000 * 5);
});
