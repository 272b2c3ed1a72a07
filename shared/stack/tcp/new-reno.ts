// Slow start and congestion avoidance of RFC 5681; loss recovery itself is NewReno's or SACK's.

import { type CongestionControl, initialWindow, SLOW_START_LIMIT } from './congestion.ts';

export class NewReno implements CongestionControl {
  readonly name = 'newreno';
  window = 0;
  threshold = Number.POSITIVE_INFINITY;
  #mss = 0;
  #acknowledged = 0;

  setMss(mss: number): void {
    if (this.#mss === 0) this.window = initialWindow(mss);
    this.#mss = mss;
  }

  startSmall(): void {
    this.window = this.#mss;
  }

  acknowledged(bytes: number): void {
    if (this.window < this.threshold) {
      this.window += Math.min(bytes, SLOW_START_LIMIT * this.#mss);
      return;
    }
    // One segment for each window acknowledged (RFC 5681 §3.1, by bytes as RFC 3465).
    this.#acknowledged += bytes;
    if (this.#acknowledged >= this.window) {
      this.#acknowledged -= this.window;
      this.window += this.#mss;
    }
  }

  lost(flightSize: number): void {
    this.threshold = this.#half(flightSize);
    this.window = this.threshold;
    this.#acknowledged = 0;
  }

  timedOut(flightSize: number, again: boolean): void {
    if (!again) this.threshold = this.#half(flightSize);
    this.window = this.#mss;
    this.#acknowledged = 0;
  }

  idle(): void {
    this.window = Math.min(this.window, initialWindow(this.#mss));
  }

  /** RFC 5681 §3.1, equation 4. */
  #half(flightSize: number): number {
    return Math.max(flightSize / 2, 2 * this.#mss);
  }
}
