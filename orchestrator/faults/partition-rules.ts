// Which frames a partition drops and where. Between direct neighbours: every frame on the cables that join
// them, as it leaves. Between others: the packets that one makes for the other's addresses, as they leave,
// since what they pass on for others must go on; and, since a NAT on the way lets neither address be seen
// at the sender, those that come in at the other from the one's addresses. What was dropped at the first
// place never comes to the second, so that no frame counts twice.

import type { FilterRule } from '../../shared/topology/faults.ts';
import type { Topology } from '../../shared/topology/types.ts';
import { placesTowards } from './places.ts';

export interface PartitionSides {
  readonly groups: readonly [readonly string[], readonly string[]];
  /** Only from the first group to the second. */
  readonly oneWay?: boolean | undefined;
}

/** @param addressesOf `a.b.c.d/n` of a device's interfaces */
export function partitionRules(
  topology: Topology,
  { groups, oneWay }: PartitionSides,
  addressesOf: (device: string) => readonly string[],
): ReadonlyMap<string, readonly FilterRule[]> {
  const rules = new Map<string, FilterRule[]>();
  const add = (device: string, rule: FilterRule) => rules.set(device, [...(rules.get(device) ?? []), rule]);
  const hosts = (devices: readonly string[]) =>
    devices.flatMap((device) => addressesOf(device).map((cidr) => cidr.replace(/\/\d+$/, '/32')));

  for (const [senders, receivers] of oneWay ? [groups] : [groups, [groups[1], groups[0]] as const]) {
    for (const sender of senders) {
      for (const receiver of receivers)
        for (const place of placesTowards(topology, sender, receiver))
          add(sender, { interface: place.interface, direction: 'out', match: {} });
      const destination = hosts(receivers);
      if (destination.length > 0) add(sender, { direction: 'out', match: { destination, originated: true } });
    }
    const source = hosts(senders);
    for (const receiver of receivers) {
      const destination = hosts([receiver]);
      if (source.length > 0 && destination.length > 0)
        add(receiver, { direction: 'in', match: { source, destination } });
    }
  }
  return rules;
}
