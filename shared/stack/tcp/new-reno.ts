// Slow start and congestion avoidance of RFC 5681; loss recovery itself is NewReno's or SACK's.

import { type CongestionControl, initialWindow } from './congestion.ts';

export class NewReno implements CongestionControl {
  readonly name = 'newreno';
  window = 0;
  threshold = Number.POSITIVE_INFINITY;
  #mss = 0;
  #acknowledged = 0;
  #before: { readonly window: number; readonly threshold: number } | undefined;

  setMss(mss: number): void {
    if (this.#mss === 0) this.window = initialWindow(mss);
    this.#mss = mss;
  }

  startSmall(): void {
    this.window = this.#mss;
  }

  acknowledged(bytes: number): void {
    if (this.window < this.threshold) {
      // By bytes (RFC 3465), and all of them: an ACK may stand for a whole batch, as with GRO.
      this.window = Math.min(this.window + bytes, this.threshold);
      return;
    }
    // One segment for each window acknowledged (RFC 5681 §3.1, by bytes as RFC 3465).
    this.#acknowledged += bytes;
    if (this.#acknowledged >= this.window) {
      this.#acknowledged -= this.window;
      this.window += this.#mss;
    }
  }

  measured(): void {}

  lost(flightSize: number): void {
    this.#halve(flightSize);
    this.window = this.threshold;
    this.#acknowledged = 0;
  }

  timedOut(flightSize: number, again: boolean): void {
    if (!again) this.#halve(flightSize);
    this.window = this.#mss;
    this.#acknowledged = 0;
  }

  undo(): void {
    if (!this.#before) return;
    this.window = Math.max(this.window, this.#before.window);
    this.threshold = this.#before.threshold;
    this.#before = undefined;
  }

  idle(): void {
    this.window = Math.min(this.window, initialWindow(this.#mss));
  }

  /** RFC 5681 §3.1, equation 4; what limited transmit sent beyond the window does not count (§3.2, step 2). */
  #halve(flightSize: number): void {
    this.#before = { window: this.window, threshold: this.threshold };
    this.threshold = Math.max(Math.min(flightSize, this.window) / 2, 2 * this.#mss);
  }
}
