// What UDP and ICMP echo have in common when they send: source, DF, and errors in the shape of a system call's.

import type { IpAddress } from '../core/address.ts';
import { systemError } from '../core/errors.ts';
import type { DatagramOptions } from './datagram-api.ts';
import type { NetworkLayer } from './network-layer.ts';

/** The bytes of an IP header without options. */
const IP_HEADER = 20;

export interface Outgoing {
  readonly protocol: number;
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly port?: number | undefined;
  readonly interface?: string | undefined;
  readonly options: DatagramOptions;
}

/**
 * The address that a datagram to `destination` leaves with.
 * @param bound the address that the socket is bound to, 0 for any
 * @throws SystemError ENETUNREACH, EHOSTUNREACH
 */
export function sourceOf(
  network: NetworkLayer,
  syscall: string,
  bound: IpAddress,
  destination: IpAddress,
  port?: number,
  through?: string,
): IpAddress {
  if (bound !== 0) return bound;
  const path = network.path(destination, undefined, through);
  if (typeof path === 'string') throw systemError(path, syscall, network.format(destination), port);
  return path.source;
}

/**
 * Sends a finished datagram behind the network layer's headroom.
 * @throws SystemError EMSGSIZE, ENETUNREACH, EHOSTUNREACH, ENETDOWN, EADDRNOTAVAIL
 */
export function sendDatagram(network: NetworkLayer, buffer: Uint8Array, outgoing: Outgoing): void {
  const { options, destination } = outgoing;
  const failed = network.send(buffer, {
    protocol: outgoing.protocol,
    source: outgoing.source,
    destination,
    dontFragment: options.dontFragment ?? fitsPath(network, buffer, outgoing),
    ...(options.ttl !== undefined && { ttl: options.ttl }),
    ...(options.tos !== undefined && { tos: options.tos }),
    ...(options.link !== undefined && { link: options.link }),
    ...(outgoing.interface !== undefined && { interface: outgoing.interface }),
  });
  if (!failed) return;
  const error = systemError(failed, 'send', network.format(destination), outgoing.port);
  throw failed === 'EMSGSIZE' ? Object.assign(error, { mtu: longestPacket(network, outgoing) }) : error;
}

function longestPacket(network: NetworkLayer, outgoing: Outgoing): number | undefined {
  const path = network.path(outgoing.destination, outgoing.source, outgoing.interface);
  if (typeof path === 'string') return undefined;
  return outgoing.options.dontFragment === 'probe' ? path.linkMtu : path.mtu;
}

function fitsPath(network: NetworkLayer, buffer: Uint8Array, outgoing: Outgoing): boolean {
  const longest = longestPacket(network, outgoing);
  return longest !== undefined && buffer.length - network.headroom + IP_HEADER <= longest;
}
