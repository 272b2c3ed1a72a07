// The seam between loss recovery and congestion control: NewReno and CUBIC stand behind it.

/** Bytes throughout. */
export interface CongestionControl {
  readonly name: 'cubic' | 'newreno';
  /** cwnd. */
  window: number;
  /** ssthresh. */
  threshold: number;
  /** The segment size is known, or has changed. */
  setMss(mss: number): void;
  /** A SYN was lost: begins with one segment (RFC 6928 §2). */
  startSmall(): void;
  /**
   * `bytes` were acknowledged outside of loss recovery, while the window was what held the sender back.
   *
   * @param now ms
   * @param roundTrip smoothed, ms
   */
  acknowledged(bytes: number, now: number, roundTrip: number): void;
  /** An acknowledgment up to `una` gave a round trip, in ms, when what had been sent ended at `next`. */
  measured(roundTrip: number, una: number, next: number): void;
  /** Loss was found by duplicate ACKs, SACKs or RACK. */
  lost(flightSize: number): void;
  /** The timer went off; `again` if it did for the same data before. */
  timedOut(flightSize: number, again: boolean): void;
  /** The latest `lost` or `timedOut` was a mistake. */
  undo(): void;
  /** Nothing was sent for longer than a retransmission timeout (RFC 5681 §4.1). */
  idle(): void;
}

/** RFC 6928 §2: min(10 MSS, max(2 MSS, 14600)). */
export function initialWindow(mss: number): number {
  return Math.min(10 * mss, Math.max(2 * mss, 14_600));
}
