// What may be sent now is sent: lost segments first, then new data as the windows, Nagle's algorithm and
// the avoidance of silly windows let it (RFC 9293 §3.7.4, §3.8.6).

import { TCP_FIN, TCP_PSH } from '../../wire/tcp.ts';
import type { SendError } from '../network-layer.ts';
import { segmentRoom, sendData, sendNewData, sendTrain } from './emit.ts';
import { fitToPath } from './handshake.ts';
import { type SentTrain, segmentLength } from './sent-queue.ts';
import { seqAdd, seqAfter, seqAtOrAfter, seqAtOrBefore, seqDistance, seqMin } from './sequence.ts';
import { probeTimeout } from './tail-loss-probe.ts';
import type { Tcb } from './tcb.ts';
import { timestampNow } from './timestamps.ts';

/** ms that a corked segment waits for company at most (RFC 9293 §3.8.6.2.1: 0.1 to 1 s), as Linux. */
const LONGEST_CORK = 200;

/** Segments that are made together at most: as many as a message of a cable carries. */
const LONGEST_TRAIN = 172;

/** Bytes of the send buffer that a segment counts as at least, and segments that there may be anyway. */
const LEAST_COUNTED = 1024;
const FEWEST_SEGMENTS = 64;

/** Sends all that may go now, and sees to the timer. */
export function output(tcb: Tcb): void {
  if (!tcb.synchronized || tcb.over) return;
  restartAfterIdle(tcb);
  tcb.congestionLimited = false;
  while (sendNextLost(tcb));
  while (sendNextTrain(tcb));
  while (sendNextNew(tcb));
  awaitProgress(tcb);
  scheduleTailProbe(tcb);
}

/** Sends a segment again, the first of its train, whatever the windows say. */
export function retransmit(tcb: Tcb, segment: SentTrain): void {
  const { start } = segment;
  tcb.sent.cut(segment, 1);
  if (seqDistance(start, seqMin(segment.end, tcb.streamEnd)) > tcb.mss) tcb.sent.split(segment, tcb.mss);
  const withFin = tcb.finQueued && seqAfter(segment.end, tcb.streamEnd);
  const length = seqDistance(start, segment.end) - (withFin ? 1 : 0);
  tcb.lastDataAt = tcb.context.clock.now();
  tcb.sent.sentAgain(segment, tcb.lastDataAt);
  tcb.rate?.sent(seqDistance(start, segment.end));
  tcb.repetitions?.sent(start, segment.end, timestampNow(tcb.context.clock, tcb.timestampOffset));
  tcb.context.log.debug?.(
    'tcp.retransmit',
    {
      local: tcb.local.port,
      remote: tcb.remote.port,
      sequence: start,
      length,
      transmissions: segment.transmissions,
    },
    `TCP port ${tcb.local.port} to ${tcb.remote.port}: ${length} bytes from ${start} are sent again (${segment.transmissions} times now)`,
  );
  tcb.retransmitted++;
  tcb.context.counters.add('tcp.retransmitted');
  const error = sendData(tcb, start, length, (segment.push ? TCP_PSH : 0) | (withFin ? TCP_FIN : 0));
  if (error) notSent(tcb, segment, error);
}

/** The first lost segment, if the congestion window has room for it; whether there may be more. */
function sendNextLost(tcb: Tcb): boolean {
  const segment = tcb.sent.firstLost();
  if (!segment) return false;
  // Beyond a window that shrank nothing is sent again until it opens; the timer probes it (RFC 9293 §3.8.6).
  if (seqAtOrAfter(segment.start, seqAdd(tcb.una, tcb.window))) return false;
  const length = Math.min(segmentLength(segment), tcb.mss);
  if (tcb.inFlight > 0 && tcb.inFlight + length > tcb.congestionWindow) return false;
  retransmit(tcb, segment);
  return segment.state === 'in-flight';
}

