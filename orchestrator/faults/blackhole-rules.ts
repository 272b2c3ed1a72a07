// Where and what a blackhole drops.

import type { FilterRule, FrameMatch } from '../../shared/topology/faults.ts';
import type { Topology } from '../../shared/topology/types.ts';
import { WrongUsage } from '../failure.ts';
import { placesOf, targetNamed } from './places.ts';
import type { BlackholeRequest } from './requests.ts';

/** @returns rules by device @throws Failure */
export function blackholeRules(
  topology: Topology,
  request: BlackholeRequest,
): ReadonlyMap<string, readonly FilterRule[]> {
  const { at, from, direction, first, every } = request;
  const match = matchOf(request);
  const often = { ...(first !== undefined && { first }), ...(every !== undefined && { every }) };
  if (first !== undefined && every !== undefined)
    throw new WrongUsage('the first ones or every so manieth: first or every, not both');
  const target = targetNamed(topology, at);
  const rules = new Map<string, FilterRule[]>();
  if ('cable' in target) {
    if (direction !== undefined)
      throw new WrongUsage(`${at} is a cable: say whose frames are dropped with from, not a direction`);
    for (const place of placesOf(target.cable, from)) {
      const rule: FilterRule = { interface: place.interface, direction: 'out', match, ...often };
      rules.set(place.device, [...(rules.get(place.device) ?? []), rule]);
    }
    return rules;
  }
  if (from !== undefined)
    throw new WrongUsage(`${at} is no cable: say in or out as the direction, not from whom`);
  const { device, interface: name } = target;
  rules.set(
    device,
    (direction === undefined ? (['in', 'out'] as const) : [direction]).map((way) => ({
      ...(name !== undefined && { interface: name }),
      direction: way,
      match,
      ...often,
    })),
  );
  return rules;
}

function matchOf(request: BlackholeRequest): FrameMatch {
  const { protocol, source, destination, sourcePort, destinationPort, flags, dns } = request;
  if (flags !== undefined && protocol !== undefined && protocol !== 'tcp')
    throw new WrongUsage(`flags are TCP's: nothing of ${protocol} has them`);
  if (dns !== undefined && protocol !== undefined && protocol !== 'udp' && protocol !== 'tcp')
    throw new WrongUsage(`DNS goes over UDP and TCP: nothing of ${protocol} is a DNS ${dns}`);
  if ((sourcePort ?? destinationPort) !== undefined && (protocol === 'arp' || protocol === 'icmp'))
    throw new WrongUsage(`${protocol} has no ports`);
  const match: FrameMatch = {
    protocol: protocol ?? (flags === undefined ? undefined : 'tcp'),
    source: source === undefined ? undefined : [asNetwork(source)],
    destination: destination === undefined ? undefined : [asNetwork(destination)],
    sourcePort,
    destinationPort,
    flags,
    dns,
  };
  return Object.fromEntries(Object.entries(match).filter(([, value]) => value !== undefined));
}

function asNetwork(text: string): string {
  return text.includes('/') ? text : `${text}/32`;
}
