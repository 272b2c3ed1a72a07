// Whether a loss recovery was for nothing: the original arrived as well as the repetition. Told by
// timestamps (Eifel, RFC 3522), or by D-SACKs for all that was sent again (RFC 3708).

import type { SackBlock } from '../../wire/tcp.ts';
import { seqAtOrAfter, seqAtOrBefore, seqBefore } from './sequence.ts';

interface Repetition {
  readonly end: number;
  /** TSval of the first time. */
  readonly timestamp: number;
}

/** What one recovery sent again. */
export class Repetitions {
  /** By start, those that are not known to have arrived twice. */
  readonly #unproven = new Map<number, Repetition>();
  /** Whether an acknowledgment has moved on since recovery began. */
  #answered = false;
  /** SND.NXT when recovery ended: what was sent before may still bring D-SACKs. */
  #until: number | undefined;

  sent(start: number, end: number, timestamp: number): void {
    if (!this.#unproven.has(start)) this.#unproven.set(start, { end, timestamp });
  }

  recoveryEnds(next: number): void {
    this.#until = next;
  }

  /** Whether nothing can prove anything any more. */
  isOver(una: number): boolean {
    return this.#until !== undefined && seqAtOrAfter(una, this.#until);
  }

  /**
   * An acknowledgment moves on from `una`: whether it echoes an earlier timestamp than the repetition that
   * was sent from there. Only the first tells whether there was cause for this recovery.
   */
  answersOriginal(una: number, echo: number): boolean {
    const repetition = this.#answered ? undefined : this.#unproven.get(una);
    this.#answered = true;
    return repetition !== undefined && seqBefore(echo, repetition.timestamp);
  }

  /** A D-SACK came: whether by now all that was sent again has arrived twice. */
  allArrivedTwice({ start, end }: SackBlock): boolean {
    let matched = false;
    for (const [from, repetition] of this.#unproven) {
      if (!seqAtOrAfter(from, start) || !seqAtOrBefore(repetition.end, end)) continue;
      this.#unproven.delete(from);
      matched = true;
    }
    return matched && this.#unproven.size === 0;
  }
}
