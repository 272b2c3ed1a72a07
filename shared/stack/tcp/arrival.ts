// A segment arrives on a connection that has had its SYN: the checks of RFC 9293 §3.10.7.4 in their order,
// with what RFC 5961 and RFC 7323 add.

import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN, type TcpSegment } from '../../wire/tcp.ts';
import { takeAcknowledgment, takeWindow } from './acknowledgment.ts';
import { sendAck, sendChallengeAck } from './emit.ts';
import { output } from './output.ts';
import { resetFor } from './reset.ts';
import { seqAdd, seqAtOrAfter, seqAtOrBefore, seqBefore, seqMax, seqWithin } from './sequence.ts';
import { arriveInSynSent, measureHandshake, takeSynWindow } from './syn-sent.ts';
import type { Tcb } from './tcb.ts';
import { complete, establish, fail, finish, forsake, setState, tellClosed, timeWait } from './transitions.ts';

/**
 * Bytes of a stream that are acknowledged before all has been read, so that its sender does not stand still: as many
 * as a message of a cable carries.
 */
const MOST_UNACKNOWLEDGED = 256 * 1024;

/**
 * What leaves in answer to the segment may wait until all has been read: `batchEnds` sees to it.
 * @param marked whether the network met congestion (RFC 3168)
 */
export function segmentArrives(tcb: Tcb, segment: TcpSegment, marked = false): void {
  if (tcb.state === 'SYN-SENT') {
    arriveInSynSent(tcb, segment);
    if (tcb.synchronized) textArrives(tcb, withoutSyn(segment));
  } else if (isCrossedAnswer(tcb, segment)) synAnswered(tcb, segment);
  else if (passesTimestamps(tcb, segment) && passesSequence(tcb, segment)) {
    if (segment.payload.length > 0) tcb.ecn?.arrived(segment.flags, marked);
    arriveInWindow(tcb, segment);
  }
}

/** What is left of a SYN,ACK for the sixth step and those after it (RFC 9293 §3.10.7.3). */
function withoutSyn(segment: TcpSegment): TcpSegment {
  return { ...segment, sequence: seqAdd(segment.sequence, 1), flags: segment.flags & ~TCP_SYN };
}

/** SYNs have crossed, and this answers ours: as an ACK does, for its SYN has come before (RFC 9293 §3.5, figure 7). */
function isCrossedAnswer(tcb: Tcb, { flags, sequence, acknowledgment }: TcpSegment): boolean {
  const isAnswer = (flags & (TCP_SYN | TCP_ACK | TCP_RST)) === (TCP_SYN | TCP_ACK);
  if (tcb.state !== 'SYN-RECEIVED' || !isAnswer) return false;
  return seqAdd(sequence, 1) === tcb.receive.next && acknowledgment === tcb.nxt;
}

function synAnswered(tcb: Tcb, segment: TcpSegment): void {
  takeSynWindow(tcb, segment, segment.acknowledgment);
  handshakeEnds(tcb, segment);
  heard(tcb);
  textArrives(tcb, withoutSyn(segment));
}

function arriveInWindow(tcb: Tcb, segment: TcpSegment): void {
  if (segment.flags & TCP_RST) return resetArrives(tcb, segment);
  if (!(segment.flags & TCP_ACK)) return tcb.context.counters.add('tcp.no-ack');
  if (!acknowledgmentArrives(tcb, segment)) return;
  heard(tcb);
  textArrives(tcb, segment);
}

/** PAWS, before all other checks (RFC 7323 §5.3). */
function passesTimestamps(tcb: Tcb, segment: TcpSegment): boolean {
  if (!tcb.timestamps || segment.flags & TCP_RST) return true;
  const { timestamps } = segment.options;
  if (!timestamps) {
    // Once agreed, a segment without them is not the peer's (RFC 7323 §3.2).
    tcb.context.counters.add('tcp.no-timestamp');
    return false;
  }
  if (tcb.timestamps.isOld(timestamps.value)) {
    tcb.context.counters.add('tcp.old-timestamp');
    answerUnacceptable(tcb, segment);
    return false;
  }
  return true;
}

