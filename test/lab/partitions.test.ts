// Partitions on a net of real processes: what they drop is theirs alone, whoever stands between.

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Device, type Net, up } from '../../orchestrator/api.ts';

const WEB = '93.184.216.34';
const DNS = '8.8.8.8';
const OUTER = '51.0.0.20';

let net: Net;
let before: Awaited<ReturnType<typeof state>>;
beforeAll(async () => {
  net = await up();
  // ARP on all ways has been asked for before it counts.
  for (const [device, to] of [
    ['laptop', WEB],
    ['phone', WEB],
    ['laptop', DNS],
  ] as const)
    await net.device(device).ping(to, { timeout: '5s' });
  before = await state();
});
afterEach(async () => {
  await net.heal();
  expect(await state()).toEqual(before);
});
afterAll(() => net.close());

/** Everything that a fault could leave behind. */
async function state() {
  const { devices, cables } = await net.status();
  return {
    cables,
    devices: devices.map(({ device, state: how, interfaces }) => ({ device, how, interfaces })),
  };
}

const at = (name: string): Device => net.device(name);

/** How many of some pings are answered. */
async function answered(device: string, to: string, count = 3): Promise<number> {
  return (await at(device).ping(to, { count, interval: '20ms', timeout: '500ms' })).received;
}

/** As `answered`, where all are to be. */
async function reaches(device: string, to: string): Promise<boolean> {
  return (await at(device).ping(to, { count: 3, interval: '20ms', timeout: '5s' })).received === 3;
}

test('of which the groups overlap: each frame counts once, and what one leaves the other still drops', async () => {
  const one = await net.partition(['laptop'], ['web'], { oneWay: true });
  const all = await net.partition(['laptop', 'phone'], ['web', 'dns']);
  expect(await answered('laptop', WEB)).toBe(0);
  expect(await answered('phone', DNS)).toBe(0);
  const first = await one.heal();
  expect(first.affected).toEqual({ partition: 3 });
  expect(await answered('laptop', WEB)).toBe(0);
  expect((await all.current()).affected).toEqual({ partition: 6 });
  expect(await reaches('laptop', '51.0.0.1')).toBe(true);
  await all.heal();
  expect(await reaches('laptop', WEB)).toBe(true);
  expect(await reaches('phone', DNS)).toBe(true);
});

test('of a router that translates: it goes on translating for those behind it', async () => {
  await using fault = await net.partition(['router'], ['web']);
  expect(await answered('router', WEB)).toBe(0);
  expect(await answered('web', OUTER)).toBe(0);
  expect(await reaches('router', DNS)).toBe(true);
  for (const host of ['laptop', 'phone'])
    expect((await at(host).fetch('http://www.example.com/')).status).toBe(200);
  expect((await fault.current()).affected).toEqual({ partition: 6 });
});

test('of neighbours: every frame on the cable that joins them, with its carrier up', async () => {
  await using fault = await net.partition(['isp'], ['dns']);
  expect(await answered('isp', DNS)).toBe(0);
  expect(await answered('laptop', DNS)).toBe(0);
  expect(await reaches('laptop', WEB)).toBe(true);
  expect((await net.status()).cables.every(({ carrier }) => carrier)).toBe(true);
  expect((await fault.current()).affected.partition).toBeGreaterThanOrEqual(6);
});

test('one way behind a NAT: questions arrive, and the answers are dropped at the last', async () => {
  await using fault = await net.partition(['web'], ['laptop'], { oneWay: true });
  await using frames = await net.capture(['web:eth0', 'laptop:eth0']);
  expect(await answered('laptop', WEB)).toBe(0);
  expect(await reaches('phone', WEB)).toBe(true);
  // Echoes of ping, by their length and protocol.
  const echoes = (await frames.stop()).filter(({ frame }) => frame.length === 98 && frame[23] === 1);
  const seen = echoes.map(({ end, direction }) => `${end} ${direction}`);
  const count = (what: string) => seen.filter((each) => each === what).length;
  expect([count('laptop:eth0 out'), count('web:eth0 in'), count('web:eth0 out')]).toEqual([3, 6, 6]);
  expect(count('laptop:eth0 in')).toBe(0);
  expect((await fault.current()).affected).toEqual({ partition: 3 });
});

test('meets the frames that are on their way', async () => {
  await using slow = await net.impair('laptop-router', { delay: '10m' }, { from: 'laptop' });
  const pings = at('laptop').ping(WEB, { count: 2, interval: '1ms', timeout: '2s' });
  while ((await slow.current()).affected.delay! < 2);
  await using fault = await net.partition(['laptop'], ['web']);
  await slow.heal();
  expect((await pings).received).toBe(0);
  expect((await fault.current()).affected).toEqual({ partition: 2 });
});
