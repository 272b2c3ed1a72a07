// Each impairment on a cable between real processes, seen from the commands of the devices. What takes how
// long is held by virtual time (test/net/impaired.test.ts): here are bounds that no load can move.

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Device, type ImpairOptions, type Net, up } from '../../orchestrator/api.ts';

const WEB = '10.0.0.2';
const SIZE = 1_250_000;

let net: Net;
let here: Device;
beforeAll(async () => {
  net = await up({
    name: 'impaired',
    devices: {
      here: { kind: 'host', interfaces: { eth0: { ipv4: '10.0.0.1/24' } } },
      web: {
        kind: 'web-server',
        interfaces: { eth0: { ipv4: `${WEB}/24` } },
        http: { sites: { [WEB]: { root: import.meta.dirname } } },
      },
    },
    cables: { wire: { ends: ['here:eth0', 'web:eth0'], from: { web: { delay: '1ms' } } } },
  });
  here = net.device('here');
  await here.ping(WEB, { timeout: '5s' });
});
afterEach(() => net.heal());
afterAll(() => net.close());

/** Makes what `from` sends worse, and pings: the answers in their order, and what the receipt says after. */
async function pings(count: number, impairment: ImpairOptions, from = 'here') {
  await using fault = await net.impair('wire', impairment, { from });
  const summary = await here.ping(WEB, { count, interval: '10ms', timeout: '2s' });
  return { ...summary, affected: (await fault.current()).affected };
}

test('delay and jitter: no answer before its time, and spread', async () => {
  const { replies, rtt, affected } = await pings(100, { delay: '50ms', jitter: '20ms' });
  expect(replies).toHaveLength(100);
  // 30 ms at least there, and 1 ms back; timers are early by a fraction.
  expect(rtt!.min).toBeGreaterThan(30);
  expect(rtt!.avg).toBeGreaterThan(50);
  expect(rtt!.max - rtt!.min).toBeGreaterThan(10);
  expect(replies.map(({ sequence }) => sequence)).toEqual(replies.map((_, index) => index + 1));
  expect(affected.delay).toBeGreaterThanOrEqual(100);
});

test('duplicate: every frame arrives twice', async () => {
  const { received, duplicates, affected } = await pings(5, { duplicate: '100%' });
  expect(received).toBe(5);
  // It ends with the fifth answer, and may not see that come again.
  expect(duplicates).toBeGreaterThanOrEqual(4);
  expect(affected.duplicate).toBeGreaterThanOrEqual(5);
});

test('corrupt: no frame with a bit turned over is taken for good', async () => {
  const { received, affected } = await pings(40, { corrupt: '100%' }, 'web');
  // A bit may fall on what nobody checks, such as the address of the sender.
  expect(received).toBeLessThan(20);
  expect(affected.corrupt).toBeGreaterThanOrEqual(40);
  // An answer of ARP may have been believed.
  await net.flush('here', 'arp');
  expect((await pings(3, { corrupt: '0%' }, 'web')).received).toBe(3);
});

test('reorder: some overtake those that wait', async () => {
  const { replies, affected } = await pings(60, { delay: '60ms', reorder: '20%' });
  const order = replies.map(({ sequence }) => sequence);
  expect(order).not.toEqual([...order].sort((a, b) => a - b));
  expect(affected.reorder).toBeGreaterThan(2);
  expect(affected.reorder! + affected.delay!).toBeGreaterThanOrEqual(60);
});

test('rate and limit: no faster than told, and who finds no place to wait is dropped', async () => {
  const download = async (limit: number) => {
    await using fault = await net.impair('wire', { rate: '10mbit', limit }, { from: 'web' });
    const begin = performance.now();
    const response = await here.fetch(`http://${WEB}/bytes/${SIZE}`);
    expect((await response.arrayBuffer()).byteLength).toBe(SIZE);
    const bits = (SIZE * 8) / (performance.now() - begin) / 1000;
    return { bits, affected: (await fault.current()).affected };
  };
  const wide = await download(1000);
  // 1,448 bytes of each frame of 1,514 are the file's.
  expect(wide.bits).toBeLessThanOrEqual(10 * (1448 / 1514) * 1.005);
  expect(wide.affected.limit).toBe(0);
  const narrow = await download(8);
  expect(narrow.bits).toBeLessThanOrEqual(10);
  expect(narrow.affected.limit).toBeGreaterThan(0);
});

test('each direction has its own, and heals to what the topology says', async () => {
  await net.impair('wire', { loss: '100%' }, { from: 'web' });
  expect((await here.ping(WEB, { count: 2, interval: '10ms', timeout: '200ms' })).received).toBe(0);
  const faults = await net.heal();
  expect(faults.map(({ affected }) => affected)).toEqual([{ loss: 2 }]);
  await net.impair('wire', { loss: '100%' }, { from: 'here' });
  await net.impair('wire', { loss: '0%' });
  expect((await here.ping(WEB, { count: 2, interval: '10ms', timeout: '2s' })).received).toBe(2);
  await net.heal();
  expect((await here.ping(WEB, { count: 3, interval: '10ms', timeout: '2s' })).rtt?.min).toBeGreaterThan(0.4);
});
