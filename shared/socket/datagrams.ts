// Between what applications write (addresses as text) and what the stack takes (numbers), for UDP and ICMP.

import { formatIpv4, ipv4 } from '../core/address.ts';
import type { DatagramOptions } from '../stack/datagram-api.ts';
import type { ReceivedError } from '../stack/network-layer.ts';
import type { SocketErrorReport, UdpSendOptions } from './sockets.ts';

export function datagramOptions({ source, ...rest }: UdpSendOptions): DatagramOptions {
  return source === undefined ? rest : { ...rest, source: ipv4(source) };
}

/** @param port where the datagram was going, 0 for an echo */
export function errorReport(error: ReceivedError, port: number): SocketErrorReport {
  const { kind, code, mtu, from, destination } = error;
  return { kind, code, mtu, from: formatIpv4(from), destination: formatIpv4(destination), port };
}
