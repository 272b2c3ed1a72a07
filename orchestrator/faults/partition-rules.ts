// Which frames a partition drops and where. Between direct neighbours: every frame on the cables that join
// them, as it leaves. Between others: the packets that one makes for the other's addresses, as they leave,
// since what they pass on for others must go on; and, since a NAT on the way lets neither address be seen
// at the sender, those that come in at the other from the one's addresses. What was dropped at the first
// place never comes to the second, so that no frame counts twice.
//
// The outer address of a router that translates is also that of everybody behind it: whose a packet from it or
// for it is can be told by that router alone.

import type { FilterRule } from '../../shared/topology/faults.ts';
import type { Topology } from '../../shared/topology/types.ts';
import type { DeviceAddress } from './bench.ts';
import { deviceNamed, placesTowards } from './places.ts';

export interface PartitionSides {
  readonly groups: readonly [readonly string[], readonly string[]];
  /** Only from the first group to the second. */
  readonly oneWay?: boolean | undefined;
}

/** @param addressesOf those of a device's interfaces */
export function partitionRules(
  topology: Topology,
  { groups, oneWay }: PartitionSides,
  addressesOf: (device: string) => readonly DeviceAddress[],
): ReadonlyMap<string, readonly FilterRule[]> {
  const rules = new Map<string, FilterRule[]>();
  const add = (device: string, rule: FilterRule) => rules.set(device, [...(rules.get(device) ?? []), rule]);
  const hosts = (device: string) => addressesOf(device).map(({ ipv4 }) => hostOf(ipv4));
  /** Without those that others have too. */
  const ownHosts = (device: string) => {
    const outside = deviceNamed(topology, device).nat?.outside;
    const own = addressesOf(device).filter((address) => address.interface !== outside);
    return own.map(({ ipv4 }) => hostOf(ipv4));
  };

  for (const [senders, receivers] of oneWay ? [groups] : [groups, [groups[1], groups[0]] as const]) {
    for (const sender of senders) {
      for (const receiver of receivers)
        for (const place of placesTowards(topology, sender, receiver))
          add(sender, { interface: place.interface, direction: 'out', match: {} });
      const destination = receivers.flatMap(deviceNamed(topology, sender).nat ? hosts : ownHosts);
      if (destination.length > 0) add(sender, { direction: 'out', match: { destination, originated: true } });
    }
    for (const receiver of receivers) {
      const translates = deviceNamed(topology, receiver).nat !== undefined;
      const source = senders.flatMap(ownHosts);
      const destination = hosts(receiver);
      const match = { source, destination, ...(translates && { delivered: true }) };
      if (source.length > 0 && destination.length > 0) add(receiver, { direction: 'in', match });
    }
  }
  return rules;
}

function hostOf(cidr: string): string {
  return cidr.replace(/\/\d+$/, '/32');
}
