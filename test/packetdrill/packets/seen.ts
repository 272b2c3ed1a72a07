// A packet that our TCP sent, read back, and in the script's numbers.

import type { IpAddress } from '../../../shared/core/address.ts';
import { Malformed } from '../../../shared/core/errors.ts';
import { decodeIcmp, type IcmpMessage } from '../../../shared/wire/icmp.ts';
import { decodeIpv4, ipv4PseudoHeaderSum, PROTOCOL_ICMP, PROTOCOL_TCP } from '../../../shared/wire/ipv4.ts';
import { decodeTcp, TCP_DATA_OFFSET, TCP_HEADER_LENGTH, type TcpSegment } from '../../../shared/wire/tcp.ts';
import type { TcpOptionSpec } from '../language/script.ts';
import { decodeOptions } from '../language/tcp-option-bytes.ts';
import type { SentPacket } from '../machine/machine.ts';
import type { Flow } from './flow.ts';

export interface SentIp {
  /** µs since the script began. */
  readonly at: number;
  readonly tos: number;
  readonly ttl: number;
  readonly source: IpAddress;
  readonly destination: IpAddress;
}

/** As on the wire. */
export interface SentTcp extends SentIp {
  readonly kind: 'tcp';
  readonly segment: TcpSegment;
  /** In the order in which they stand, padding too. */
  readonly options: readonly TcpOptionSpec[];
}

export interface SentIcmp extends SentIp {
  readonly kind: 'icmp';
  readonly message: IcmpMessage;
}

/** A segment in the script's numbers. */
export interface SeenTcp extends SentIp {
  readonly kind: 'tcp';
  readonly flags: number;
  readonly sequence: number;
  /** As on the wire. */
  readonly absoluteSequence: number;
  readonly length: number;
  readonly acknowledgment: number;
  readonly window: number;
  readonly urgent: number;
  readonly options: readonly TcpOptionSpec[];
  readonly payload: Uint8Array;
}

/** @throws Error if what was sent is malformed: then it is not for a script to say so */
export function readSent({ at, packet }: SentPacket): SentTcp | SentIcmp | undefined {
  const { tos, ttl, source, destination, protocol, payload } = sound(decodeIpv4(packet));
  const ip: SentIp = { at, tos, ttl, source, destination };
  if (protocol === PROTOCOL_ICMP) return { ...ip, kind: 'icmp', message: sound(decodeIcmp(payload)) };
  if (protocol !== PROTOCOL_TCP) return undefined;
  const sum = ipv4PseudoHeaderSum(source, destination, PROTOCOL_TCP, payload.length);
  const segment = sound(decodeTcp(payload, sum));
  const headerLength = (payload[TCP_DATA_OFFSET]! >>> 4) * 4;
  const options = decodeOptions(payload.subarray(TCP_HEADER_LENGTH, headerLength));
  return { ...ip, kind: 'tcp', segment, options };
}

function sound<T>(value: T | Malformed): T {
  if (value instanceof Malformed) throw new Error(`our stack sent a malformed packet: ${value.reason}`);
  return value;
}

export function inScriptNumbers(sent: SentTcp, flow: Flow): SeenTcp {
  const { segment, options, ...ip } = sent;
  const { flags, sequence, acknowledgment, window, urgentPointer, payload } = segment;
  return {
    ...ip,
    kind: 'tcp',
    flags,
    sequence: flow.scriptSequence(flags, sequence),
    absoluteSequence: sequence,
    length: payload.length,
    acknowledgment: flow.scriptAcknowledgment(flags, acknowledgment),
    window,
    urgent: urgentPointer,
    options: flow.scriptOptions(flags, options),
    payload,
  };
}
