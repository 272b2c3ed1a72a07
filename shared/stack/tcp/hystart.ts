// HyStart++ (RFC 9406): slow start ends when round trips grow longer, for then a queue is building up, rather
// than when that queue has overflowed.

import { seqAtOrAfter } from './sequence.ts';

/** MIN_RTT_THRESH and MAX_RTT_THRESH, in ms. */
const LEAST_INCREASE = 4;
const MOST_INCREASE = 16;
/** MIN_RTT_DIVISOR: share of the round trip by which it must grow to mean something. */
const INCREASE_SHARE = 1 / 8;
/** N_RTT_SAMPLE: samples of a round before its shortest is believed. */
const ENOUGH_SAMPLES = 8;
/** CSS_GROWTH_DIVISOR. */
const CONSERVATIVE_GROWTH = 1 / 4;
/** CSS_ROUNDS. */
const CONSERVATIVE_ROUNDS = 5;

export class HyStart {
  /** Whether slow start is to end. */
  over = false;
  /** SND.NXT when this round began: its acknowledgment ends it. */
  #roundEnd: number | undefined;
  /** The shortest round trips of the last round and of this one, in ms. */
  #last = Number.POSITIVE_INFINITY;
  #current = Number.POSITIVE_INFINITY;
  #samples = 0;
  /** The shortest round trip when conservative slow start began, as long as it lasts. */
  #baseline: number | undefined;
  #conservativeRounds = 0;

  /** By how much less than in slow start the window grows. */
  get growth(): number {
    return this.#baseline === undefined ? 1 : CONSERVATIVE_GROWTH;
  }

  /**
   * An acknowledgment up to `una` gave a round trip, in ms, when what had been sent ended at `next`.
   */
  measured(roundTrip: number, una: number, next: number): void {
    if (this.#roundEnd === undefined || seqAtOrAfter(una, this.#roundEnd)) this.#nextRound(next);
    this.#current = Math.min(this.#current, roundTrip);
    this.#samples++;
    if (this.#samples < ENOUGH_SAMPLES) return;
    if (this.#baseline === undefined) {
      if (this.#current >= this.#last + increase(this.#last)) this.#baseline = this.#current;
    } else if (this.#current < this.#baseline) {
      // It was but a jitter.
      this.#baseline = undefined;
      this.#conservativeRounds = 0;
    }
  }

  #nextRound(next: number): void {
    this.#roundEnd = next;
    this.#last = this.#current;
    this.#current = Number.POSITIVE_INFINITY;
    this.#samples = 0;
    if (this.#baseline !== undefined && ++this.#conservativeRounds >= CONSERVATIVE_ROUNDS) this.over = true;
  }
}

function increase(roundTrip: number): number {
  return Math.max(LEAST_INCREASE, Math.min(roundTrip * INCREASE_SHARE, MOST_INCREASE));
}
