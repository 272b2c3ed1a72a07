// What SYNs offer and agree on: segment size, window scale, SACK, timestamps; the same for both ends.

import {
  TCP_ACK,
  TCP_CWR,
  TCP_ECE,
  TCP_HEADER_LENGTH,
  TCP_SYN,
  TCP_TIMESTAMPS_LENGTH,
  type TcpOptions,
  type TcpSegment,
} from '../../wire/tcp.ts';
import type { TcpEndpoint } from './connection-api.ts';
import type { TcpContext } from './context.ts';
import { Ecn, takesEcn } from './ecn.ts';
import { seqAdd } from './sequence.ts';
import type { TcpSettings } from './settings.ts';
import type { Tcb } from './tcb.ts';
import { Timestamps } from './timestamps.ts';
import { transmit } from './transmit.ts';

/** Bytes of an IPv4 header without options, which path MTU counts and MSS does not (RFC 6691). */
export const NETWORK_HEADER_LENGTH = 20;
/** MTU where the path is not known (RFC 9293 §3.7.1). */
const DEFAULT_MTU = 576;
/** Without the option, for IPv4 (RFC 9293 §3.7.1). */
const DEFAULT_MSS = 536;
/** RFC 7323 §2.3. */
const LARGEST_SHIFT = 14;
/** Smaller offers get this, or options would leave no room for data; as Linux. */
const SMALLEST_PEER_MSS = 48;

/**
 * Bytes of data and options in a segment, from one endpoint to the other (`mtu`), or the other way (`linkMtu`):
 * what was learned of the path there says nothing of the way back (RFC 1191 §3.1, RFC 6691).
 */
function mssOf(
  { network, settings }: TcpContext,
  { local, remote }: { local: TcpEndpoint; remote: TcpEndpoint },
  by: 'mtu' | 'linkMtu',
): number {
  const path = network.path(remote.address, local.address);
  const mtu = typeof path === 'string' ? DEFAULT_MTU : path[by];
  const mss = mtu - NETWORK_HEADER_LENGTH - TCP_HEADER_LENGTH;
  return Math.min(mss, settings.maximumSegment || mss);
}

/** The shift that makes the whole receive buffer expressible. */
export function ownWindowShift({ receiveBuffer }: TcpSettings): number {
  let shift = 0;
  while (shift < LARGEST_SHIFT && 0xffff * 2 ** shift < receiveBuffer) shift++;
  return shift;
}

/** What a SYN offers. */
export interface Offer extends TcpOptions {
  /** Explicit congestion notification; by flags, as the only one. */
  ecn?: boolean;
}

export interface SynSegment {
  readonly local: TcpEndpoint;
  readonly remote: TcpEndpoint;
  readonly iss: number;
  /** The peer's first number, where it is known: the segment is then a SYN,ACK. */
  readonly irs?: number;
  /** What was taken of the peer's offers: only that is offered back (RFC 7323 §1.3, RFC 2018 §2). */
  readonly offered?: Readonly<Offer>;
  /** Whether ECN is asked for, in a SYN. */
  readonly ecn?: boolean;
  /** TSval. */
  readonly timestamp: number;
  /** TS.Recent, for a SYN,ACK. */
  readonly recent?: number;
}

/** Sends a SYN or SYN,ACK. Its window is never scaled (RFC 7323 §2.2). */
export function sendSyn(context: TcpContext, syn: SynSegment): string | undefined {
  const { local, remote, irs, offered } = syn;
  const { settings } = context;
  const options: TcpOptions = { mss: mssOf(context, syn, 'linkMtu') };
  if (offered ? offered.sackPermitted : settings.sack) options.sackPermitted = true;
  if (offered ? offered.timestamps : settings.timestamps)
    options.timestamps = { value: syn.timestamp, echo: syn.recent ?? 0 };
  if (offered ? offered.windowScale !== undefined : settings.windowScaling)
    options.windowScale = ownWindowShift(settings);
  return transmit(context, {
    local,
    remote,
    sequence: syn.iss,
    acknowledgment: irs === undefined ? 0 : seqAdd(irs, 1),
    flags: irs === undefined ? TCP_SYN | (syn.ecn ? TCP_ECE | TCP_CWR : 0) : synAckFlags(offered),
    window: Math.min(settings.receiveBuffer, 0xffff),
    options,
  });
}

function synAckFlags(offered: Readonly<Offer> = {}): number {
  return TCP_SYN | TCP_ACK | (offered.ecn ? TCP_ECE : 0);
}

/** What of a SYN's offers this end takes: all but what is turned off here. */
export function taken({ options, flags }: TcpSegment, settings: TcpSettings): Readonly<Offer> {
  const { mss, sackPermitted, timestamps, windowScale } = options;
  return {
    ecn: takesEcn(flags, settings),
    ...(mss !== undefined && { mss }),
    ...(settings.sack && sackPermitted && { sackPermitted }),
    ...(settings.timestamps && timestamps && { timestamps }),
    ...(settings.windowScaling && windowScale !== undefined && { windowScale }),
  };
}

/** @param offered what was taken of the peer's SYN */
export function agree(tcb: Tcb, irs: number, offered: Readonly<Offer>): void {
  const { clock, settings } = tcb.context;
  tcb.synchronize(irs);
  tcb.ownMss = mssOf(tcb.context, tcb, 'linkMtu');
  tcb.peerMss = Math.max(offered.mss ?? DEFAULT_MSS, SMALLEST_PEER_MSS);
  tcb.sackPermitted = offered.sackPermitted === true;
  tcb.ecn = offered.ecn ? new Ecn() : undefined;
  if (offered.timestamps)
    tcb.timestamps = new Timestamps(clock, tcb.timestampOffset, offered.timestamps.value);
  if (offered.windowScale !== undefined) {
    tcb.windowShift = Math.min(offered.windowScale, LARGEST_SHIFT);
    tcb.receiveShift = ownWindowShift(settings);
    tcb.receive.setScale(tcb.receiveShift);
  }
  fitToPath(tcb);
}

/** Makes segments as large as peer and path take; options come off the data (RFC 6691). */
export function fitToPath(tcb: Tcb): void {
  tcb.mss =
    Math.min(tcb.peerMss, mssOf(tcb.context, tcb, 'mtu')) - (tcb.timestamps ? TCP_TIMESTAMPS_LENGTH : 0);
  tcb.congestion.setMss(tcb.mss);
}
