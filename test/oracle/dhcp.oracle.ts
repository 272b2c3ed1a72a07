// dhclient and udhcpc against our server, and our client against dnsmasq.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ResultPromise } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Net, up } from '../../orchestrator/api.ts';
import { Namespace } from '../support/namespace.ts';
import { Home, ROUTER, TAP } from './home.ts';

/** Of the server here: short, so that renewals are seen. */
const LEASE = 6;

describe('against our server', () => {
  let home: Home;
  beforeAll(async () => {
    home = await Home.start({
      change: (devices) => {
        devices.router!.dhcp = { ...devices.router!.dhcp!, lease: `${LEASE}s`, domain: 'home.test' };
      },
    });
    // The kernel's own address is none of this lease.
    await home.inside.ok('ip', 'address', 'flush', 'dev', TAP);
  });
  afterAll(() => home?.close());

  const file = (name: string) => join(home.folder, name);

  /** Starts dhclient, which goes on in the foreground, and gives a function that waits for its words. */
  function dhclient(...args: string[]): {
    said: (what: RegExp, times?: number) => Promise<void>;
    child: ResultPromise;
  } {
    const child = home.inside.start(
      'dhclient',
      [
        ...['-4', '-1', '-d', '-v', '-sf', '/bin/true'],
        '-lf',
        file('leases'),
        '-pf',
        file('pid'),
        ...args,
        TAP,
      ],
      { buffer: false, all: true },
    );
    let text = '';
    const looking = new Set<() => void>();
    child.all?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      for (const look of looking) look();
    });
    const said = (what: RegExp, times = 1) =>
      new Promise<void>((resolve, reject) => {
        const look = () => {
          if ((text.match(new RegExp(what, 'g')) ?? []).length < times) return;
          looking.delete(look);
          resolve();
        };
        looking.add(look);
        look();
        void child.then(() => reject(new Error(`dhclient ended without ${what}: ${text}`)));
      });
    return { said, child };
  }

  test('DHCP-6 dhclient gets a lease with router and name server, renews it, and gives it back', async () => {
    await writeFile(file('leases'), '');
    const { said, child } = dhclient();
    await said(/DHCPDISCOVER on/);
    await said(/DHCPOFFER of 192\.168\.0\.\d+ from 192\.168\.0\.1/);
    await said(/DHCPACK of 192\.168\.0\.\d+ from 192\.168\.0\.1/);
    await said(/bound to 192\.168\.0\.\d+ -- renewal in \d seconds/);
    const lease = await readFile(file('leases'), 'utf8');
    expect(lease).toMatch(/fixed-address 192\.168\.0\.[1-9]\d;/);
    for (const option of [
      'subnet-mask 255.255.255.0',
      `routers ${ROUTER.inside}`,
      'domain-name-servers 8.8.8.8',
      'domain-name "home.test"',
      `dhcp-server-identifier ${ROUTER.inside}`,
      `dhcp-lease-time ${LEASE}`,
    ])
      expect(lease).toContain(`option ${option};`);
    await said(/bound to/, 2);
    child.kill('SIGTERM');
    await child;
    const leases = async () => (await home.net.device('router').exec(['leases'])).stdout;
    const address = /fixed-address (\S+);/.exec(lease)?.[1] ?? '';
    expect(await leases()).toContain(address);
    const release = ['-4', '-v', '-r', '-sf', '/bin/true', '-lf', file('leases'), '-pf', file('pid'), TAP];
    // RELEASE is unicast, so the kernel must have the address.
    await home.inside.address(TAP, `${address}/24`);
    await home.inside.ok('dhclient', ...release);
    await expect.poll(leases, { timeout: 5000 }).not.toMatch(new RegExp(`${address} .* bound`));
    await home.inside.ok('ip', 'address', 'flush', 'dev', TAP);
  });

  test('DHCP-4 dhclient takes up its old lease at once, and is told no to one of another net', async () => {
    const { said, child } = dhclient();
    await said(/bound to/);
    child.kill('SIGTERM');
    await child;
    const lease = await readFile(file('leases'), 'utf8');
    const again = dhclient();
    await again.said(/DHCPREQUEST for 192\.168\.0\.\d+ on/);
    await again.said(/bound to/);
    again.child.kill('SIGTERM');
    await again.child;
    await writeFile(file('leases'), lease.replace(/192\.168\.0\./g, '10.9.8.'));
    const elsewhere = dhclient();
    await elsewhere.said(/DHCPNAK from 192\.168\.0\.1/);
    await elsewhere.said(/bound to 192\.168\.0\.\d+/);
    elsewhere.child.kill('SIGTERM');
    await elsewhere.child;
  });

  test('udhcpc gets a lease with router and name server', async () => {
    const script = file('script');
    await writeFile(
      script,
      '#!/bin/sh\n[ "$1" = bound ] && echo "ip=$ip router=$router dns=$dns mask=$mask lease=$lease"\nexit 0\n',
      {
        mode: 0o755,
      },
    );
    const { stdout, stderr, exitCode } = await home.inside.run(
      ...([
        'udhcpc',
        '-i',
        TAP,
        '-f',
        '-n',
        '-q',
        '-R',
        '-t',
        '10',
        '-T',
        '1',
        '-x',
        'hostname:linux',
        '-s',
        script,
      ] as const),
    );
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(
      new RegExp(`ip=192\\.168\\.0\\.\\d+ router=${ROUTER.inside} dns=8\\.8\\.8\\.8 mask=24 lease=${LEASE}`),
    );
  });
});

