// The segments of a connection, by purpose. Each carries the newest acknowledgment and window.

import { TCP_ACK, TCP_RST, type TcpOptions, tcpSackLength } from '../../wire/tcp.ts';
import type { SendError } from '../network-layer.ts';
import { seqAdd, seqDistance } from './sequence.ts';
import type { Tcb } from './tcb.ts';
import { type OutgoingData, type OutgoingSegment, transmit, transmitTrain } from './transmit.ts';

/** SACK blocks that fit beside timestamps, and without them (RFC 2018 §3). */
const MOST_BLOCKS_WITH_TIMESTAMPS = 3;
const MOST_BLOCKS = 4;
/** Under this segment size new data leaves no room for SACK blocks, which then go with bare acknowledgments. */
const SMALLEST_MSS_WITH_SACK = 128;

function sackBlockCount(tcb: Tcb): number {
  if (!tcb.sackPermitted) return 0;
  const most = tcb.timestamps ? MOST_BLOCKS_WITH_TIMESTAMPS : MOST_BLOCKS;
  return Math.min(tcb.receive.sackBlockCount, most);
}

/** Bytes of data that fit into the next segment. */
export function segmentRoom(tcb: Tcb): number {
  return tcb.mss < SMALLEST_MSS_WITH_SACK ? tcb.mss : tcb.mss - tcpSackLength(sackBlockCount(tcb));
}

function options(tcb: Tcb, withSack: boolean): TcpOptions {
  const result: TcpOptions = {};
  if (tcb.timestamps) result.timestamps = tcb.timestamps.option();
  const blocks = withSack ? sackBlockCount(tcb) : 0;
  if (blocks > 0) result.sack = tcb.receive.sackBlocks(blocks);
  return result;
}

/**
 * Sends `length` bytes of the send buffer from `sequence` on, with `flags` beside ACK, and with SACK blocks if
 * they fit in: what is sent again keeps its size.
 */
export function sendData(
  tcb: Tcb,
  sequence: number,
  length: number,
  flags: number,
  ecnCapable = false,
): SendError | undefined {
  const withSack = length + tcpSackLength(sackBlockCount(tcb)) <= tcb.mss;
  const data: OutgoingData | undefined =
    length > 0
      ? { buffer: tcb.sendBuffer, position: seqDistance(tcb.sendBase, sequence), length }
      : undefined;
  return send(tcb, sequence, flags | TCP_ACK, options(tcb, withSack), data, ecnCapable);
}

/** As `sendData`, for what was never sent before: the network may mark it, and it tells of a reduced window. */
export function sendNewData(
  tcb: Tcb,
  sequence: number,
  length: number,
  flags: number,
): SendError | undefined {
  if (!tcb.ecn || length === 0) return sendData(tcb, sequence, length, flags);
  return sendData(tcb, sequence, length, flags | tcb.ecn.takeReduction(), true);
}

/** As `sendData`, for `segments` of `length` bytes each; `flags` are those of the last, beside ACK. */
export function sendTrain(
  tcb: Tcb,
  sequence: number,
  length: number,
  segments: number,
  flags: number,
): SendError | undefined {
  const segment = outgoing(tcb, sequence, TCP_ACK, options(tcb, false), false);
  const data = { buffer: tcb.sendBuffer, position: seqDistance(tcb.sendBase, sequence), length };
  return transmitTrain(tcb.context, segment, data, segments, segment.flags | flags);
}

/** An acknowledgment of all that came, with the window that there is. */
export function sendAck(tcb: Tcb): void {
  send(tcb, tcb.nxt, TCP_ACK, options(tcb, true));
}

/** An acknowledgment that asks for one: its number is not new (RFC 9293 §3.8.4). */
export function sendKeepAlive(tcb: Tcb): void {
  send(tcb, seqAdd(tcb.nxt, -1), TCP_ACK, options(tcb, false));
}

/** Answers a segment that proves nothing, if there were not too many of its like (RFC 5961). */
export function sendChallengeAck(tcb: Tcb): void {
  if (tcb.challenges.allow()) sendAck(tcb);
  else tcb.context.counters.add('tcp.challenge-suppressed');
}

/** RST, with timestamps where they were agreed on (RFC 7323 §3.2). */
export function sendReset(tcb: Tcb): void {
  transmit(tcb.context, {
    local: tcb.local,
    remote: tcb.remote,
    sequence: tcb.nxt,
    acknowledgment: tcb.receive.next,
    flags: TCP_RST | TCP_ACK,
    window: 0,
    options: options(tcb, false),
  });
}

function send(
  tcb: Tcb,
  sequence: number,
  flags: number,
  segmentOptions: TcpOptions,
  data?: OutgoingData,
  ecnCapable = false,
): SendError | undefined {
  return transmit(tcb.context, outgoing(tcb, sequence, flags, segmentOptions, ecnCapable), data);
}

/** A segment that leaves now, and acknowledges all that came. */
function outgoing(
  tcb: Tcb,
  sequence: number,
  flags: number,
  segmentOptions: TcpOptions,
  ecnCapable: boolean,
): OutgoingSegment {
  tcb.lastAckSent = tcb.receive.next;
  tcb.ackNow = false;
  tcb.unackedBytes = 0;
  tcb.delayedAck.clear();
  return {
    local: tcb.local,
    remote: tcb.remote,
    sequence,
    acknowledgment: tcb.receive.next,
    flags: flags | (tcb.ecn?.echo ?? 0),
    window: tcb.receive.advertise(tcb.receiveShift, tcb.largestSegment),
    options: segmentOptions,
    ecnCapable,
  };
}
