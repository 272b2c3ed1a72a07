// A packet of the script as bytes that come in.

import type { IpAddress } from '../../../shared/core/address.ts';
import { encodeIcmp } from '../../../shared/wire/icmp.ts';
import { encodeIpv4, ipv4PseudoHeaderSum, PROTOCOL_ICMP, PROTOCOL_TCP } from '../../../shared/wire/ipv4.ts';
import {
  finishTcpChecksum,
  TCP_ACK,
  TCP_DATA_OFFSET,
  TCP_HEADER_LENGTH,
  writeTcpHeader,
} from '../../../shared/wire/tcp.ts';
import { Mismatch } from '../language/errors.ts';
import type { IcmpSpec, IpSpec, TcpOptionSpec, TcpSpec } from '../language/script.ts';
import { encodeOptions } from '../language/tcp-option-bytes.ts';
import type { Flow } from './flow.ts';

const DEFAULT_TTL = 255;
const NO_OPTIONS = new Uint8Array(0);
/** Bytes of a TCP header that an ICMP error quotes beside the payload: ports and sequence number (RFC 792). */
const QUOTED_HEADER = 8;

export interface InboundContext {
  readonly line: number;
  readonly flow: Flow;
  /** Whether an echoed timestamp that we never sent is found by its distance from the first. */
  readonly scaledEcho: boolean;
}

/** A segment from the peer. Its payload is zeros, as in packetdrill. */
export function tcpPacket(spec: TcpSpec, ip: IpSpec, context: InboundContext): Uint8Array {
  const { flow } = context;
  const { flags, sequence } = spec;
  const options = encodeOptions(liveOptions(spec, context));
  const headerLength = TCP_HEADER_LENGTH + options.length;
  const segment = new Uint8Array(headerLength + sequence.length);
  writeTcpHeader(segment, 0, {
    sourcePort: flow.remote.port,
    destinationPort: flow.local.port,
    sequence: sequence.absolute ? sequence.start : flow.liveSequence(flags, sequence.start),
    acknowledgment: flags & TCP_ACK ? flow.liveAcknowledgment(flags, spec.acknowledgment) : 0,
    flags,
    window: spec.window ?? 0,
    urgentPointer: spec.urgent,
    options: {},
  });
  segment.set(options, TCP_HEADER_LENGTH);
  segment[TCP_DATA_OFFSET] = (headerLength / 4) << 4;
  const { local, remote } = flow;
  finishTcpChecksum(
    segment,
    0,
    ipv4PseudoHeaderSum(remote.address, local.address, PROTOCOL_TCP, segment.length),
  );
  return ipPacket(remote.address, local.address, PROTOCOL_TCP, segment, ip);
}

function liveOptions({ options, flags }: TcpSpec, context: InboundContext): TcpOptionSpec[] {
  // An inbound packet can't have `<...>`: the parser sees to it.
  if (options === 'any') return [];
  return options.map((option) => {
    if (option.kind === 'sack') return { kind: 'sack', blocks: liveBlocks(option.blocks, context.flow) };
    if (option.kind === 'TS') return liveTimestamps(option, flags, context);
    return option;
  });
}

function liveBlocks(blocks: readonly { start: number; end: number }[], flow: Flow) {
  return blocks.map(({ start, end }) => ({
    start: flow.liveAcknowledgment(0, start),
    end: flow.liveAcknowledgment(0, end),
  }));
}

type Timestamps = Extract<TcpOptionSpec, { kind: 'TS' }>;

function liveTimestamps(option: Timestamps, flags: number, context: InboundContext): Timestamps {
  const { line, flow, scaledEcho } = context;
  const { value, echo, absoluteEcho } = option;
  if (value === undefined || echo === undefined)
    throw new Mismatch(line, 'an inbound packet needs both timestamps');
  if (absoluteEcho || !(flags & TCP_ACK)) return option;
  const live = flow.liveTimestamp(echo, scaledEcho);
  // 0 says that there is nothing to echo (RFC 7323 §3.2).
  if (live === undefined && echo !== 0)
    throw new Mismatch(line, `TS ecr ${echo} echoes a timestamp that no segment before it had`);
  return { ...option, echo: live ?? 0 };
}

/** An ICMP message from the peer, or about a segment to it. */
export function icmpPacket(spec: IcmpSpec, ip: IpSpec, flow: Flow): Uint8Array {
  const rest = spec.mtu ?? (spec.identifier ?? 0) * 0x10000;
  const message = encodeIcmp({ type: spec.type, code: spec.code, rest, data: quoted(spec, flow) });
  return ipPacket(flow.remote.address, flow.local.address, PROTOCOL_ICMP, message, ip);
}

/** IP header and the beginning of the segment that the error is about. */
function quoted({ quoted: segment }: IcmpSpec, flow: Flow): Uint8Array {
  const { start, length } = segment ?? { start: 0, length: 0 };
  const header = new Uint8Array(TCP_HEADER_LENGTH + length);
  writeTcpHeader(header, 0, {
    sourcePort: flow.local.port,
    destinationPort: flow.remote.port,
    sequence: flow.liveQuoted(start),
    acknowledgment: 0,
    flags: TCP_ACK,
    window: 0,
    urgentPointer: 0,
    options: {},
  });
  const whole = ipPacket(flow.local.address, flow.remote.address, PROTOCOL_TCP, header, {});
  return whole.subarray(0, whole.length - TCP_HEADER_LENGTH + QUOTED_HEADER);
}

function ipPacket(
  source: IpAddress,
  destination: IpAddress,
  protocol: number,
  payload: Uint8Array,
  { tos, ttl }: IpSpec,
): Uint8Array {
  return encodeIpv4({
    tos: tos ?? 0,
    identification: 0,
    dontFragment: false,
    moreFragments: false,
    fragmentOffset: 0,
    ttl: ttl ?? DEFAULT_TTL,
    protocol,
    source,
    destination,
    options: NO_OPTIONS,
    payload,
  });
}
