// How the start of a net grows with its devices: ms per device, of a big net against six devices.

import { type TopologyFile, up } from '../../orchestrator/api.ts';
import { generateTopology } from '../../shared/topology/generate.ts';
import type { Figure, Measure } from './figure.ts';

const SITE = 'devices/sites/www.example.com';

/** Of 1 + `hosts` devices a home, a provider and three more. */
function homes(count: number, hosts: number): TopologyFile {
  return generateTopology({ name: 'scale', seed: 1, homes: count, hosts, isps: 1, site: SITE });
}

/** ms for each device until the net is ready. */
function startOf(topology: TopologyFile): Measure {
  return async () => {
    const begun = performance.now();
    const net = await up(topology, { timeout: '180s' });
    try {
      return (performance.now() - begun) / net.devices.length;
    } finally {
      await net.close();
    }
  };
}

function scale(devices: number, topology: TopologyFile): Figure {
  return {
    name: `scale-${devices}`,
    title: `up of ${devices} devices, for each`,
    against: 'of six devices',
    unit: 'ms',
    goal: { at: 'most', ratio: 1 },
    open: async () => ({ ours: startOf(topology), against: startOf(homes(1, 1)), close: async () => {} }),
  };
}

export const scaleFigures: readonly Figure[] = [scale(50, homes(23, 1)), scale(100, homes(24, 3))];
