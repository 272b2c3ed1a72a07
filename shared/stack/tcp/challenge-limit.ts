// How many acknowledgments a connection gives to segments that prove nothing (RFC 5961 §7): enough for a
// peer that lost its way, too few for a flood or for two ends that answer each other for ever.

import type { Clock } from '../../core/clock.ts';

const MOST_IN_INTERVAL = 10;
/** ms. */
const INTERVAL = 5000;

/** Counted for each connection by itself: a shared count would tell strangers of each other (CVE-2016-5696). */
export class ChallengeLimit {
  #start = Number.NEGATIVE_INFINITY;
  #count = 0;

  constructor(private readonly clock: Clock) {}

  /** Whether one more may go out now. */
  allow(): boolean {
    const now = this.clock.now();
    if (now - this.#start >= INTERVAL) {
      this.#start = now;
      this.#count = 0;
    }
    return ++this.#count <= MOST_IN_INTERVAL;
  }
}
