// Faults that a device starts with.

import { expect, onTestFinished, test } from 'vitest';
import { FrameFilters } from '../../shared/cable/filter.ts';
import { Counters } from '../../shared/core/counters.ts';
import { silentLog } from '../../shared/core/event-log.ts';
import { ipPlane } from '../../shared/device/plane.ts';
import { openPorts } from '../../shared/device/ports.ts';
import type { DeviceConfig } from '../../shared/topology/device-config.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const MAC = '02:00:00:00:00:08';
const CONFIG: DeviceConfig = {
  net: 'test',
  spec: {
    name: 'dns',
    kind: 'dns-server',
    hostname: 'dns',
    interfaces: [{ name: 'eth0', mac: MAC, ipv4: '8.8.8.8/24', mtu: 1500 }],
    routes: [],
    restart: 'never',
  },
  seed: 1,
  incarnation: 1,
  timing: 'fast',
  token: 'secret',
  listen: { host: '127.0.0.1', port: 0 },
  logFile: '',
  logLevel: 'info',
  clockOffset: 0,
  ports: [
    {
      name: 'eth0',
      mac: MAC,
      mtu: 1500,
      cable: {
        name: 'isp-dns',
        peer: { device: 'isp', interface: 'dns' },
        dials: true,
        impairment: { loss: 0.5 },
      },
    },
  ],
  faults: {
    filters: [{ id: 'f1', rules: [{ direction: 'out', match: {} }] }],
    misbehaviours: [{ id: 'm1', misbehaviour: { service: 'dns', silent: true } }],
    cut: ['eth0'],
  },
};

test('are in force before the first frame', () => {
  const clock = new VirtualClock();
  const filters = new FrameFilters();
  for (const { id, rules } of CONFIG.faults?.filters ?? []) filters.set(id, rules);
  const ports = openPorts(CONFIG, clock, silentLog, filters, () => {});
  const port = ports.get('eth0')!;
  onTestFinished(() => port.cable.close());
  expect(port.cable.isCut).toBe(true);
  expect(port.cable.refusal()).toMatchObject({ status: 503 });
  expect(port.impaired.impairment).toEqual({ loss: 0.5 });
  expect(filters.counts('f1')).toEqual({ seen: 0, affected: 0 });

  const options = {
    config: CONFIG,
    clock,
    log: silentLog,
    counters: new Counters(),
    ports,
    changed: () => {},
  };
  const { behaviours, stack } = ipPlane(options, false);
  onTestFinished(() => stack.close());
  expect(behaviours.dns.counts('m1')).toEqual({ seen: 0, affected: 0 });
  expect(behaviours.dns.hears()).toBe(false);
  expect(behaviours.dhcp.hears()).toBe(true);
});