describe('our client against dnsmasq', () => {
  let net: Net | undefined;
  let server: Namespace | undefined;
  let folder: string | undefined;
  afterEach(async () => {
    await net?.close();
    await server?.close();
    if (folder) await rm(folder, { recursive: true });
  });

  test.each(['fast', 'rfc'] as const)(
    'DHCP-1 a lease with router and name server (timing %s)',
    async (timing) => {
      server = await Namespace.create();
      folder = await mkdtemp(join(tmpdir(), 'dnsmasq-'));
      // It is there before the net is, which waits for its lease.
      await server.ok('ip', 'tuntap', 'add', TAP, 'mode', 'tap');
      await server.address(TAP, '10.7.0.1/24');
      await server.ok('ip', 'link', 'set', TAP, 'up');
      const dnsmasq = server.start(
        'dnsmasq',
        [
          ...['--no-daemon', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--user=root'],
          ...[
            `--interface=${TAP}`,
            '--bind-interfaces',
            `--dhcp-leasefile=${join(folder, 'leases')}`,
            '--pid-file=',
          ],
          ...['--dhcp-range=10.7.0.50,10.7.0.60,255.255.255.0,2m', '--dhcp-option=option:router,10.7.0.1'],
          ...['--dhcp-option=option:dns-server,10.7.0.1', '--log-dhcp', '--dhcp-authoritative'],
          ...['--address=/name.test/10.7.0.99', '--dhcp-host=02:00:00:00:00:07,10.7.0.57'],
        ],
        { all: true },
      );
      net = await up({
        name: 'dnsmasq',
        timing,
        devices: {
          host: {
            kind: 'host',
            hostname: 'our-host',
            interfaces: { eth0: { mac: '02:00:00:00:00:07', ipv4: 'dhcp' } },
          },
          plug: { kind: 'tap', tap: { name: TAP, netns: server.name }, interfaces: { eth0: {} } },
        },
        cables: { wire: { ends: ['host:eth0', 'plug:eth0'] } },
      });
      const host = net.device('host');
      expect((await host.exec(['ip', 'addr'])).stdout).toContain('inet 10.7.0.57/24');
      expect((await host.exec(['ip', 'route'])).stdout).toContain('default via 10.7.0.1');
      expect(await host.resolve('name.test')).toEqual(['10.7.0.99']);
      expect(await readFile(join(folder, 'leases'), 'utf8')).toMatch(
        /02:00:00:00:00:07 10\.7\.0\.57 our-host /,
      );
      await net.stop('host');
      // Given back in order.
      await expect.poll(async () => readFile(join(folder!, 'leases'), 'utf8'), { timeout: 5000 }).toBe('');
      dnsmasq.kill('SIGTERM');
      const { all } = await dnsmasq;
      const said = [...String(all).matchAll(/DHCP(\w+)\(tap0\)/g)].map(([, type]) => type);
      expect(said).toEqual(['DISCOVER', 'OFFER', 'REQUEST', 'ACK', 'RELEASE']);
    },
  );
});
