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
  if (failed) throw systemError(failed, 'send', network.format(destination), outgoing.port);
}

function fitsPath(network: NetworkLayer, buffer: Uint8Array, outgoing: Outgoing): boolean {
  const path = network.path(outgoing.destination, outgoing.source, outgoing.interface);
  return typeof path !== 'string' && buffer.length - network.headroom + IP_HEADER <= path.mtu;
}
