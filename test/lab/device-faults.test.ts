// Faults as a real device takes them on /control.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { connectControl } from '../../shared/control/client.ts';
import type { ControlClient } from '../../shared/control/peer.ts';
import type { PortCounts, RuleCounts } from '../../shared/topology/faults.ts';
import { Lab } from '../support/lab.ts';

interface RunRecord {
  readonly token: string;
  readonly devices: Readonly<Record<string, { readonly url: string }>>;
}

let lab: Lab;
let record: RunRecord;

beforeAll(async () => {
  lab = await Lab.create('faulty');
  await lab.up();
  const { rundir } = await lab.ps();
  record = JSON.parse(await readFile(join(rundir, 'net.json'), 'utf8')) as RunRecord;
});
afterAll(() => lab.close());

async function controlOf(device: string): Promise<ControlClient> {
  const client = await connectControl(`${record.devices[device]!.url}/control`, record.token);
  onTestFinished(() => client.close());
  return client;
}

const NO_DATAGRAMS = ['-q', '-i', '0.05', '-W', '1', '-n'];

/** How many of `count` pings are answered. */
async function answered(device: string, destination: string, count = 10): Promise<number> {
  const { stdout } = await lab.exec(device, 'ping', ...NO_DATAGRAMS, '-c', String(count), destination);
  return Number(/(\d+) received/.exec(stdout)?.[1]);
}

test('an impairment is set whole, and the counts tell what it did', async () => {
  const laptop = await controlOf('laptop');
  const impair = async (impairment: object) =>
    (await laptop.request('impair', { interface: 'eth0', impairment })) as PortCounts;
  // ARP has been asked for before it counts.
  expect(await answered('laptop', '8.8.8.8', 1)).toBe(1);
  const before = await impair({ loss: 1 });
  expect(await answered('laptop', '8.8.8.8', 5)).toBe(0);
  const after = await impair({});
  expect(after.affected.loss! - (before.affected.loss ?? 0)).toBe(after.seen - before.seen);
  expect(after.affected.loss).toBeGreaterThanOrEqual(5);
  expect(await answered('laptop', '8.8.8.8', 5)).toBe(5);
  expect(await laptop.request('counts', { interface: 'eth0' })).toMatchObject({ affected: after.affected });
});

test('a delay of 50 ms is one', async () => {
  const laptop = await controlOf('laptop');
  await laptop.request('impair', { interface: 'eth0', impairment: { delay: 50, jitter: 4 } });
  const { stdout } = await lab.exec('laptop', 'ping', '-c', '20', '-i', '0.1', '-q', '8.8.8.8');
  await laptop.request('impair', { interface: 'eth0', impairment: {} });
  const [, least, mean] = /= ([\d.]+)\/([\d.]+)\//.exec(stdout) ?? [];
  expect(Number(least)).toBeGreaterThanOrEqual(45);
  expect(Number(mean)).toBeGreaterThan(47);
});

test('a cut takes the carrier and counts what is sent into it; a splice brings it back', async () => {
  const [laptop, router] = [await controlOf('laptop'), await controlOf('router')];
  await laptop.request('cut', { interface: 'eth0' });
  await router.request('cut', { interface: 'lan1' });
  expect((await lab.ps()).cables.find(({ cable }) => cable === 'laptop-router')?.carrier).toBe(false);
  expect(await answered('laptop', '192.168.0.1', 3)).toBe(0);
  const counts = (await laptop.request('splice', { interface: 'eth0' })) as PortCounts;
  expect(counts.affected.cut).toBeGreaterThanOrEqual(1);
  await router.request('splice', { interface: 'lan1' });
  expect(await answered('laptop', '8.8.8.8', 5)).toBeGreaterThan(0);
});

test('a filter drops what it is told, at this device only', async () => {
  const laptop = await controlOf('laptop');
  const rules = [
    { direction: 'out', match: { protocol: 'icmp', originated: true, destination: ['8.8.8.8/32'] } },
  ];
  expect(await laptop.request('filter', { id: 'f1', rules })).toEqual({ seen: 0, affected: 0 });
  expect(await answered('laptop', '8.8.8.8')).toBe(0);
  expect(await answered('laptop', '93.184.216.34', 3)).toBe(3);
  expect(await answered('phone', '8.8.8.8', 3)).toBe(3);
  expect(await laptop.request('filtered', { id: 'f1' })).toMatchObject({ affected: 10 });
  const counts = (await laptop.request('unfilter', { id: 'f1' })) as RuleCounts;
  expect(counts.affected).toBe(10);
  expect(await answered('laptop', '8.8.8.8', 3)).toBe(3);
  await expect(laptop.request('unfilter', { id: 'f1' })).rejects.toMatchObject({
    code: 'ENOENT',
    message: 'no filter f1 here',
  });
});