/** Full segments of new data, as many as may go now, if they are several; whether there may be more. */
function sendNextTrain(tcb: Tcb): boolean {
  // What needs a look at each segment goes by itself.
  if (tcb.rate || tcb.ecn || tcb.receive.sackBlockCount > 0 || tcb.unsent < 2 * tcb.mss) return false;
  const length = segmentRoom(tcb);
  const usable = seqDistance(tcb.nxt, seqAdd(tcb.una, tcb.window));
  const bytes = Math.min(tcb.unsent, usable, tcb.congestionWindow - tcb.inFlight);
  // A FIN goes with the last segment.
  const whole = Math.floor(bytes / length) - (tcb.finQueued ? 1 : 0);
  const segments = Math.min(whole, LONGEST_TRAIN, mostSegments(tcb) - tcb.sent.segments);
  if (segments < 2) return false;
  const start = tcb.nxt;
  const push = length * segments === tcb.unsent ? TCP_PSH : 0;
  noteSent(tcb, length * segments, push, segments);
  const error = sendTrain(tcb, start, length, segments, push);
  if (error) lastNotSent(tcb, error);
  return !error;
}

/** One segment of new data, or the FIN; whether there may be more. */
function sendNextNew(tcb: Tcb): boolean {
  const { unsent } = tcb;
  const finWaits = tcb.finQueued && !tcb.finSent;
  if (unsent === 0 && !finWaits) return false;
  if (tcb.sent.segments >= mostSegments(tcb)) return false;
  const usable = seqDistance(tcb.nxt, seqAdd(tcb.una, tcb.window));
  const room = segmentRoom(tcb);
  const length = Math.min(unsent, usable, room);
  const fin = finWaits && length === unsent && usable > length;
  if (length <= 0 && !fin) return false;
  const short = !fin && length < room;
  if (short && !shortSegmentMayGo(tcb, length, unsent)) return false;
  if (tcb.inFlight > 0 && tcb.inFlight + length > tcb.congestionWindow) {
    tcb.congestionLimited = true;
    return false;
  }
  if (short) tcb.shortEnd = seqAdd(tcb.nxt, length);
  return sendNew(tcb, length, (length > 0 && length === unsent ? TCP_PSH : 0) | (fin ? TCP_FIN : 0));
}

/**
 * Segments that may be on their way, however small: each acknowledgment may speak of all of them, and a peer
 * that has them made tiny must not have more of them than of usual ones.
 */
function mostSegments({ context }: Tcb): number {
  return Math.max(Math.floor(context.settings.sendBuffer / LEAST_COUNTED), FEWEST_SEGMENTS);
}

/**
 * Whether a segment that is not full may go (RFC 9293 §3.8.6.2.1): if it is all there is and, by Nagle's
 * algorithm, no other such is unacknowledged; or if the window is small, at half of the largest it ever was.
 * What is unacknowledged but full does not count (Minshall, RFC 9293 appendix A.3): the end of a large write
 * need not wait for its beginning.
 */
function shortSegmentMayGo(tcb: Tcb, length: number, unsent: number): boolean {
  if (tcb.corked && !tcb.finQueued) {
    if (tcb.cork.deadline === undefined) tcb.cork.set(LONGEST_CORK);
    return false;
  }
  const another = seqAfter(tcb.shortEnd, tcb.una) && seqAtOrBefore(tcb.shortEnd, tcb.nxt);
  if (!tcb.noDelay && !tcb.finQueued && another) return false;
  return length === unsent || length >= tcb.largestWindow / 2;
}

function sendNew(tcb: Tcb, length: number, flags: number): boolean {
  const start = tcb.nxt;
  noteSent(tcb, length, flags);
  const error = sendNewData(tcb, start, length, flags);
  if (error) lastNotSent(tcb, error);
  return !error;
}

/** New data of `length` bytes, or the FIN, is about to leave. */
function noteSent(tcb: Tcb, length: number, flags: number, segments = 1): void {
  const start = tcb.nxt;
  if (tcb.sent.empty) {
    tcb.startWaiting();
    tcb.retransmission.set(tcb.roundTrip.timeout);
  }
  tcb.lastDataAt = tcb.context.clock.now();
  tcb.nxt = seqAdd(start, length + (flags & TCP_FIN ? 1 : 0));
  tcb.sent.add(start, tcb.nxt, tcb.lastDataAt, (flags & TCP_PSH) !== 0, segments);
  tcb.rate?.sent(length);
  tcb.noteFlight();
  tcb.probeDue = true;
}

