// Builds a segment in one buffer, with room for the headers below, and hands it to the network layer.

import {
  finishTcpChecksum,
  TCP_PROTOCOL,
  type TcpOptions,
  tcpHeaderLength,
  writeTcpHeader,
} from '../../wire/tcp.ts';
import type { SendError } from '../network-layer.ts';
import type { TcpEndpoint } from './connection-api.ts';
import type { TcpContext } from './context.ts';
import { ECN_CAPABLE, ECN_MASK } from './ecn.ts';
import type { RingBuffer } from './ring-buffer.ts';

export interface OutgoingSegment {
  readonly local: TcpEndpoint;
  readonly remote: TcpEndpoint;
  readonly sequence: number;
  /** 0 without the flag ACK. */
  readonly acknowledgment: number;
  readonly flags: number;
  /** As it stands in the header. */
  readonly window: number;
  readonly options: Readonly<TcpOptions>;
  /** Whether the network may mark it instead of dropping it (RFC 3168). */
  readonly ecnCapable?: boolean;
}

/** Where the data of a segment lies. */
export interface OutgoingData {
  readonly buffer: RingBuffer;
  readonly position: number;
  readonly length: number;
}

export function transmit(
  { network, counters, settings }: TcpContext,
  segment: OutgoingSegment,
  data?: OutgoingData,
): SendError | undefined {
  const { local, remote } = segment;
  const { headroom } = network;
  const length = tcpHeaderLength(segment.options) + (data?.length ?? 0);
  const buffer = new Uint8Array(headroom + length);
  const headerLength = writeTcpHeader(buffer, headroom, {
    sourcePort: local.port,
    destinationPort: remote.port,
    sequence: segment.sequence,
    acknowledgment: segment.acknowledgment,
    flags: segment.flags,
    window: segment.window,
    urgentPointer: 0,
    options: segment.options,
  });
  if (data) data.buffer.copy(data.position, data.length, buffer, headroom + headerLength);
  const pseudoHeaderSum = network.pseudoHeaderSum(local.address, remote.address, TCP_PROTOCOL, length);
  finishTcpChecksum(buffer, headroom, pseudoHeaderSum);
  const error = network.send(buffer, {
    protocol: TCP_PROTOCOL,
    source: local.address,
    destination: remote.address,
    dontFragment: settings.pathMtuDiscovery,
    ttl: settings.timeToLive,
    tos: (settings.typeOfService & ~ECN_MASK) | (segment.ecnCapable ? ECN_CAPABLE : 0),
  });
  if (error) counters.add(`tcp.not-sent.${error}`);
  return error;
}
