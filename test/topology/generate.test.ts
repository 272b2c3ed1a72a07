import { join } from 'node:path';
import { expect, test } from 'vitest';
import { devicesOf, generateTopology, MOST } from '../../shared/topology/generate.ts';
import { LONGEST_FILE } from '../../shared/topology/text-file.ts';
import { validateTopology } from '../../shared/topology/validate.ts';

const options = {
  name: 'homes',
  seed: 7,
  homes: 5,
  hosts: 2,
  isps: 2,
  site: join(import.meta.dirname, '../../devices/sites/www.example.com'),
};

test('homes are shared out between the providers in turn, all with the same addresses inside', () => {
  const { devices = {}, cables = {} } = generateTopology(options);
  expect(Object.keys(devices)).toHaveLength(5 * (1 + 2) + 2 + 3);
  expect(Object.keys(cables)).toHaveLength(5 * (2 + 1) + 2 + 2);
  expect(devices.isp1?.interfaces).toEqual({
    exchange: { ipv4: '80.0.1.2/24', gateway: '80.0.1.1' },
    home1: { ipv4: '51.1.1.1/24' },
    home3: { ipv4: '51.1.2.1/24' },
    home5: { ipv4: '51.1.3.1/24' },
  });
  expect(devices.home4?.interfaces).toEqual({
    lan: { bridge: ['lan1', 'lan2', 'lan3'], ipv4: '192.168.0.1/24' },
    wan: { ipv4: '51.2.2.20/24', gateway: '51.2.2.1' },
  });
  const order = Object.keys(devices);
  expect(order.indexOf('home4')).toBeLessThan(order.indexOf('home4-host1'));
  expect(cables['home4-uplink']).toEqual({ ends: ['home4:wan', 'isp2:home4'] });
});

test.each([
  { homes: 1, hosts: 1, isps: 1 },
  { homes: 24, hosts: 3, isps: 1 },
  { homes: 3, hosts: MOST.hosts, isps: 3 },
  { homes: 2 * MOST.homesPerIsp, hosts: 1, isps: 2 },
  { homes: 1, hosts: 1, isps: MOST.isps },
])('a net of $homes homes with $hosts hosts behind $isps providers is a good topology', (size) => {
  const topology = validateTopology(generateTopology({ ...options, ...size }), 'generated');
  expect(topology.devices).toHaveLength(devicesOf(size));
});

test.each([
  { homes: 2398, hosts: 1, isps: 200 },
  { homes: 61, hosts: MOST.hosts, isps: 1 },
])('the file of $homes homes with $hosts hosts is not too long to be read', (size) => {
  expect(devicesOf(size)).toBeGreaterThan(0.98 * MOST.devices);
  expect(devicesOf(size)).toBeLessThanOrEqual(MOST.devices);
  const text = JSON.stringify(generateTopology({ ...options, ...size, name: 'n'.repeat(31) }), null, 2);
  expect(text.length).toBeLessThan(LONGEST_FILE);
});
