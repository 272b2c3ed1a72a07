// Which addresses are this device's own, which are broadcast addresses here, and which may stand in a
// packet at all (RFC 1122 §3.2.1.3).

import {
  broadcastOf,
  IPV4_ANY,
  IPV4_BROADCAST,
  type Ipv4Address,
  isLoopbackIpv4,
  isMulticastIpv4,
} from '../core/address.ts';
import type { NetworkInterface } from './interface.ts';

/** 224.0.0.1: every station is a member (RFC 1112 §4). */
const ALL_HOSTS = 0xe0000001;

export class LocalAddresses {
  // They are few: going through them is quicker than to hash.
  #own: readonly Ipv4Address[] = [];
  #broadcasts: readonly Ipv4Address[] = [];

  constructor(private readonly interfaces: readonly NetworkInterface[]) {}

  /** To be called whenever an interface's addresses have changed. */
  refresh(): void {
    const cidrs = this.interfaces.flatMap(({ addresses }) => addresses);
    this.#own = cidrs.map(({ address }) => address);
    this.#broadcasts = cidrs
      .map(broadcastOf)
      .filter((address) => address !== undefined)
      .filter((address) => !isLoopbackIpv4(address));
  }

  /** Own addresses, the whole of 127/8 among them. */
  isOwn(address: Ipv4Address): boolean {
    return contains(this.#own, address) || isLoopbackIpv4(address);
  }

  isBroadcast(address: Ipv4Address): boolean {
    return address === IPV4_BROADCAST || isMulticastIpv4(address) || contains(this.#broadcasts, address);
  }

  /** Whether a packet to `destination` that came in by `from` is a broadcast that this device takes. */
  takesBroadcast(destination: Ipv4Address, from: NetworkInterface): boolean {
    if (destination === IPV4_BROADCAST || destination === ALL_HOSTS) return true;
    return contains(this.#broadcasts, destination) && from.isDirectedBroadcast(destination);
  }

  /**
   * IP-7: whether a packet that came in by `from` may have this source: not a group, a broadcast, a
   * loopback or a reserved address, nor one of ours; 0.0.0.0 only of one who has no address yet.
   */
  isValidSource(source: Ipv4Address, destination: Ipv4Address, from: NetworkInterface): boolean {
    if (source === IPV4_ANY) return destination === IPV4_BROADCAST;
    if (isReserved(source) || contains(this.#broadcasts, source)) return false;
    return from.loopback || !this.isOwn(source);
  }

  isValidDestination(destination: Ipv4Address, from: NetworkInterface): boolean {
    return destination !== IPV4_ANY && (from.loopback || !isLoopbackIpv4(destination));
  }

  /** Whether a router may pass a packet on to `destination` (RFC 1812 §5.3.7, RFC 2644). */
  isForwardable(destination: Ipv4Address): boolean {
    return !isReserved(destination) && !contains(this.#broadcasts, destination);
  }
}

function contains(addresses: readonly Ipv4Address[], address: Ipv4Address): boolean {
  for (const each of addresses) if (each === address) return true;
  return false;
}

/** 0/8, and everything from 224.0.0.0 on: multicast, class E and the limited broadcast. */
function isReserved(address: Ipv4Address): boolean {
  return address >>> 24 === 0 || address >>> 28 >= 0xe;
}
