import { expect, test } from 'vitest';
import { Counters } from '../../shared/core/counters.ts';
import { deviceStatus } from '../../shared/device/status.ts';
import type { DeviceConfig } from '../../shared/topology/device-config.ts';

test('drops are what was lost, not what was told to all and is for others', () => {
  const counters = new Counters();
  const config = { spec: { name: 'laptop', kind: 'host' } } as DeviceConfig;
  const drops = () =>
    deviceStatus({ config, waiting: [], loopLag: 0, ports: new Map(), stack: undefined, counters }).drops;
  for (const name of ['ethernet.not-mine', 'udp.broadcast-no-port', 'cable.broadcast-no-carrier'])
    counters.add(name);
  for (const name of ['tcp.retransmitted', 'tcp.retransmission-timeout', 'tcp.tail-loss-probe'])
    counters.add(name);
  expect(drops()).toBe(0);
  counters.add('udp.no-port', 2);
  counters.add('cable.no-carrier', 3);
  expect(drops()).toBe(5);
});