/** First check: the sequence number; and a SYN, which is challenged wherever it stands (RFC 5961 §4). */
function passesSequence(tcb: Tcb, segment: TcpSegment): boolean {
  if (!isAcceptable(tcb, segment)) {
    tcb.context.counters.add('tcp.out-of-window');
    if (!(segment.flags & TCP_RST)) answerUnacceptable(tcb, segment);
    return false;
  }
  if (segment.flags & TCP_SYN && !(segment.flags & TCP_RST)) {
    sendChallengeAck(tcb);
    return false;
  }
  return true;
}

/**
 * The four cases of RFC 9293 §3.10.7.4, by overlap. To a closed window a segment that begins right is let
 * through for its ACK (§3.10.7.4, "special allowance"): its text does not fit and stays out.
 */
function isAcceptable(tcb: Tcb, segment: TcpSegment): boolean {
  const { next, window } = tcb.receive;
  const { sequence } = segment;
  if (sequence === next) return true;
  const length = segmentLength(segment);
  if (seqWithin(sequence, next, window)) return true;
  return length > 0 && seqBefore(sequence, next) && seqWithin(seqAdd(sequence, length - 1), next, window);
}

/** SEG.LEN: SYN and FIN count. */
function segmentLength({ payload, flags }: TcpSegment): number {
  return payload.length + (flags & TCP_SYN ? 1 : 0) + (flags & TCP_FIN ? 1 : 0);
}

/**
 * An acknowledgment, for a peer whose own were lost. One that carries nothing is rationed, or two ends that
 * disagree would answer each other for ever.
 */
function answerUnacceptable(tcb: Tcb, segment: TcpSegment): void {
  const length = segmentLength(segment);
  const end = seqAdd(segment.sequence, segment.payload.length);
  if (segment.payload.length > 0 && seqAtOrBefore(end, tcb.receive.next))
    tcb.receive.noticeDuplicate(segment.sequence, end);
  if (length === 0 || segment.flags & TCP_SYN) sendChallengeAck(tcb);
  else sendAck(tcb);
}

/** Second check: only the very next number proves that the peer means it (RFC 5961 §3). */
function resetArrives(tcb: Tcb, segment: TcpSegment): void {
  if (segment.sequence !== tcb.receive.next) return sendChallengeAck(tcb);
  if (tcb.state === 'SYN-RECEIVED') return fail(tcb, 'ECONNREFUSED');
  const dataLeft = tcb.sendBuffer.length > 0;
  if ((tcb.state === 'CLOSING' || tcb.state === 'LAST-ACK') && !dataLeft) return finish(tcb);
  fail(tcb, 'ECONNRESET');
}

/** Fifth check; whether the rest of the segment counts. */
function acknowledgmentArrives(tcb: Tcb, segment: TcpSegment): boolean {
  const { acknowledgment } = segment;
  const highest = seqMax(tcb.nxt, tcb.probed);
  if (tcb.state === 'SYN-RECEIVED') {
    if (acknowledgment !== tcb.nxt) {
      resetFor(tcb.context, tcb.local, tcb.remote, segment);
      return false;
    }
    tcb.una = acknowledgment;
    tcb.windowUpdateSequence = segment.sequence;
    tcb.windowUpdateAck = acknowledgment;
    takeWindow(tcb, segment);
    handshakeEnds(tcb, segment);
  }
  // RFC 5961 §5.2: neither what was never sent, nor what is older than any window there was.
  const oldest = seqAdd(tcb.una, -tcb.largestWindow);
  if (!seqAtOrAfter(acknowledgment, oldest) || !seqAtOrBefore(acknowledgment, highest)) {
    sendChallengeAck(tcb);
    return false;
  }
  // Later than RFC 7323 §5.3 has it: who does not know what was sent must not be able to set it.
  const { timestamps } = segment.options;
  if (timestamps) tcb.timestamps?.update(timestamps.value, segment.sequence, tcb.lastAckSent);
  if (seqAtOrAfter(acknowledgment, tcb.una)) takeAcknowledgment(tcb, segment);
  return !tcb.finAcknowledged || finAcknowledged(tcb);
}

function handshakeEnds(tcb: Tcb, segment: TcpSegment): void {
  if (!tcb.passive) measureHandshake(tcb, segment);
  establish(tcb);
  tcb.owner.notify(tcb.passive ? 'accepted' : 'connected');
}

