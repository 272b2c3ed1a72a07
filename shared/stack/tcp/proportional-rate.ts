// Proportional rate reduction (RFC 9937): how much is sent during fast recovery, so that the window comes
// down to ssthresh evenly, neither in a pause nor in a burst.

export class ProportionalRate {
  /** What takes the place of cwnd. */
  window: number;
  /** prr_delivered. */
  #delivered = 0;
  /** prr_out. */
  #sent = 0;

  /**
   * All in bytes.
   *
   * @param target ssthresh
   * @param flight RecoverFS: what was in flight as the first of it was found lost
   * @param inFlight pipe, without what was found lost
   */
  constructor(
    private readonly target: number,
    private readonly flight: number,
    inFlight: number,
    mss: number,
  ) {
    // The first retransmission goes whatever comes next.
    this.window = inFlight + mss;
  }

  sent(bytes: number): void {
    this.#sent += bytes;
  }

  /**
   * An acknowledgment told that `bytes` have arrived.
   *
   * @param safe whether it acknowledged by number, and told of no further loss
   */
  delivered(bytes: number, inFlight: number, mss: number, safe: boolean): void {
    if (bytes === 0) return;
    this.#delivered += bytes;
    const room = Math.max(this.#share(bytes, inFlight, mss, safe), 0);
    this.window = inFlight + (this.#sent === 0 ? Math.max(room, mss) : room);
  }

  #share(bytes: number, inFlight: number, mss: number, safe: boolean): number {
    if (inFlight > this.target) return Math.ceil((this.#delivered * this.target) / this.flight) - this.#sent;
    // More was lost than the window was to come down by: back up to the target, by slow start if that is safe.
    const conserved = Math.max(this.#delivered - this.#sent, bytes);
    return Math.min(this.target - inFlight, conserved + (safe ? mss : 0));
  }
}
