// Filters, servers that misbehave and tables that are forgotten, on a net of real processes.

import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Device, type Net, up } from '../../orchestrator/api.ts';

const WEB = '93.184.216.34';
const NAME = 'www.example.com';

let net: Net;
let laptop: Device;
beforeAll(async () => {
  net = await up();
  laptop = net.device('laptop');
  await laptop.ping(WEB, { timeout: '5s' });
});
afterEach(async () => {
  await net.heal();
  await net.flush('laptop', 'dns');
});
afterAll(() => net.close());

const ask = (timeout: '300ms' | '5s' = '5s') => laptop.resolve(NAME, 'A', { server: '8.8.8.8', timeout });

/** ms that it takes to connect. */
async function connectTime(): Promise<number> {
  const begin = performance.now();
  (await laptop.connect({ host: WEB, port: 80 })).destroy();
  return performance.now() - begin;
}

test('DNS answers alone are dropped: questions arrive, and all else passes', async () => {
  await using fault = await net.blackhole('laptop', { direction: 'in', dns: 'answer' });
  await expect(ask('300ms')).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  const served = (await net.logs()).filter(({ device, event }) => device === 'dns' && event === 'dns.serve');
  expect(served.length).toBeGreaterThanOrEqual(1);
  expect((await laptop.ping('8.8.8.8', { timeout: '5s' })).received).toBe(1);
  const { affected, applied } = await fault.current();
  expect(affected.filter).toBe(served.length);
  expect(applied).toMatchObject([{ at: 'laptop', confirmed: true }]);
});

test('the first two SYNs are dropped: the third, after 1 s and 2 s, connects', async () => {
  await using fault = await net.blackhole('uplink', { from: 'router', flags: ['syn'], first: 2 });
  expect(await connectTime()).toBeGreaterThan(2900);
  expect(await fault.current()).toMatchObject({
    affected: { filter: 2 },
    applied: [{ at: 'router:wan', confirmed: true }],
  });
});

test('every tenth frame of a direction is dropped', async () => {
  await using fault = await net.blackhole('isp-web', { from: 'isp', protocol: 'icmp', every: 10 });
  const { replies } = await laptop.ping(WEB, { count: 40, interval: '10ms', timeout: '2s' });
  const answered = replies.map(({ sequence }) => sequence);
  expect([10, 20, 30, 40].filter((sequence) => answered.includes(sequence))).toEqual([]);
  expect(answered).toHaveLength(36);
  expect((await fault.current()).affected).toEqual({ filter: 4 });
});

test('a name server answers late, with SERVFAIL, with another address, and not at all', async () => {
  {
    await using late = await net.misbehave('dns', { service: 'dns', delay: '700ms' });
    const begin = performance.now();
    expect(await ask()).toEqual([WEB]);
    expect(performance.now() - begin).toBeGreaterThanOrEqual(699);
    expect(await late.current()).toMatchObject({ seen: 1, affected: { service: 1 } });
  }
  {
    await using _ = await net.misbehave('dns', { service: 'dns', servfail: true });
    await expect(ask()).rejects.toMatchObject({ code: 'ESERVFAIL' });
  }
  {
    await using _ = await net.misbehave('dns', { service: 'dns', address: '6.6.6.6' });
    expect(await ask()).toEqual(['6.6.6.6']);
  }
  {
    await using _ = await net.misbehave('dns', { service: 'dns', silent: true });
    await expect(ask('300ms')).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  }
  expect(await ask()).toEqual([WEB]);
});

test('a DHCP server gives no address, and then a wrong one', async () => {
  const address = async () => {
    const { interfaces } = (await net.status()).devices.find(({ device }) => device === 'phone')!;
    return interfaces[0]?.ipv4;
  };
  const before = await address();
  const silent = await net.misbehave('router', { service: 'dhcp', silent: true });
  // While a fault is active, a device that starts is not waited for until it has its lease.
  await net.restart('phone');
  while ((await silent.current()).affected.service === 0);
  expect(await address()).toBeNull();
  const wrong = await net.misbehave('router', { service: 'dhcp', address: '192.168.0.77' });
  await silent.heal();
  while ((await address()) === null);
  expect(await address()).toBe('192.168.0.77/24');
  await wrong.heal();
  await net.restart('phone');
  expect(await address()).toBe(before);
});

test('a router that forgets its translations breaks what goes through it, and nothing new', async () => {
  const connection = await laptop.connect({ host: WEB, port: 80 });
  const failed = once(connection, 'error') as Promise<[NodeJS.ErrnoException]>;
  const receipt = await net.flush('router', 'nat');
  expect(receipt).toMatchObject({ fault: 'flush', applied: [{ at: 'router', table: 'nat' }] });
  expect(receipt.affected.flush).toBeGreaterThan(0);
  expect(receipt.until).toBe(receipt.from);
  // It goes on from another port of the router, of which the web server knows nothing.
  connection.write('GET / HTTP/1.1\r\n');
  expect((await failed)[0].code).toBe('ECONNRESET');
  expect((await laptop.fetch(`http://${NAME}/`)).status).toBe(200);
  expect((await net.flush('router', 'arp')).affected.flush).toBeGreaterThanOrEqual(2);
  expect((await laptop.ping(WEB, { timeout: '5s' })).received).toBe(1);
});