/** What the network would not take counts as lost; the timer brings it again, or a smaller one at once. */
function notSent(tcb: Tcb, train: SentTrain, error: SendError): void {
  tcb.sent.markLost(train);
  if (error !== 'EMSGSIZE') return;
  const before = tcb.mss;
  fitToPath(tcb);
  if (tcb.mss < before) while (sendNextLost(tcb));
}

function lastNotSent(tcb: Tcb, error: SendError): void {
  const { last } = tcb.sent;
  if (last) notSent(tcb, last, error);
}

/** The timer runs while something is unacknowledged, or while the window holds back what waits. */
function awaitProgress(tcb: Tcb): void {
  const waits = tcb.unsent > 0 || (tcb.finQueued && !tcb.finSent);
  if (tcb.sent.empty && !waits) tcb.retransmission.clear();
  else if (tcb.retransmission.deadline === undefined) {
    if (tcb.sent.empty) tcb.startWaiting();
    tcb.retransmission.set(tcb.roundTrip.timeout);
  }
}

/**
 * One octet, or the FIN, beyond a closed window, or what a small one takes: its acknowledgment tells how
 * the window stands (RFC 9293 §3.8.6.1). SND.NXT stays, so that acknowledgments keep fitting the window.
 */
export function probeWindow(tcb: Tcb): void {
  const usable = seqDistance(tcb.nxt, seqAdd(tcb.una, tcb.window));
  if (usable > 0 && tcb.unsent > 0) {
    sendNew(tcb, Math.min(usable, tcb.unsent, segmentRoom(tcb)), TCP_PSH);
    return;
  }
  const length = Math.min(tcb.unsent, 1);
  tcb.probed = seqAdd(tcb.nxt, 1);
  tcb.context.counters.add('tcp.window-probe');
  sendData(tcb, tcb.nxt, length, length === 0 ? TCP_FIN : 0);
}

/**
 * A probe follows new data, and acknowledgments that move on, unless losses are looked for already (RFC 8985
 * §7.2). It never waits for longer than the timeout.
 */
function scheduleTailProbe(tcb: Tcb): void {
  const { sent, tailProbe, retransmission, roundTrip } = tcb;
  const wanted = tcb.sackPermitted && tcb.recovery === 'none' && tcb.window > 0 && tcb.probe.allowed;
  if (!wanted || sent.empty || sent.sacked > 0) return tailProbe.clear();
  if (!tcb.probeDue) return;
  tcb.probeDue = false;
  const timeout = probeTimeout(roundTrip.smoothed, tcb.flightSize < 2 * tcb.mss);
  const left = (retransmission.deadline ?? Number.POSITIVE_INFINITY) - tcb.context.clock.now();
  tailProbe.set(Math.min(timeout, left));
}

/** New data where there is some and the receiver takes it, or the last segment again (RFC 8985 §7.3). */
export function probeTail(tcb: Tcb): void {
  tcb.tailProbe.clear();
  if (!tcb.probe.allowed) return;
  const last = tcb.sent.cutLast();
  if (!last) return;
  tcb.context.counters.add('tcp.tail-loss-probe');
  const repeats = !sendProbeData(tcb);
  if (repeats) retransmit(tcb, last);
  tcb.probe.sent(tcb.nxt, repeats);
  tcb.probeDue = false;
  tcb.retransmission.set(tcb.roundTrip.timeout);
}

/** One new segment, beyond the congestion window; false if there is none, or the peer has no room for it. */
function sendProbeData(tcb: Tcb): boolean {
  const length = Math.min(tcb.unsent, segmentRoom(tcb));
  if (length === 0 || length > seqDistance(tcb.nxt, seqAdd(tcb.una, tcb.window))) return false;
  return sendNew(tcb, length, TCP_PSH);
}

/** After a pause the old congestion window says nothing of the path (RFC 5681 §4.1). */
function restartAfterIdle(tcb: Tcb): void {
  if (!tcb.context.settings.slowStartAfterIdle) return;
  if (!tcb.sent.empty || tcb.unsent === 0) return;
  if (tcb.context.clock.now() - tcb.lastDataAt > tcb.roundTrip.timeout) tcb.congestion.idle();
}
