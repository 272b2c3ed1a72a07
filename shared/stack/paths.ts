// The way of this device's own packets: route, source address and path MTU (RFC 1122 §3.3.1, §3.3.4).

import { IPV4_ANY, IPV4_LOOPBACK, type Ipv4Address, isLoopbackIpv4 } from '../core/address.ts';
import type { Clock } from '../core/clock.ts';
import { IPV4_MAX_LENGTH } from '../wire/ipv4.ts';
import type { NetworkInterface } from './interface.ts';
import type { LocalAddresses } from './local-addresses.ts';
import type { Path, SendError } from './network-layer.ts';
import { type LearnedMtu, PathMtuCache } from './path-mtu.ts';
import type { Route, RouteTable } from './routes.ts';

export interface PathsOptions {
  readonly clock: Clock;
  readonly interfaces: readonly NetworkInterface[];
  readonly routes: RouteTable;
  readonly local: LocalAddresses;
}

export class Paths {
  readonly #interfaces: readonly NetworkInterface[];
  readonly #routes: RouteTable;
  readonly #local: LocalAddresses;
  readonly #mtus: PathMtuCache;
  readonly #loopback: Route | undefined;

  constructor(options: PathsOptions) {
    this.#interfaces = options.interfaces;
    this.#routes = options.routes;
    this.#local = options.local;
    this.#mtus = new PathMtuCache(options.clock);
    const loopback = options.interfaces.find((candidate) => candidate.loopback);
    this.#loopback = loopback && {
      destination: { address: IPV4_LOOPBACK, prefixLength: 8 },
      interface: loopback,
      protocol: 'kernel',
    };
  }

  /** The route to `destination`; `through` leaves only those of one interface. */
  route(destination: Ipv4Address, through?: string): Route | SendError {
    if (destination === IPV4_ANY) return 'ENETUNREACH';
    if (this.#local.isOwn(destination)) return this.#loopback ?? 'ENETUNREACH';
    if (through === undefined) return this.#routes.lookup(destination) ?? 'ENETUNREACH';
    const out = this.#interfaces.find(({ name }) => name === through);
    if (!out) return 'ENETDOWN';
    const routed = this.#local.isBroadcast(destination) ? undefined : this.#routes.lookup(destination, out);
    // As on Linux for a socket bound to an interface: what no route leads to is taken for a neighbour.
    return (
      routed ?? {
        destination: { address: destination, prefixLength: 32 },
        interface: out,
        protocol: 'kernel',
      }
    );
  }

  path(destination: Ipv4Address, source?: Ipv4Address, through?: string): Path | SendError {
    const route = this.route(destination, through);
    if (typeof route === 'string') return route;
    const from = source || this.#sourceFor(destination, route);
    if (from === undefined) return 'ENETUNREACH';
    const linkMtu = this.linkMtu(route);
    return { source: from, mtu: this.#mtus.get(destination, linkMtu), linkMtu };
  }

  /** Bytes, IP header included. */
  mtu(destination: Ipv4Address, route: Route): number {
    return this.#mtus.get(destination, this.linkMtu(route));
  }

  /** Bytes of the longest packet that the first link takes. */
  linkMtu(route: Route): number {
    return Math.min(route.interface.mtu, IPV4_MAX_LENGTH);
  }

  learnedMtu(destination: Ipv4Address): LearnedMtu | undefined {
    return this.#mtus.learned(destination);
  }

  learnMtu(destination: Ipv4Address, mtu: number): void {
    const route = this.route(destination);
    if (typeof route !== 'string') this.#mtus.learn(destination, mtu, route.interface.mtu);
  }

  #sourceFor(destination: Ipv4Address, route: Route): Ipv4Address | undefined {
    if (route.interface.loopback) return isLoopbackIpv4(destination) ? IPV4_LOOPBACK : destination;
    return route.source ?? route.interface.addressFor(route.via ?? destination) ?? this.#anyAddress();
  }

  /** What an interface without address of its own sends with. */
  #anyAddress(): Ipv4Address | undefined {
    return this.#interfaces.find(({ loopback, addresses }) => !loopback && addresses.length > 0)?.addresses[0]
      ?.address;
  }
}
