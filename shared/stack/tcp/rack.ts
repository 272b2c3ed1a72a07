// RACK (RFC 8985 §6): a segment is lost if one that was sent after it has arrived, and it is overdue by more
// than reordering could explain. So lost retransmissions are found too, and the last of a flight.

import type { RoundTrip } from './round-trip.ts';
import type { SentQueue, SentTrain } from './sent-queue.ts';
import { seqAfter, seqAtOrAfter, seqBefore } from './sequence.ts';

/** SACKed segments that mean loss, as long as the path was not seen to reorder. */
const DUP_THRESH = 3;
/** Recoveries without a D-SACK after which the reordering window is small again. */
const PERSISTENCE = 16;
/** ms; timers count no finer, and segments that left together may well change places. */
const SMALLEST_WINDOW = 1;
/** ms; a timer that goes off by less too early is not set again for the rest. */
const EARLY = 0.01;

export interface Detection {
  /** Whether any segment was found lost. */
  readonly lost: boolean;
  /** ms after which to look again; 0 if there is nothing to wait for. */
  readonly wait: number;
}

export class Rack {
  /** The place among all transmissions of the one that was sent last of those that have arrived. */
  #latest = 0;
  /** RACK.rtt: ms. */
  #roundTrip = 0;
  /** RACK.fack. */
  #highest: number;
  #reorderingSeen = false;
  /** Quarters of the shortest round trip in the reordering window. */
  #multiplier = 1;
  #persistence = PERSISTENCE;
  /** SND.NXT when a D-SACK last widened the window: it does so once a round trip. */
  #duplicateRound: number | undefined;

  /** @param iss the number before the first */
  constructor(iss: number) {
    this.#highest = iss;
  }

  /**
   * Takes in segments that have arrived (RFC 8985 §6.2, steps 2 and 3).
   *
   * @param echoedEarlier whether the acknowledgment's timestamp is that of an earlier transmission
   */
  delivered(train: SentTrain, now: number, echoedEarlier: boolean, path: RoundTrip): void {
    const repeated = train.transmissions > 1;
    if (seqAfter(train.end, this.#highest)) this.#highest = train.end;
    else if (seqBefore(train.end, this.#highest) && !repeated) this.#reorderingSeen = true;
    const roundTrip = now - train.sentAt;
    // It was another transmission that arrived.
    if (repeated && (echoedEarlier || roundTrip < path.minimum)) return;
    this.#roundTrip = roundTrip;
    this.#latest = Math.max(this.#latest, train.order + train.segments - 1);
  }

  /** An acknowledgment came, with a D-SACK or without: what was repeated for nothing was only late (step 4). */
  acknowledged(una: number, next: number, duplicate: boolean): void {
    if (this.#duplicateRound !== undefined && seqAtOrAfter(una, this.#duplicateRound))
      this.#duplicateRound = undefined;
    if (!duplicate || this.#duplicateRound !== undefined) return;
    this.#duplicateRound = next;
    this.#multiplier++;
    this.#persistence = PERSISTENCE;
  }

  recoveryEnds(): void {
    if (--this.#persistence <= 0) this.#multiplier = 1;
  }

  /** Marks what is lost by now (step 5). */
  detect(sent: SentQueue, now: number, recovering: boolean, path: RoundTrip): Detection {
    const due = this.#roundTrip + this.#reorderingWindow(sent, recovering, path);
    let lost = false;
    let wait = 0;
    for (const train of sent.bySendingOrder) {
      if (train.order >= this.#latest) break;
      const remaining = due - (now - train.sentAt);
      if (remaining <= EARLY) {
        sent.markLost(train);
        lost = true;
      } else wait = Math.max(wait, remaining);
    }
    return { lost, wait };
  }

  /** After a timeout the first is lost, and what is overdue by now (RFC 8985 §6.3): the rest may still arrive. */
  timedOut(sent: SentQueue, now: number, path: RoundTrip): void {
    const due = this.#roundTrip + this.#reorderingWindow(sent, true, path);
    const first = sent.cutFirst();
    for (const train of sent.trains)
      if (train === first || now - train.sentAt >= due - EARLY) sent.markLost(train);
  }

  /** RACK.reo_wnd, in ms. */
  #reorderingWindow(sent: SentQueue, recovering: boolean, { minimum, smoothed = 0 }: RoundTrip): number {
    if (!this.#reorderingSeen && (recovering || sent.sackedSegments >= DUP_THRESH)) return 0;
    const window = Math.min((this.#multiplier * minimum) / 4, smoothed);
    return Math.max(window, SMALLEST_WINDOW);
  }
}
