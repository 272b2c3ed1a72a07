// Builds a segment in one buffer, with room for the headers below, and hands it to the network layer.

import { frameBuffer } from '../../core/frame-buffer.ts';
import {
  finishTcpChecksum,
  setTcpFlags,
  setTcpSequence,
  TCP_PROTOCOL,
  type TcpOptions,
  tcpHeaderLength,
  writeTcpHeader,
} from '../../wire/tcp.ts';
import type { SendError, SendOptions } from '../network-layer.ts';
import type { TcpEndpoint } from './connection-api.ts';
import type { TcpContext } from './context.ts';
import { ECN_CAPABLE, ECN_MASK } from './ecn.ts';
import type { RingBuffer } from './ring-buffer.ts';
import { seqAdd } from './sequence.ts';

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

/**
 * Sends `segments` that carry `data.length` bytes each, one behind the other from `segment` on: what they have in
 * common is done once (segmentation offload).
 *
 * @param flags of the last
 */
export function transmitTrain(
  context: TcpContext,
  segment: OutgoingSegment,
  data: OutgoingData,
  segments: number,
  flags: number,
): SendError | undefined {
  const { network, counters } = context;
  const headerLength = tcpHeaderLength(segment.options);
  const length = headerLength + data.length;
  const sum = network.pseudoHeaderSum(segment.local.address, segment.remote.address, TCP_PROTOCOL, length);
  const header = new Uint8Array(headerLength);
  writeSegmentHeader(header, 0, segment);
  const write = (index: number, target: Uint8Array, at: number): void => {
    const offset = index * data.length;
    for (let each = 0; each < headerLength; each++) target[at + each] = header[each]!;
    setTcpSequence(target, at, seqAdd(segment.sequence, offset));
    if (index === segments - 1) setTcpFlags(target, at, flags);
    data.buffer.copy(data.position + offset, data.length, target, at + headerLength);
    finishTcpChecksum(target, at, sum, at + length);
  };
  const error = network.sendTrain({ count: segments, length, write }, sendOptions(context, segment));
  if (error) counters.add(`tcp.not-sent.${error}`);
  return error;
}

export function transmit(
  context: TcpContext,
  segment: OutgoingSegment,
  data?: OutgoingData,
): SendError | undefined {
  const { network, counters } = context;
  const { local, remote } = segment;
  const { headroom } = network;
  const length = tcpHeaderLength(segment.options) + (data?.length ?? 0);
  const buffer = frameBuffer(headroom + length);
  const headerLength = writeSegmentHeader(buffer, headroom, segment);
  if (data) data.buffer.copy(data.position, data.length, buffer, headroom + headerLength);
  const pseudoHeaderSum = network.pseudoHeaderSum(local.address, remote.address, TCP_PROTOCOL, length);
  finishTcpChecksum(buffer, headroom, pseudoHeaderSum);
  const error = network.send(buffer, sendOptions(context, segment));
  if (error) counters.add(`tcp.not-sent.${error}`);
  return error;
}

function writeSegmentHeader(buffer: Uint8Array, offset: number, segment: OutgoingSegment): number {
  return writeTcpHeader(buffer, offset, {
    sourcePort: segment.local.port,
    destinationPort: segment.remote.port,
    sequence: segment.sequence,
    acknowledgment: segment.acknowledgment,
    flags: segment.flags,
    window: segment.window,
    urgentPointer: 0,
    options: segment.options,
  });
}

function sendOptions({ settings }: TcpContext, { local, remote, ecnCapable }: OutgoingSegment): SendOptions {
  return {
    protocol: TCP_PROTOCOL,
    source: local.address,
    destination: remote.address,
    dontFragment: settings.pathMtuDiscovery,
    ttl: settings.timeToLive,
    tos: (settings.typeOfService & ~ECN_MASK) | (ecnCapable ? ECN_CAPABLE : 0),
  };
}
