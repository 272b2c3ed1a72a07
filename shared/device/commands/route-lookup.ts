// Which way a packet would go, by the tables of the device: the longest prefix wins.

import { broadcastOf, inNetwork, ipv4, parseCidr, parseIpv4 } from '../../core/address.ts';
import type { LearnedMtu } from '../../stack/path-mtu.ts';
import type { DeviceTables, LinkRow, RouteRow } from '../command.ts';

export interface FoundRoute {
  readonly kind: 'unicast' | 'local' | 'broadcast';
  readonly interface: string;
  readonly via?: string | undefined;
  /** The address that a packet of this device would leave with. */
  readonly source?: string | undefined;
  /** What is known of the path beyond the link. */
  readonly learned?: LearnedMtu | undefined;
}

export function prefixLengthOf(destination: string): number {
  return destination === 'default' ? 0 : (parseCidr(destination)?.prefixLength ?? 32);
}

function covers(route: RouteRow, address: number): boolean {
  if (route.destination === 'default') return true;
  const cidr = parseCidr(route.destination) ?? {
    address: parseIpv4(route.destination) ?? 0,
    prefixLength: 32,
  };
  return inNetwork(address, cidr);
}

/** The address of `link` that stands in the same network as `address`, or its first. */
function sourceOn(link: LinkRow | undefined, address: number): string | undefined {
  const near = link?.ipv4.find((own) =>
    inNetwork(address, { address: ipv4(own.address), prefixLength: own.prefixLength }),
  );
  return (near ?? link?.ipv4[0])?.address;
}

/** Undefined when there is no route; `target` is an IPv4 address. */
export function findRoute(tables: DeviceTables, target: string): FoundRoute | undefined {
  const address = ipv4(target);
  const links = tables.links();
  const loopback = links.find((link) => link.loopback);
  const isOwn = links.some((link) => link.ipv4.some((own) => own.address === target));
  if (isOwn || address >>> 24 === 127)
    return { kind: 'local', interface: loopback?.name ?? 'lo', source: target };

  const [best] = tables
    .routes()
    .filter((route) => covers(route, address))
    .sort((a, b) => prefixLengthOf(b.destination) - prefixLengthOf(a.destination));
  if (!best) return undefined;
  const link = links.find(({ name }) => name === best.interface);
  const source = best.source ?? sourceOn(link, best.via === undefined ? address : ipv4(best.via));
  const isBroadcast = link?.ipv4.some(
    (own) => broadcastOf({ address: ipv4(own.address), prefixLength: own.prefixLength }) === address,
  );
  return {
    kind: isBroadcast ? 'broadcast' : 'unicast',
    interface: best.interface,
    via: best.via,
    source,
    learned: tables.pathMtu(target),
  };
}
