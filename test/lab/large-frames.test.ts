// Cables with an MTU of 9000, from end to end, and where one between them is smaller (RFC 1191).

import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { type Net, type TopologyFile, up } from '../../orchestrator/api.ts';

const PAGE = 'http://www.example.com/';
const WEB = '93.184.216.34';
const SIZE = 3_000_000;
const LONGEST = 9014;

let net: Net;
afterEach(() => net.close());

/** The default net on cables that take `mtu` bytes, but for those that `mtus` names. */
async function start(mtus: Readonly<Record<string, number>> = {}, mtu = 9000): Promise<void> {
  const file = JSON.parse(readFileSync('topology.json', 'utf8'));
  for (const [name, cable] of Object.entries<{ mtu?: number }>(file.cables)) cable.mtu = mtus[name] ?? mtu;
  net = await up({ ...(file as TopologyFile), name: 'large' });
}

/** Bytes of the longest frame that an end sends while something is done. */
async function longestFrom(end: string, action: () => Promise<void>): Promise<number> {
  const capture = await net.capture(end);
  await action();
  const frames = await capture.stop();
  return Math.max(...frames.filter(({ direction }) => direction === 'out').map(({ frame }) => frame.length));
}

async function download(): Promise<void> {
  const response = await net.device('laptop').fetch(`${PAGE}bytes/${SIZE}`);
  expect((await response.arrayBuffer()).byteLength).toBe(SIZE);
}

async function upload(): Promise<void> {
  const response = await net.device('laptop').fetch(`${PAGE}bytes`, {
    method: 'POST',
    body: new Uint8Array(SIZE),
  });
  expect(response.status).toBe(200);
}

/** What `ping -M do` says of a packet with so many bytes of data and 28 of headers. */
async function unfragmented(size = 8000, to = WEB): Promise<string> {
  const { stdout } = await net
    .device('laptop')
    .exec(['ping', '-M', 'do', '-c', '1', '-W', '1', '-s', String(size), to]);
  return stdout;
}

describe('MTU 9000', () => {
  test('all the way: segments fill the frames in both directions', async () => {
    await start();
    expect(await longestFrom('web:eth0', download)).toBe(LONGEST);
    expect(await longestFrom('laptop:eth0', upload)).toBe(LONGEST);
    expect(await unfragmented()).toContain('8008 bytes from 93.184.216.34');
    // The router itself, whose bridge has ports without a cable.
    expect(await unfragmented(8972, '192.168.0.1')).toContain('8980 bytes from 192.168.0.1');
    expect(net.attach('router:lan3').mtu).toBe(9000);
  });

  test('with 1500 on a cable of the bridge: the router sends no more there, and takes what comes', async () => {
    await start({ 'phone-router': 1500 });
    // An echo that the router may not send whole in a frame, and does in fragments.
    expect(await unfragmented(8972, '192.168.0.1')).toContain('8980 bytes from 192.168.0.1');
    expect(await longestFrom('web:eth0', download)).toBe(LONGEST);
    expect(await unfragmented()).toContain('8008 bytes');
  });

  test('with 1500 in the middle: both ends are told, and learn', async () => {
    await start({ uplink: 1500 });
    expect(await unfragmented()).toContain('Frag needed and DF set (mtu = 1500)');
    // The first segments are too long, as the ends themselves take 9000.
    expect(await longestFrom('web:eth0', download)).toBe(LONGEST);
    expect(await longestFrom('web:eth0', download)).toBe(1514);
    expect(await longestFrom('laptop:eth0', upload)).toBe(1514);
  });

  test('with 1500 at one end: the segment size is agreed on in the handshake', async () => {
    await start({ 'laptop-router': 1500, 'phone-router': 1500 });
    expect(await longestFrom('web:eth0', download)).toBe(1514);
    expect(await longestFrom('laptop:eth0', upload)).toBe(1514);
  });
});

describe('MTU 65535, the largest', () => {
  test('the longest packet of all arrives whole, and segments fill the frames in both directions', async () => {
    await start({}, 65_535);
    expect(await unfragmented(65_535 - 28)).toContain('65515 bytes from 93.184.216.34');
    expect(await longestFrom('web:eth0', download)).toBe(65_549);
    expect(await longestFrom('laptop:eth0', upload)).toBe(65_549);
  });
});

test('a switch with different MTUs says what it drops', async () => {
  net = await up({
    name: 'mixed',
    devices: {
      big: { kind: 'host', interfaces: { eth0: { ipv4: '10.0.0.1/24' } } },
      small: { kind: 'host', interfaces: { eth0: { ipv4: '10.0.0.2/24' } } },
      middle: { kind: 'switch', interfaces: { p1: {}, p2: {} } },
    },
    cables: {
      one: { ends: ['big:eth0', 'middle:p1'], mtu: 9000 },
      two: { ends: ['small:eth0', 'middle:p2'] },
    },
  });
  const ping = ['ping', '-M', 'do', '-c', '1', '-W', '0.5', '-s', '8000', '10.0.0.2'];
  expect((await net.device('big').exec(ping)).exitCode).toBe(1);
  const { stdout } = await net.device('middle').exec(['nstat']);
  expect(stdout).toMatch(/^bridge\.too-long +- +1$/m);
  const told = (await net.logs()).filter(({ event }) => event === 'bridge.too-long');
  expect(told).toMatchObject([{ device: 'middle', interface: 'p2', mtu: 1500, length: 8042 }]);
});
