import { join } from 'node:path';
import { expect, test } from 'vitest';
import { topology } from '../../orchestrator/commands/topology.ts';
import { devicesOf, generateTopology, MOST } from '../../shared/topology/generate.ts';
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
  { homes: 3900, hosts: 1, isps: 200 },
  { homes: 96, hosts: MOST.hosts, isps: 200 },
])(
  'the file of as many devices as there may be can be read again: $homes homes with $hosts hosts',
  (size) => {
    expect(devicesOf(size)).toBeGreaterThan(0.99 * MOST.devices);
    const name = 'a'.repeat(31);
    const file = JSON.stringify(generateTopology({ ...options, ...size, name }), null, 2);
    expect(file.length).toBeLessThan(4 * 1024 * 1024);
  },
);

test('a net that has more devices is refused before it is made', () => {
  const size = { homes: 40_000, hosts: MOST.hosts, isps: MOST.isps, seed: 1 };
  expect(() => topology({ ...size, net: 'homes' })).toThrow(
    '--homes 40000 --hosts 80 make 3240203 devices; 8000 are the most',
  );
});
