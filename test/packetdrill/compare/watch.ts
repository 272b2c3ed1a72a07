// What is kept in mind of one connection while its packets are compared.

import { seqAdd, seqAfter, seqBefore, seqMax } from '../../../shared/stack/tcp/sequence.ts';
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../../../shared/wire/tcp.ts';
import type { TcpSpec } from '../language/script.ts';
import type { SeenTcp } from '../packets/seen.ts';
import { Acknowledgments } from './acknowledgments.ts';
import { TimestampCheck } from './timestamps.ts';

export class Watch {
  readonly acknowledgments = new Acknowledgments();
  readonly timestamps = new TimestampCheck();
  /** The number after the last that was seen, SYN and FIN included. */
  #sentUpTo = 0;
  /** Window of the peer, as the script sent it last. */
  #peerWindow = 1;

  /** The script sends a segment. */
  inbound(spec: TcpSpec, at: number): void {
    this.acknowledgments.inbound(spec, at);
    if (spec.options !== 'any') this.timestamps.inbound(spec.options);
    if (spec.flags & TCP_ACK && !(spec.flags & TCP_RST)) this.#peerWindow = spec.window ?? 0;
  }

  /** The script has looked at a segment that we sent. */
  seen(seen: SeenTcp): void {
    this.acknowledgments.seen(seen);
    const end = seqAdd(seen.sequence, seen.length + (seen.flags & (TCP_SYN | TCP_FIN) ? 1 : 0));
    if (!(seen.flags & TCP_RST)) this.#sentUpTo = seqMax(this.#sentUpTo, end);
  }

  /** Whether a segment has something that was sent before, so that a timer may have sent it. */
  isRepeated({ sequence, length, flags }: SeenTcp): boolean {
    const carries = length > 0 || (flags & (TCP_SYN | TCP_FIN)) !== 0;
    return carries && seqBefore(sequence, this.#sentUpTo);
  }

  /**
   * Whether the script and we probe the same shut window, each in its way: with the number before the next,
   * as Linux, or with a byte of new data (RFC 9293 §3.8.6.1).
   */
  isSameProbe(spec: TcpSpec, seen: SeenTcp): boolean {
    const { start, length } = spec.sequence;
    return (
      this.#peerWindow === 0 &&
      spec.flags === TCP_ACK &&
      length === 0 &&
      seqBefore(start, this.#sentUpTo) &&
      seen.length === 1 &&
      !seqAfter(seen.sequence, this.#sentUpTo) &&
      seen.acknowledgment === spec.acknowledgment
    );
  }
}
