// ICMP errors about packets that came in: whether one may be sent, and what it says (RFC 792, RFC 1122
// §3.2.2, RFC 1812 §4.3).

import type { Clock } from '../core/clock.ts';
import type { Counters } from '../core/counters.ts';
import {
  EXCEEDED_IN_REASSEMBLY,
  EXCEEDED_IN_TRANSIT,
  ICMP_HEADER_LENGTH,
  ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE,
  icmpType,
  isIcmpError,
  UNREACHABLE_FRAGMENTATION_NEEDED,
  UNREACHABLE_HOST,
  UNREACHABLE_NET,
  UNREACHABLE_PORT,
  UNREACHABLE_PROTOCOL,
  writeIcmp,
} from '../wire/icmp.ts';
import {
  IPV4_HEADER_LENGTH,
  ipv4FragmentOffset,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  PROTOCOL_ICMP,
} from '../wire/ipv4.ts';

/** An error is at most so long, IP header included, and quotes what fits (RFC 1812 §4.3.2.3). */
const MAX_ERROR_LENGTH = 576;
/** Errors per second, and how many at once, as Linux has it. */
const RATE = 1000;
const BURST = 50;

export interface IcmpError {
  readonly type: number;
  readonly code: number;
  /** Next-hop MTU in bytes, for "fragmentation needed". */
  readonly mtu?: number;
}

export const NET_UNREACHABLE: IcmpError = { type: ICMP_UNREACHABLE, code: UNREACHABLE_NET };
export const HOST_UNREACHABLE: IcmpError = { type: ICMP_UNREACHABLE, code: UNREACHABLE_HOST };
export const PORT_UNREACHABLE: IcmpError = { type: ICMP_UNREACHABLE, code: UNREACHABLE_PORT };
export const PROTOCOL_UNREACHABLE: IcmpError = { type: ICMP_UNREACHABLE, code: UNREACHABLE_PROTOCOL };
export const TTL_EXCEEDED: IcmpError = { type: ICMP_TIME_EXCEEDED, code: EXCEEDED_IN_TRANSIT };
export const REASSEMBLY_EXCEEDED: IcmpError = { type: ICMP_TIME_EXCEEDED, code: EXCEEDED_IN_REASSEMBLY };

/** @param mtu bytes that the next hop takes (RFC 1191 §4) */
export function fragmentationNeeded(mtu: number): IcmpError {
  return { type: ICMP_UNREACHABLE, code: UNREACHABLE_FRAGMENTATION_NEEDED, mtu };
}

export class IcmpErrors {
  #tokens = BURST;
  #refilled: number;

  constructor(
    private readonly clock: Clock,
    private readonly counters: Counters,
  ) {
    this.#refilled = clock.now();
  }

  /**
   * The ICMP message, behind `headroom` free bytes, that says `error` about a packet to a unicast
   * address; undefined where none may be sent.
   */
  about(packet: Uint8Array, error: IcmpError, headroom: number): Uint8Array | undefined {
    if (!mayBeAnswered(packet) || !this.#takeToken()) return undefined;
    const quoted = Math.min(packet.length, MAX_ERROR_LENGTH - IPV4_HEADER_LENGTH - ICMP_HEADER_LENGTH);
    const buffer = new Uint8Array(headroom + ICMP_HEADER_LENGTH + quoted);
    writeIcmp(buffer.subarray(headroom), {
      type: error.type,
      code: error.code,
      rest: error.mtu ?? 0,
      data: packet.subarray(0, quoted),
    });
    return buffer;
  }

  #takeToken(): boolean {
    const now = this.clock.now();
    this.#tokens = Math.min(BURST, this.#tokens + ((now - this.#refilled) * RATE) / 1000);
    this.#refilled = now;
    if (this.#tokens < 1) {
      this.counters.add('icmp.rate-limited');
      return false;
    }
    this.#tokens--;
    return true;
  }
}

/** ICMP-2: not about an ICMP error, a fragment that is not the first, or a source that is nobody's. */
function mayBeAnswered(packet: Uint8Array): boolean {
  if (ipv4FragmentOffset(packet) !== 0) return false;
  const source = ipv4Source(packet);
  if (source === 0 || source >>> 28 >= 0xe) return false;
  if (ipv4Protocol(packet) !== PROTOCOL_ICMP) return true;
  const message = packet.subarray(ipv4HeaderLength(packet));
  return message.length > 0 && !isIcmpError(icmpType(message));
}