/** Whether the connection still takes part. */
function finAcknowledged(tcb: Tcb): boolean {
  if (tcb.state === 'FIN-WAIT-1') {
    setState(tcb, 'FIN-WAIT-2');
    if (tcb.abandoned) tcb.finWait2.set(tcb.context.settings.finWait2);
  } else if (tcb.state === 'CLOSING') {
    timeWait(tcb);
    return false;
  } else if (tcb.state === 'LAST-ACK') {
    complete(tcb);
    finish(tcb);
    return false;
  }
  return true;
}

function heard(tcb: Tcb): void {
  tcb.lastHeardAt = tcb.context.clock.now();
  if (!tcb.keepAlive) return;
  tcb.keepAlive.probes = 0;
  tcb.keepAliveAlarm.set(tcb.keepAlive.idle);
}

/** Seventh and eighth: the text and the FIN. Urgent data stays in the stream (RFC 9293 §3.8.5). */
function textArrives(tcb: Tcb, segment: TcpSegment): void {
  const { sequence, payload } = segment;
  const fin = (segment.flags & TCP_FIN) !== 0;
  if (payload.length === 0 && !fin) return;
  if (tcb.receive.finished) {
    // Nothing can come after the peer's FIN, but the FIN again.
    tcb.ackNow = true;
    return;
  }
  if (tcb.abandoned && payload.length > 0) {
    // Nobody will read it, and the peer must know (RFC 1122 §4.2.2.13).
    tcb.context.counters.add('tcp.data-after-close');
    resetFor(tcb.context, tcb.local, tcb.remote, segment);
    return forsake(tcb);
  }
  takeText(tcb, sequence, payload, fin);
}

/** Takes text and FIN into the receive buffer, acknowledges what can't wait, and tells the reader. */
function takeText(tcb: Tcb, sequence: number, payload: Uint8Array, fin: boolean): void {
  const before = tcb.receive.readable;
  const arrival = tcb.receive.take(sequence, payload, fin);
  if (arrival === 'no-memory') tcb.context.counters.add('tcp.no-memory');
  tcb.largestSegment = Math.max(tcb.largestSegment, Math.min(payload.length, tcb.ownMss));
  tcb.unackedBytes += tcb.receive.readable - before;
  if (tcb.receive.finished) {
    tcb.ackNow = true;
    finArrives(tcb);
  } else if (arrival !== 'in-order' || tcb.unackedBytes >= MOST_UNACKNOWLEDGED) sendAck(tcb);
  if (tcb.receive.readable > before || tcb.receive.finished) tcb.owner.notify('readable');
}

/** As `takeText`, of text without FIN that is just what comes next, with no gap: `bytes[from, to)`. */
export function takeNextText(tcb: Tcb, bytes: Uint8Array, from: number, to: number): void {
  const length = to - from;
  const kept = tcb.receive.takeNext(bytes, from, to);
  if (kept < length) tcb.context.counters.add('tcp.no-memory');
  tcb.largestSegment = Math.max(tcb.largestSegment, Math.min(length, tcb.ownMss));
  tcb.unackedBytes += kept;
  if (kept < length || tcb.unackedBytes >= MOST_UNACKNOWLEDGED) sendAck(tcb);
  if (kept > 0) tcb.owner.notify('readable');
}

function finArrives(tcb: Tcb): void {
  if (tcb.state === 'ESTABLISHED' || tcb.state === 'SYN-RECEIVED') setState(tcb, 'CLOSE-WAIT');
  else if (tcb.state === 'FIN-WAIT-1') setState(tcb, 'CLOSING');
  else if (tcb.state === 'FIN-WAIT-2') {
    sendAck(tcb);
    timeWait(tcb);
  }
  tellClosed(tcb);
}

/** All segments of a batch have come: what they let go out does, and one acknowledgment for them all. */
export function batchEnds(tcb: Tcb): void {
  if (tcb.over) return;
  output(tcb);
  if (tcb.ackNow || tcb.unackedBytes >= 2 * tcb.largestSegment) sendAck(tcb);
  else if (tcb.unackedBytes > 0 && tcb.delayedAck.deadline === undefined)
    tcb.delayedAck.set(tcb.context.settings.delayedAck);
}
