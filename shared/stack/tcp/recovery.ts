// Loss recovery: what is lost is found by time where both ends have SACK (RACK-TLP, RFC 8985), else by
// duplicate ACKs (NewReno, RFC 6582), and is sent again as the pipe of RFC 6675 has room; and what a timeout
// does (RFC 5681 §3.1, RFC 6298 §5).

import type { TcpTimestamps } from '../../wire/tcp.ts';
import { output, retransmit } from './output.ts';
import { ProportionalRate } from './proportional-rate.ts';
import { Repetitions } from './repetitions.ts';
import { type Delivery, segmentLength } from './sent-queue.ts';
import { seqAdd, seqAfter, seqAtOrAfter } from './sequence.ts';
import type { Tcb } from './tcb.ts';

/** Duplicate ACKs that mean loss, without SACK (RFC 5681 §3.2). */
const DUP_THRESH = 3;
/** ms that the reordering timer goes off late: what comes within them tells more surely than a timer, as Linux. */
const REORDERING_SLACK = 2;

/** What recovery must know of an acknowledgment. */
export interface AcknowledgmentEvent {
  readonly delivery: Delivery;
  /** Whether it is a duplicate as RFC 5681 §2 has it. */
  readonly repeated: boolean;
  /** Whether it has SACK blocks. */
  readonly selective: boolean;
  readonly timestamps: TcpTimestamps | undefined;
  /** Whether it tells of congestion that the network marked (RFC 3168). */
  readonly congested: boolean;
}

/** Finds losses, begins and ends recovery, lets the congestion window grow. `una` has moved already. */
export function acknowledged(tcb: Tcb, event: AcknowledgmentEvent): void {
  const { delivery, repeated, selective, congested } = event;
  const before = tcb.recovery;
  if (wasNeedless(tcb, event)) undo(tcb);
  if (tcb.recovery !== 'none' && seqAtOrAfter(tcb.una, tcb.recoveryPoint)) leave(tcb);
  if (tcb.probe.repairedLoss(tcb.una, delivery, repeated && !selective))
    reduce(tcb, tcb.flightSize + delivery.acknowledged);
  const delivered = tcb.sackPermitted ? delivery.delivered : deliveredByCount(tcb, delivery, repeated);
  const lost = tcb.sackPermitted ? findLost(tcb) : findLostByCount(tcb);

  if (lost && tcb.recovery === 'none') enterFast(tcb, delivered);
  else if (congested && tcb.recovery === 'none') slowDown(tcb);
  if (tcb.recovery === 'fast') {
    const safe = delivery.acknowledged > 0 && !lost;
    tcb.rate?.delivered(delivered, tcb.inFlight, tcb.mss, safe);
    if (delivery.acknowledged > 0 && !tcb.sackPermitted) sendNextHole(tcb);
    // What ends fast recovery leaves the window at ssthresh (RFC 6582 §3.2, step 3).
  } else if (delivery.acknowledged > 0 && before !== 'fast' && !congested) grow(tcb, delivered);
  if (tcb.recovery === 'none') forgetPast(tcb);
}

/** Old numbers are so far behind at some time that comparing them means nothing. */
function forgetPast(tcb: Tcb): void {
  if (seqAfter(tcb.una, tcb.recoveryPoint)) tcb.recoveryPoint = seqAdd(tcb.una, -1);
  if (tcb.repetitions?.isOver(tcb.una)) tcb.repetitions = undefined;
}

/** The reordering timer went off: what has not arrived by now is lost (RFC 8985 §6.2, step 5). */
export function reorderingEnds(tcb: Tcb): void {
  if (!findLost(tcb)) return;
  if (tcb.recovery === 'none') enterFast(tcb, 0);
  output(tcb);
}

/** The retransmission timer went off with data outstanding. The first segment is sent at once. */
export function timedOut(tcb: Tcb): void {
  const { sent, context, congestion } = tcb;
  context.counters.add('tcp.retransmission-timeout');
  const again = tcb.recovery === 'timeout' && (sent.head?.transmissions ?? 1) > 1;
  // The receiver's window being shut is no congestion.
  if (tcb.window > 0) {
    congestion.timedOut(tcb.flightSize, again);
    tcb.ecn?.reduced();
  }
  // SACKs are kept, unless the first segment has one: a receiver that had it would have acknowledged it.
  if (sent.head?.state === 'sacked') sent.forgetSacks();
  if (tcb.sackPermitted) tcb.rack.timedOut(sent, context.clock.now(), tcb.roundTrip);
  else sent.markAllLost();
  if (!again) tcb.repetitions = new Repetitions();
  tcb.recovery = 'timeout';
  tcb.recoveryPoint = tcb.nxt;
  startAfresh(tcb);
  const { head } = sent;
  if (!head) return;
  retransmit(tcb, head);
  // To a closed window it was but a probe, which the receiver has no room for.
  if (tcb.window === 0) sent.markLost(head);
}

/** The path takes smaller segments: what is too long goes again at once, and it is no sign of congestion (RFC 1191 §6.5). */
export function resendSmaller(tcb: Tcb): void {
  for (const train of tcb.sent.trains) if (segmentLength(train) > tcb.mss) tcb.sent.markLost(train);
  output(tcb);
}

/** By RACK; whether anything was lost. What may yet be reordered is looked at again in time. */
function findLost(tcb: Tcb): boolean {
  const { rack, sent, context, roundTrip } = tcb;
  const { lost, wait } = rack.detect(sent, context.clock.now(), tcb.recovery !== 'none', roundTrip);
  if (wait > 0) tcb.reordering.set(wait + REORDERING_SLACK);
  else tcb.reordering.clear();
  return lost;
}

