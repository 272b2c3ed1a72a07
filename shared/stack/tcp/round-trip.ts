// Round-trip time and retransmission timeout (RFC 6298).

import type { TcpSettings } from './settings.ts';

const ALPHA = 1 / 8;
const BETA = 1 / 4;
const K = 4;

export class RoundTrip {
  /** ms; undefined until something was measured. */
  smoothed: number | undefined;
  /** ms. */
  variation = 0;
  /** ms of the shortest sample. */
  minimum = Number.POSITIVE_INFINITY;
  #base: number;
  #backoff = 0;

  constructor(private readonly settings: TcpSettings) {
    this.#base = settings.initialRto;
  }

  /** The current timeout in ms, backoff included. */
  get timeout(): number {
    return Math.min(this.#base * 2 ** this.#backoff, this.settings.maximumRto);
  }

  /**
   * Takes in a measurement, which ends the backoff. RTTVAR is computed before SRTT (RFC 6298 §2.3).
   *
   * @param measured ms
   * @param samplesPerRound how many samples a round trip gives; with several each counts for less, or
   *   the memory would be shorter than a round trip (RFC 7323 appendix G)
   */
  sample(measured: number, samplesPerRound = 1): void {
    this.minimum = Math.min(this.minimum, measured);
    if (this.smoothed === undefined) {
      this.smoothed = measured;
      this.variation = measured / 2;
    } else {
      const beta = BETA / samplesPerRound;
      const alpha = ALPHA / samplesPerRound;
      this.variation = (1 - beta) * this.variation + beta * Math.abs(this.smoothed - measured);
      this.smoothed = (1 - alpha) * this.smoothed + alpha * measured;
    }
    // As Linux, the floor stands under the variation rather than under the sum: on a path without jitter
    // the sum alone would leave no room for a peer that delays its ACKs.
    this.#base = this.smoothed + Math.max(K * this.variation, this.settings.minimumRto);
    this.#backoff = 0;
  }

  /** Doubles the timeout (RFC 6298 §5.5). */
  backOff(): void {
    if (this.timeout < this.settings.maximumRto) this.#backoff++;
  }

  resetBackoff(): void {
    this.#backoff = 0;
  }

  /** After a SYN was repeated and nothing measured, data starts with 3 s (RFC 6298 §5.7). */
  synWasRepeated(): void {
    this.#backoff = 0;
    if (this.smoothed === undefined) this.#base = Math.max(this.#base, 3000);
  }
}
