// Loss recovery: fast retransmit and fast recovery by NewReno (RFC 6582), or by SACK (RFC 6675) where both
// ends have it; and what a timeout does (RFC 5681 §3.1, RFC 6298 §5).

import { output, retransmit } from './output.ts';
import type { Delivery } from './sent-queue.ts';
import { seqAtOrAfter } from './sequence.ts';
import type { Tcb } from './tcb.ts';

/** Duplicate ACKs that mean loss (RFC 5681 §3.2). */
const DUP_THRESH = 3;

/**
 * Takes in what an acknowledgment told: finds losses, begins and ends recovery, lets the congestion window
 * grow. `una` has moved already.
 */
export function acknowledged(tcb: Tcb, delivery: Delivery, duplicate: boolean): void {
  const advanced = delivery.acknowledged > 0;
  if (advanced && tcb.recovery !== 'fast') tcb.duplicateAcks = tcb.departed = 0;
  if (duplicate) {
    tcb.duplicateAcks++;
    if (!tcb.sackPermitted) tcb.departed += tcb.mss;
  }
  if (tcb.recovery !== 'none' && seqAtOrAfter(tcb.una, tcb.recoveryPoint)) leave(tcb);
  if (tcb.recovery !== 'timeout') tcb.sent.markLostBySacks(tcb.mss);

  if (tcb.recovery === 'none') {
    if (tcb.duplicateAcks >= DUP_THRESH || tcb.sent.lost > 0) enterFast(tcb);
    else if (advanced) grow(tcb, delivery.acknowledged);
  } else if (tcb.recovery === 'timeout') {
    if (advanced) grow(tcb, delivery.acknowledged);
  } else if (advanced && !tcb.sackPermitted) partial(tcb, delivery.acknowledged);
}

/** The timer went off with data outstanding: all of it counts as lost, and the first is sent at once. */
export function timedOut(tcb: Tcb): void {
  const again = tcb.recovery === 'timeout' && (tcb.sent.head?.transmissions ?? 1) > 1;
  // The receiver's window being shut is no congestion.
  if (tcb.window > 0) tcb.congestion.timedOut(tcb.flightSize, again);
  // SACKs are kept, unless the first segment has one: a receiver that had it would have acknowledged it.
  if (tcb.sent.head?.state === 'sacked') tcb.sent.forgetSacks();
  tcb.sent.markAllLost();
  tcb.recovery = 'timeout';
  tcb.recoveryPoint = tcb.nxt;
  tcb.duplicateAcks = tcb.departed = 0;
  const { head } = tcb.sent;
  if (!head) return;
  retransmit(tcb, head);
  // To a closed window it was but a probe, which the receiver has no room for.
  if (tcb.window === 0) tcb.sent.markLost(head);
}

/** The path takes smaller segments: what is too long goes again at once, and it is no sign of congestion (RFC 1191 §6.5). */
export function resendSmaller(tcb: Tcb): void {
  for (const segment of tcb.sent.segments)
    if (((segment.end - segment.start) | 0) > tcb.mss) tcb.sent.markLost(segment);
  output(tcb);
}

function enterFast(tcb: Tcb): void {
  const { head } = tcb.sent;
  if (!head) return;
  tcb.recovery = 'fast';
  tcb.recoveryPoint = tcb.nxt;
  tcb.congestion.lost(tcb.flightSize);
  tcb.context.counters.add('tcp.fast-recovery');
  if (head.state === 'in-flight') tcb.sent.markLost(head);
  // The first one goes whatever the window says (RFC 6675 §5, step 4.3; RFC 5681 §3.2, step 3).
  const first = tcb.sent.firstLost();
  if (first) retransmit(tcb, first);
}

/** A partial ACK: the segment after it is lost too, and is sent at once (RFC 6582 §3.2, step 5). */
function partial(tcb: Tcb, bytes: number): void {
  tcb.departed = Math.max(tcb.departed - Math.max(bytes - tcb.mss, 0), 0);
  const { head } = tcb.sent;
  if (!head) return;
  tcb.sent.markLost(head);
  retransmit(tcb, head);
}

function leave(tcb: Tcb): void {
  tcb.recovery = 'none';
  tcb.duplicateAcks = tcb.departed = 0;
}

/** Only a sender that the window held back learns that there is room for more (RFC 9438 §5.8). */
function grow(tcb: Tcb, bytes: number): void {
  if (!tcb.congestionLimited) return;
  const { clock } = tcb.context;
  tcb.congestion.acknowledged(bytes, clock.now(), tcb.roundTrip.smoothed ?? 0);
}