/**
 * Without SACK: whether so many duplicate ACKs came that the first segment is lost. Those for what an earlier
 * recovery had repeated mean nothing (RFC 6582 §3.2, step 1).
 */
function findLostByCount(tcb: Tcb): boolean {
  if (tcb.sent.empty || tcb.recovery !== 'none') return false;
  if (tcb.duplicateAcks < DUP_THRESH || !seqAfter(tcb.una, tcb.recoveryPoint)) return false;
  const first = tcb.sent.cutFirst();
  if (first) tcb.sent.markLost(first);
  return first !== undefined;
}

/** Without SACK each duplicate ACK tells that one segment has arrived, and the next ACK which they were (RFC 9937 §6). */
function deliveredByCount(tcb: Tcb, { acknowledged: bytes }: Delivery, repeated: boolean): number {
  if (bytes > 0) {
    const known = Math.min(tcb.departed, Math.max(bytes - tcb.mss, 0));
    tcb.departed = tcb.recovery === 'fast' ? tcb.departed - known : 0;
    tcb.duplicateAcks = 0;
    return bytes - known;
  }
  if (!repeated || tcb.recovery === 'timeout') return 0;
  tcb.duplicateAcks++;
  // Before recovery they let two new segments go (limited transmit, RFC 3042), and the third begins it.
  const most = tcb.recovery === 'fast' ? tcb.sent.inFlight : DUP_THRESH * tcb.mss;
  const departed = Math.min(tcb.departed + tcb.mss, most);
  const delivered = departed - tcb.departed;
  tcb.departed = departed;
  return delivered;
}

/** As for a loss, but nothing was lost (RFC 3168 §6.1.2). */
function slowDown(tcb: Tcb): void {
  if (!tcb.ecn?.asksForReduction(tcb.una, tcb.nxt)) return;
  reduce(tcb, tcb.flightSize);
  tcb.repetitions = undefined;
  tcb.context.counters.add('tcp.congestion-marked');
}

function reduce(tcb: Tcb, flightSize: number): void {
  tcb.congestion.lost(flightSize);
  tcb.ecn?.reduced();
}

function enterFast(tcb: Tcb, delivered: number): void {
  const { sent, congestion } = tcb;
  // RecoverFS: what had arrived out of order before is not counted, what this ACK told of is.
  const flight = tcb.flightSize - sent.sacked - tcb.departed + delivered;
  reduce(tcb, tcb.flightSize);
  startAfresh(tcb);
  tcb.recovery = 'fast';
  tcb.recoveryPoint = tcb.nxt;
  tcb.rate = new ProportionalRate(congestion.threshold, flight, tcb.inFlight, tcb.mss);
  tcb.repetitions = new Repetitions();
  tcb.context.counters.add('tcp.fast-recovery');
}

/** A partial ACK without SACK: the segment after it is lost too, and is sent at once (RFC 6582 §3.2, step 5). */
function sendNextHole(tcb: Tcb): void {
  const first = tcb.sent.cutFirst();
  if (!first) return;
  tcb.sent.markLost(first);
  retransmit(tcb, first);
}

function leave(tcb: Tcb): void {
  tcb.recovery = 'none';
  tcb.rate = undefined;
  tcb.repetitions?.recoveryEnds(tcb.nxt);
  tcb.duplicateAcks = tcb.departed = 0;
  tcb.rack.recoveryEnds();
}

/** Recovery begins: what was waited for and counted until now is of no interest. */
function startAfresh(tcb: Tcb): void {
  tcb.rate = undefined;
  tcb.probe.forget();
  tcb.tailProbe.clear();
  tcb.duplicateAcks = 0;
  if (tcb.recovery === 'timeout') tcb.departed = 0;
}

/** Whether an acknowledgment shows that what was sent again had not been lost. */
function wasNeedless(tcb: Tcb, { delivery, timestamps }: AcknowledgmentEvent): boolean {
  const { repetitions } = tcb;
  if (!repetitions) return false;
  if (delivery.duplicate && repetitions.allArrivedTwice(delivery.duplicate)) return true;
  if (delivery.acknowledged === 0 || tcb.recovery === 'none' || !timestamps) return false;
  return repetitions.answersOriginal(seqAdd(tcb.una, -delivery.acknowledged), timestamps.echo);
}

/** Everything is as if nothing had been taken for lost (RFC 4015, RFC 9438 §4.9). */
function undo(tcb: Tcb): void {
  tcb.context.counters.add('tcp.spurious-recovery');
  tcb.congestion.undo();
  tcb.repetitions = undefined;
  tcb.roundTrip.resetBackoff();
  if (tcb.recovery === 'none') return;
  tcb.sent.markNoneLost();
  leave(tcb);
}

/**
 * Only a sender that the window held back learns that there is room for more (RFC 9438 §5.8); in slow start one
 * that used half of it does, as its window is then found right (RFC 7661 §4.2).
 */
function grow(tcb: Tcb, bytes: number): void {
  const { congestion, context } = tcb;
  const isUsed = congestion.window < congestion.threshold && congestion.window < 2 * tcb.largestFlight;
  if (!tcb.congestionLimited && !isUsed) return;
  const { clock } = context;
  congestion.acknowledged(bytes, clock.now(), tcb.roundTrip.smoothed ?? 0);
}