test('a name server misbehaves and behaves', async () => {
  const dns = await controlOf('dns');
  const misbehaviour = { service: 'dns', address: '6.6.6.6' };
  await dns.request('misbehave', { id: 'm1', misbehaviour });
  const dig = () => lab.ok('exec', '--net', 'faulty', 'laptop', 'dig', '+short', 'www.example.com');
  expect((await dig()).trim()).toBe('6.6.6.6');
  expect(await dns.request('misbehaved', { id: 'm1' })).toEqual({ seen: 1, affected: 1 });
  expect(await dns.request('behave', { id: 'm1' })).toEqual({ seen: 1, affected: 1 });
  expect((await dig()).trim()).toBe('93.184.216.34');
});

test('a router forgets its tables while it runs', async () => {
  const [laptop, router] = [await controlOf('laptop'), await controlOf('router')];
  expect(await answered('laptop', '8.8.8.8', 1)).toBe(1);
  const nat = (await router.request('flush', { table: 'nat' })) as { entries: number };
  expect(nat.entries).toBeGreaterThan(0);
  expect(await lab.ok('exec', '--net', 'faulty', 'router', 'nat')).not.toContain('192.168.0');
  const arp = (await router.request('flush', { table: 'arp' })) as { entries: number };
  expect(arp.entries).toBeGreaterThanOrEqual(2);
  await lab.ok(
    'exec',
    '--net',
    'faulty',
    'laptop',
    'curl',
    '-sS',
    '-o',
    '/dev/null',
    'http://www.example.com/',
  );
  expect(await laptop.request('flush', { table: 'dns' })).toEqual({ entries: 1 });
  expect(await laptop.request('flush', { table: 'dns' })).toEqual({ entries: 0 });
});

test('a device tells what is in force on it', async () => {
  const [router, dns] = [await controlOf('router'), await controlOf('dns')];
  await router.request('impair', { interface: 'wan', impairment: { loss: 0.1 } });
  await router.request('cut', { interface: 'lan2' });
  await router.request('filter', { id: 'f7', rules: [{ direction: 'in', match: {} }] });
  await dns.request('misbehave', { id: 'f8', misbehaviour: { service: 'dns', silent: true } });
  expect(await router.request('faults')).toEqual({
    impairments: { lan1: {}, lan2: {}, wan: { loss: 0.1 } },
    cut: ['lan2'],
    filters: ['f7'],
    misbehaviours: [],
  });
  expect(await dns.request('faults')).toMatchObject({ misbehaviours: ['f8'], filters: [], cut: [] });
  await router.request('impair', { interface: 'wan', impairment: {} });
  await router.request('splice', { interface: 'lan2' });
  await router.request('unfilter', { id: 'f7' });
  await dns.request('behave', { id: 'f8' });
  const well = { cut: [], filters: [], misbehaviours: [] };
  expect(await router.request('faults')).toEqual({ ...well, impairments: { lan1: {}, lan2: {}, wan: {} } });
  expect(await dns.request('faults')).toEqual({ ...well, impairments: { eth0: {} } });
});

test('what can not be is refused in words', async () => {
  const laptop = await controlOf('laptop');
  const refused = (method: string, params: object, message: string) =>
    expect(laptop.request(method, params)).rejects.toMatchObject({
      code: 'EINVAL',
      message: expect.stringContaining(message) as string,
    });
  await refused('cut', { interface: 'eth9' }, 'no interface eth9 here; there are eth0');
  await refused(
    'filter',
    { id: 'f', rules: [{ interface: 'x', direction: 'in', match: {} }] },
    'no interface x',
  );
  await refused(
    'misbehave',
    { id: 'm', misbehaviour: { service: 'dns', silent: true } },
    'no DNS server here',
  );
  await refused('flush', { table: 'nat' }, 'there is no NAT here');
  await refused('flush', { table: 'mac' }, 'table is to be one of arp, nat, dns');
});
