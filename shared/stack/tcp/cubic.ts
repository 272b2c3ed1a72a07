// CUBIC (RFC 9438): after a loss the window returns to where it was along a cubic curve of time.

import { type CongestionControl, initialWindow } from './congestion.ts';
import { HyStart } from './hystart.ts';

/** Segments per second cubed (RFC 9438 §5.1). */
const C = 0.4;
/** What is left of the window after a loss (RFC 9438 §4.6). */
const BETA = 0.7;
/** How fast a Reno flow with this BETA would grow: segments per window (RFC 9438 §4.3). */
const ALPHA = (3 * (1 - BETA)) / (1 + BETA);

/** One stretch of congestion avoidance; sizes in segments, as in the RFC. */
interface Epoch {
  /** ms. */
  readonly start: number;
  /** Where the curve is flat. */
  readonly maximum: number;
  /** Seconds from the start until the curve is flat. */
  readonly k: number;
  /** W_est: what Reno would have by now. */
  estimate: number;
}

/** What a reduction changes. */
interface Snapshot {
  readonly window: number;
  readonly threshold: number;
  readonly maximum: number;
  readonly prior: number;
  readonly epoch: Epoch | undefined;
}

export class Cubic implements CongestionControl {
  readonly name = 'cubic';
  window = 0;
  threshold = Number.POSITIVE_INFINITY;
  #mss = 0;
  /** W_max, in segments. */
  #maximum = 0;
  /** cwnd_prior, in segments. */
  #prior = 0;
  #epoch: Epoch | undefined;
  /** For the first slow start, which knows nothing of the path (RFC 9438 §4.10). */
  readonly #hyStart = new HyStart();
  #before: Snapshot | undefined;

  setMss(mss: number): void {
    if (this.#mss === 0) this.window = initialWindow(mss);
    this.#mss = mss;
  }

  startSmall(): void {
    this.window = this.#mss;
  }

  acknowledged(bytes: number, now: number, roundTrip: number): void {
    if (this.window < this.threshold) {
      // By bytes (RFC 3465), and all of them: an ACK may stand for a whole batch, as with GRO.
      this.window = Math.min(this.window + bytes * this.#slowStartGrowth(), this.threshold);
      return;
    }
    const current = this.window / this.#mss;
    const segments = bytes / this.#mss;
    this.#epoch ??= this.#begin(now, current);
    const epoch = this.#epoch;
    epoch.estimate += ((epoch.estimate < this.#prior ? ALPHA : 1) * segments) / current;

    const elapsed = (now - epoch.start) / 1000;
    let next: number;
    if (curve(epoch, elapsed) < epoch.estimate) next = epoch.estimate;
    else {
      const target = Math.min(Math.max(curve(epoch, elapsed + roundTrip / 1000), current), 1.5 * current);
      next = current + ((target - current) / current) * segments;
    }
    this.window = Math.max(next, current) * this.#mss;
  }

  measured(roundTrip: number, una: number, next: number): void {
    if (this.threshold !== Number.POSITIVE_INFINITY) return;
    this.#hyStart.measured(roundTrip, una, next);
    if (this.#hyStart.over) this.threshold = this.window;
  }

  lost(): void {
    this.#reduce();
    this.window = this.threshold;
  }

  timedOut(_flightSize: number, again: boolean): void {
    if (!again) this.#reduce();
    this.window = this.#mss;
  }

  undo(): void {
    if (!this.#before) return;
    const { window, threshold, maximum, prior, epoch } = this.#before;
    this.window = Math.max(this.window, window);
    this.threshold = threshold;
    this.#maximum = maximum;
    this.#prior = prior;
    this.#epoch = epoch;
    this.#before = undefined;
  }

  idle(): void {
    this.window = Math.min(this.window, initialWindow(this.#mss));
    this.#epoch = undefined;
  }

  #slowStartGrowth(): number {
    return this.threshold === Number.POSITIVE_INFINITY ? this.#hyStart.growth : 1;
  }

  #begin(now: number, current: number): Epoch {
    const maximum = Math.max(this.#maximum, current);
    return { start: now, maximum, k: Math.cbrt((maximum - current) / C), estimate: current };
  }

  /** By the window rather than by what is in flight: only a window that was used has grown (RFC 9438 §4.6). */
  #reduce(): void {
    const { window, threshold } = this;
    this.#before = { window, threshold, maximum: this.#maximum, prior: this.#prior, epoch: this.#epoch };
    const current = window / this.#mss;
    this.#epoch = undefined;
    this.#prior = current;
    // Fast convergence: a window that did not reach its last maximum leaves room for others (§4.7).
    this.#maximum = current < this.#maximum ? (current * (1 + BETA)) / 2 : current;
    this.threshold = Math.max(window * BETA, 2 * this.#mss);
  }
}

/** W_cubic(t), in segments (RFC 9438 §4.2, figure 1). */
function curve(epoch: Epoch, seconds: number): number {
  return C * (seconds - epoch.k) ** 3 + epoch.maximum;
}
