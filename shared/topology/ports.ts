// Which ports a device has and what is cabled to each.

import type { PortConfig } from './device-config.ts';
import type { CableSpec, DeviceSpec, Topology } from './types.ts';

/** The ports of a device in the order of the file: its interfaces, with a bridge's members in its place. */
export function portsOf(topology: Topology, device: DeviceSpec): PortConfig[] {
  return device.interfaces
    .flatMap(({ mtu, ...entry }) => (entry.bridge ?? [entry]).map(({ name, mac }) => ({ name, mac, mtu })))
    .map(({ name, mac, mtu }) => {
      const [cable, end] = cableAt(topology, device.name, name) ?? [];
      if (cable === undefined || end === undefined) return { name, mac, mtu };
      return {
        name,
        mac,
        mtu: cable.mtu,
        cable: {
          name: cable.name,
          peer: cable.ends[end === 0 ? 1 : 0],
          dials: end === 1,
          impairment: cable.impairments[end],
        },
      };
    });
}

function cableAt(topology: Topology, device: string, port: string): [CableSpec, 0 | 1] | undefined {
  for (const cable of topology.cables)
    for (const end of [0, 1] as const)
      if (cable.ends[end].device === device && cable.ends[end].interface === port) return [cable, end];
  return undefined;
}
