// The errors that IPv4 answers packets with (RFC 1122 §3.2.2, RFC 1812 §4.3). What an error says, and how many there
// may be, is icmp-errors.ts.

import type { Clock } from '../core/clock.ts';
import type { Counters } from '../core/counters.ts';
import { ETHERNET_HEADER_LENGTH } from '../wire/ethernet.ts';
import { ipv4Destination, ipv4Source, ipv4Tos, PROTOCOL_ICMP } from '../wire/ipv4.ts';
import { type IcmpError, IcmpErrors } from './icmp-errors.ts';
import { IPV4_HEADROOM, type Ipv4Output } from './ipv4-output.ts';
import type { LocalAddresses } from './local-addresses.ts';
import type { Paths } from './paths.ts';

/** Errors go with precedence "internetwork control" (RFC 1812 §4.3.2.5). */
const TOS_CONTROL = 0xc0;
const TOS_MASK = 0x1e;

export interface Ipv4ErrorsOptions {
  readonly clock: Clock;
  readonly counters: Counters;
  readonly paths: Paths;
  readonly local: LocalAddresses;
  readonly output: Ipv4Output;
}

export class Ipv4Errors {
  readonly #messages: IcmpErrors;

  constructor(private readonly options: Ipv4ErrorsOptions) {
    this.#messages = new IcmpErrors(options.clock, options.counters);
  }

  /** Sends an error to the source of a packet; `group`: it came to a group address of IP or of the link. */
  answer(packet: Uint8Array, error: IcmpError, group: boolean): void {
    const { local, paths, output } = this.options;
    const destination = ipv4Source(packet);
    const original = ipv4Destination(packet);
    if (group || local.isBroadcast(original) || local.isBroadcast(destination)) return;
    const path = paths.path(destination);
    if (typeof path === 'string') return;
    const buffer = this.#messages.about(packet, error, IPV4_HEADROOM);
    if (!buffer) return;
    output.send(buffer, {
      protocol: PROTOCOL_ICMP,
      source: local.isOwn(original) ? original : path.source,
      destination,
      tos: (ipv4Tos(packet) & TOS_MASK) | TOS_CONTROL,
    });
  }

  /** The packet of an error from a packet's source, which is ours, to itself; undefined if there were too many. */
  toOurselves(packet: Uint8Array, error: IcmpError): Uint8Array | undefined {
    const buffer = this.#messages.about(packet, error, IPV4_HEADROOM);
    if (!buffer) return undefined;
    const answer = buffer.subarray(ETHERNET_HEADER_LENGTH);
    const address = ipv4Source(packet);
    this.options.output.writeHeader(answer, {
      protocol: PROTOCOL_ICMP,
      source: address,
      destination: address,
      tos: TOS_CONTROL,
    });
    return answer;
  }
}
