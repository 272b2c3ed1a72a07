// The routing table: which interface and which next hop an address is reached by (RFC 1812 §5.2.4.3).
//
// As on Linux, a route stays in use while its interface has no carrier: resolving the next hop fails then,
// and senders hear of an unreachable host (EHOSTUNREACH, ICMP 3/1) rather than of a missing route.

import { type Ipv4Address, type Ipv4Cidr, networkOf, prefixMask } from '../core/address.ts';
import { Recent } from '../core/recent.ts';
import type { NetworkInterface } from './interface.ts';

/** Who made a route: the interface's own address, the topology, or a DHCP server. */
export type RouteProtocol = 'kernel' | 'static' | 'dhcp';

export interface Route {
  /** The network; host bits do not count. 0.0.0.0/0 is the default route. */
  readonly destination: Ipv4Cidr;
  /** The next hop; none where the destination itself is on the link. */
  readonly via?: Ipv4Address | undefined;
  readonly interface: NetworkInterface;
  /** The source address that packets of this device take. */
  readonly source?: Ipv4Address | undefined;
  readonly protocol: RouteProtocol;
}

export class RouteTable {
  /** By prefix length, then by network; of two routes to one network the older is used. */
  readonly #networks = new Map<number, Map<Ipv4Address, Route[]>>();
  /** Prefix lengths in use, longest first. */
  #lengths: readonly number[] = [];
  readonly #recent = new Recent<Route>();

  add(route: Route): void {
    const { prefixLength } = route.destination;
    const networks = this.#networks.get(prefixLength) ?? new Map<Ipv4Address, Route[]>();
    const network = networkOf(route.destination);
    const routes = networks.get(network) ?? [];
    this.#networks.set(prefixLength, networks.set(network, [...routes, route]));
    this.#lengths = [...this.#networks.keys()].sort((a, b) => b - a);
    this.#recent.clear();
  }

  /** Takes away every route that `which` holds of; returns how many those were. */
  remove(which: (route: Route) => boolean): number {
    const before = this.list();
    const kept = before.filter((route) => !which(route));
    if (kept.length === before.length) return 0;
    this.#networks.clear();
    this.#lengths = [];
    this.#recent.clear();
    for (const route of kept) this.add(route);
    return before.length - kept.length;
  }

  /** An interface's address brings a route to its network, where that is more than the address itself. */
  addressAdded(through: NetworkInterface, cidr: Ipv4Cidr): void {
    if (cidr.prefixLength === 32 || through.loopback) return;
    this.add({ destination: cidr, interface: through, source: cidr.address, protocol: 'kernel' });
  }

  /** What stood on the address goes with it; with the last one, as on Linux, every route of the interface. */
  addressRemoved(through: NetworkInterface, cidr: Ipv4Cidr): void {
    this.remove(
      (route) =>
        route.interface === through && (route.source === cidr.address || through.addresses.length === 0),
    );
  }

  /** The route with the longest prefix that `address` is in. */
  lookup(address: Ipv4Address, through?: NetworkInterface): Route | undefined {
    if (through) return this.#find(address, through);
    const recent = this.#recent.get(address);
    if (recent) return recent;
    const route = this.#find(address);
    if (route) this.#recent.set(address, route);
    return route;
  }

  #find(address: Ipv4Address, through?: NetworkInterface): Route | undefined {
    for (const length of this.#lengths) {
      const routes = this.#networks.get(length)?.get((address & prefixMask(length)) >>> 0);
      const route = through ? routes?.find((candidate) => candidate.interface === through) : routes?.[0];
      if (route) return route;
    }
    return undefined;
  }

  /** All routes, longest prefix first. */
  list(): readonly Route[] {
    return this.#lengths.flatMap((length) => [...(this.#networks.get(length)?.values() ?? [])].flat());
  }
}
