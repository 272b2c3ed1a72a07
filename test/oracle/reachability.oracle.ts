// ping, arping, traceroute, mtr and tracepath from a Linux kernel behind our NAT.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DNS, Home, INSIDE, ISP, OUTSIDE, ROUTER, TAP, WEB } from './home.ts';

/** Bytes that the cable to the name server carries, less than the others. */
const NARROW = 1400;

let home: Home;
beforeAll(async () => {
  home = await Home.start({
    change: (_, cables) => {
      cables['isp-dns']!.mtu = NARROW;
    },
  });
});
afterAll(() => home?.close());

const inside = (program: string, ...args: string[]) => home.inside.run(program, ...args);

describe('ping', () => {
  // All at once: after the last, ping waits for an interval or twice the longest round trip, whichever is more.
  const ping = (...args: string[]) => inside('ping', '-n', '-l', '3', '-i', '5', '-W', '5', ...args);

  test.each([
    ['a router', ROUTER.inside],
    ['a server beyond two', WEB],
    ['a kernel beyond two', OUTSIDE],
    ['the outer address of the NAT', ROUTER.outside],
  ])('%s: full packets and the longest of all', async (_, address) => {
    const full = await ping('-c', '3', '-s', '1472', '-M', 'do', address);
    expect(full.stdout, full.stderr).toContain('3 received');
    const longest = await ping('-c', '3', '-s', '65507', address);
    expect(longest.stdout, longest.stderr).toContain('3 received');
    expect(longest.stdout).not.toMatch(/wrong data|DUP|truncated/);
  });

  test('IP-6 a path that is narrower is told, with its MTU', async () => {
    const { stdout, stderr } = await ping('-c', '2', '-s', '1472', '-M', 'do', DNS);
    expect(stdout + stderr).toMatch(new RegExp(`From ${ISP} .*Frag needed and DF set \\(mtu = ${NARROW}\\)`));
    expect((await ping('-c', '3', '-s', '1472', '-M', 'want', DNS)).stdout).toContain('3 received');
    expect((await ping('-c', '3', '-s', '20000', '-M', 'dont', DNS)).stdout).toContain('3 received');
  });

  test('ours hears the kernel, as far as it goes', async () => {
    for (const [device, address] of [
      ['laptop', INSIDE],
      ['laptop', OUTSIDE],
      ['isp', OUTSIDE],
    ] as const) {
      const { received } = await home.net
        .device(device)
        .ping(address, { count: 3, interval: '50ms', size: 65_507 });
      expect(received).toBe(3);
    }
  });

  test('records a route no worse than it must: options are carried or left out', async () => {
    const { stdout } = await ping('-c', '2', '-R', WEB);
    expect(stdout).toContain('2 received');
  });
});

test('arping: every request for the router is answered by its MAC, one for nobody by none', async () => {
  const arping = (...args: string[]) => inside('arping', '-I', TAP, ...args);
  const { devices } = await home.net.status();
  const mac = devices
    .find(({ device }) => device === 'router')!
    .interfaces.find(({ name }) => name === 'lan')!
    .mac.toUpperCase();
  const { stdout, exitCode } = await arping('-c', '3', ROUTER.inside);
  expect(exitCode).toBe(0);
  expect(stdout.match(new RegExp(`Unicast reply from ${ROUTER.inside} \\[${mac}\\]`, 'g'))).toHaveLength(3);
  // Duplicate address detection: it is taken, another is not.
  expect((await arping('-D', '-c', '1', '-w', '2', ROUTER.inside)).exitCode).toBe(1);
  expect((await arping('-D', '-c', '1', '-w', '1', '192.168.0.250')).exitCode).toBe(0);
});

describe('NAT-4 every hop is seen', () => {
  test.each([
    ['ICMP', ['-I']],
    ['TCP', ['-T', '-p', '80']],
    // To a port that tshark has no protocol for: what traceroute sends is none.
    ['UDP to one port', ['-U', '-p', '34567']],
    ['UDP', []],
  ])('traceroute by %s', async (_, flags) => {
    const { stdout, stderr } = await inside('traceroute', '-n', '-w', '5', ...flags, WEB);
    const hops = stdout
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/));
    expect(
      hops.map(([, address]) => address),
      stdout + stderr,
    ).toEqual([ROUTER.inside, ISP, WEB]);
    // Three answers for each: no `*`, and no marks such as !X.
    for (const hop of hops) expect(hop.join(' ')).toMatch(/^\d+ [\d.]+( [\d.]+ ms){3}$/);
  });

  test.each([
    ['ICMP', []],
    ['UDP', ['--udp']],
    ['TCP', ['--tcp', '--port', '80']],
  ])('mtr by %s', async (_, flags) => {
    const { stdout } = await inside(
      'mtr',
      '-n',
      '--report',
      '--report-wide',
      '-c',
      '5',
      '-i',
      '0.2',
      ...flags,
      WEB,
    );
    const rows = [...stdout.matchAll(/\|-- (\S+) +([\d.]+)% +5 /g)].map(([, address, loss]) => [
      address,
      loss,
    ]);
    expect(rows, stdout).toEqual([ROUTER.inside, ISP, WEB].map((address) => [address, '0.0']));
  });

  test('tracepath finds the path MTU', async () => {
    const wide = await inside('tracepath', '-n', WEB);
    expect(wide.stdout).toMatch(/Resume: pmtu 1500 hops 3 back 3/);
    // The route to it may be known as narrow from another test: that is the kernel's to forget.
    await home.inside.ok('ip', 'route', 'flush', 'cache');
    const narrow = await inside('tracepath', '-n', DNS);
    expect(narrow.stdout).toMatch(new RegExp(`3: +${ISP} .*pmtu ${NARROW}`));
    expect(narrow.stdout).toMatch(new RegExp(`Resume: pmtu ${NARROW} hops 3 back 3`));
  });
});

test('ARP-3 a kernel with a new MAC address is found again', async () => {
  const before = (await home.inside.ok('cat', `/sys/class/net/${TAP}/address`)).trim();
  for (const mac of ['02:00:00:00:99:99', before]) {
    await home.inside.ok('ip', 'link', 'set', TAP, 'address', mac);
    const { stdout } = await inside('ping', '-n', '-c', '2', '-i', '0.5', '-W', '5', WEB);
    expect(stdout).toContain('2 received');
    expect((await home.net.device('laptop').ping(INSIDE, { count: 2, interval: '50ms' })).received).toBe(2);
  }
});

test('traceroute of ours goes through to the kernel beyond', async () => {
  for (const flags of [[], ['-I']]) {
    const { stdout } = await home.net.device('laptop').exec(['traceroute', '-n', ...flags, OUTSIDE]);
    expect(stdout.match(/^ *\d+ +\S+/gm)?.map((hop) => hop.trim().split(/\s+/)[1])).toEqual([
      ROUTER.inside,
      ISP,
      OUTSIDE,
    ]);
  }
});
