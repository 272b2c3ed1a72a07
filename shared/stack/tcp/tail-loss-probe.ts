// Tail loss probes (RFC 8985 §7): when nothing comes back for two round trips, one segment more makes the
// receiver tell what it has, so that a loss at the end of a flight need not wait for the timeout.

import type { Delivery } from './sent-queue.ts';
import { seqAfter, seqAtOrAfter } from './sequence.ts';

/** ms before anything is measured. */
const INITIAL_TIMEOUT = 1000;
/** ms that a peer may hold back the acknowledgment of a lone segment (TLP.max_ack_delay), as Linux. */
const LONGEST_ACK_DELAY = 200;
/** ms; less would be the noise of two processes that take turns. */
const SHORTEST_TIMEOUT = 10;

export class TailLossProbe {
  /** TLP.end_seq: SND.NXT when the probe was sent, as long as it is not known what became of it. */
  #end: number | undefined;
  #repeats = false;
  /** Whether a round trip was measured since the last probe. */
  #measured = true;

  /** Whether one may be sent now: no other is on its way, and the path has answered since the last. */
  get allowed(): boolean {
    return this.#end === undefined && this.#measured;
  }

  measured(): void {
    this.#measured = true;
  }

  /** @param repeats whether it repeats a segment, instead of bringing new data */
  sent(next: number, repeats: boolean): void {
    this.#end = next;
    this.#repeats = repeats;
    this.#measured = false;
  }

  /** Recovery takes care of what the probe was to find out. */
  forget(): void {
    this.#end = undefined;
  }

  /**
   * Takes in an acknowledgment, and says whether it shows that the probe repaired a loss, which nothing else
   * would tell of (RFC 8985 §7.4.2).
   *
   * @param repeated whether it is a duplicate ACK without SACK blocks
   */
  repairedLoss(acknowledgment: number, { duplicate }: Delivery, repeated: boolean): boolean {
    const end = this.#end;
    if (end === undefined || !seqAtOrAfter(acknowledgment, end)) return false;
    const arrivedTwice = duplicate?.end === end || repeated;
    if (this.#repeats && !arrivedTwice && !seqAfter(acknowledgment, end)) return false;
    this.#end = undefined;
    return this.#repeats && !arrivedTwice;
  }
}

/**
 * PTO, in ms (RFC 8985 §7.2).
 *
 * @param smoothed SRTT in ms, undefined before any was measured
 * @param mayDelayAck whether so little is in flight that the peer may hold back its acknowledgment
 */
export function probeTimeout(smoothed: number | undefined, mayDelayAck: boolean): number {
  if (smoothed === undefined) return INITIAL_TIMEOUT;
  return Math.max(2 * smoothed, SHORTEST_TIMEOUT) + (mayDelayAck ? LONGEST_ACK_DELAY : 0);
}
