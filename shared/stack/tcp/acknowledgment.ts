// An acceptable acknowledgment arrives: the fifth check of RFC 9293 §3.10.7.4, for the states in which data
// may be in flight.

import { type SackBlock, TCP_ECE, type TcpSegment } from '../../wire/tcp.ts';
import { acknowledged } from './recovery.ts';
import type { Delivery } from './sent-queue.ts';
import { seqAfter, seqAtOrBefore, seqBefore, seqDistance, seqMax } from './sequence.ts';
import type { Tcb } from './tcb.ts';

/** Share of the send buffer that is free again before a waiting writer is told. */
const WRITABLE_SHARE = 1 / 3;

const NO_BLOCKS: readonly SackBlock[] = [];

/** SND.UNA ≤ SEG.ACK ≤ SND.NXT has been checked. */
export function takeAcknowledgment(tcb: Tcb, segment: TcpSegment): void {
  const { acknowledgment } = segment;
  const windowBefore = tcb.window;
  takeWindow(tcb, segment);
  const advance = seqDistance(tcb.una, acknowledgment);
  const repeated = isRepeated(tcb, segment, windowBefore);
  const blocks = tcb.sackPermitted ? (segment.options.sack ?? NO_BLOCKS) : NO_BLOCKS;
  // While the peer says that its window is shut it is not given up (RFC 9293 §3.8.6.1).
  if (advance === 0 && tcb.window === 0) tcb.startWaiting();
  const congested = tcb.ecn !== undefined && (segment.flags & TCP_ECE) !== 0;
  if (advance === 0 && !repeated && blocks.length === 0 && !congested) return;
  const delivery = tcb.sent.deliver(acknowledgment, blocks);
  if (advance > 0) {
    measure(tcb, segment, delivery);
    advanceUna(tcb, acknowledgment);
  }
  if (tcb.sackPermitted) noteArrivals(tcb, segment, delivery);
  const { timestamps } = segment.options;
  acknowledged(tcb, { delivery, repeated, selective: blocks.length > 0, timestamps, congested });
}

/** Tells RACK which segments have arrived. */
function noteArrivals(tcb: Tcb, { options }: TcpSegment, { trains, duplicate }: Delivery): void {
  const { rack, context, roundTrip, timestamps } = tcb;
  const now = context.clock.now();
  const echo = timestamps && options.timestamps?.echo;
  for (const train of trains) {
    const sentAs = timestamps?.at(train.sentAt);
    const echoedEarlier = echo !== undefined && sentAs !== undefined && seqBefore(echo, sentAs);
    rack.delivered(train, now, echoedEarlier, roundTrip);
  }
  rack.acknowledged(tcb.una, tcb.nxt, duplicate !== undefined);
}

/** Only a segment newer than the last that set the window may set it (RFC 9293 §3.10.7.4). */
export function takeWindow(tcb: Tcb, segment: TcpSegment): void {
  const { sequence, acknowledgment } = segment;
  const newer =
    seqBefore(tcb.windowUpdateSequence, sequence) ||
    (tcb.windowUpdateSequence === sequence && seqAtOrBefore(tcb.windowUpdateAck, acknowledgment));
  if (!newer) return;
  const before = tcb.window;
  tcb.window = segment.window * (1 << tcb.windowShift);
  tcb.largestWindow = Math.max(tcb.largestWindow, tcb.window);
  tcb.windowUpdateSequence = sequence;
  tcb.windowUpdateAck = acknowledgment;
  if (before === 0 && tcb.window > 0) {
    // Opened: probing is over.
    tcb.roundTrip.resetBackoff();
    if (tcb.sent.empty) tcb.retransmission.clear();
  }
}

/** A duplicate acknowledgment as RFC 5681 §2 has it. */
function isRepeated(tcb: Tcb, segment: TcpSegment, windowBefore: number): boolean {
  return (
    segment.acknowledgment === tcb.una &&
    !tcb.sent.empty &&
    segment.payload.length === 0 &&
    tcb.window === windowBefore &&
    tcb.window > 0
  );
}

function advanceUna(tcb: Tcb, acknowledgment: number): void {
  tcb.una = acknowledgment;
  // Past SND.NXT it acknowledges a window probe.
  tcb.nxt = seqMax(tcb.nxt, acknowledgment);
  const dataEnd = seqAfter(acknowledgment, tcb.streamEnd) ? tcb.streamEnd : acknowledgment;
  const bytes = seqDistance(tcb.sendBase, dataEnd);
  if (bytes > 0) {
    tcb.sendBuffer.drop(bytes);
    tcb.sendBase = dataEnd;
  }
  tcb.probeDue = true;
  tcb.startWaiting();
  tcb.softError = undefined;
  if (tcb.sent.empty) tcb.retransmission.clear();
  else tcb.retransmission.set(tcb.roundTrip.timeout);
  tellWriter(tcb);
}

function tellWriter(tcb: Tcb): void {
  const { sendBuffer } = tcb;
  const { settings } = tcb.context;
  if (tcb.writerWaits && sendBuffer.length <= settings.sendBuffer * (1 - WRITABLE_SHARE)) {
    tcb.writerWaits = false;
    tcb.owner.notify('writable');
  }
  if (sendBuffer.length === 0 && (!tcb.finQueued || tcb.finAcknowledged)) tcb.owner.notify('drained');
}

/** Takes the round trip, and with it ends the backoff. */
function measure(tcb: Tcb, segment: TcpSegment, delivery: Delivery): void {
  const sampled = roundTrip(tcb, segment, delivery);
  if (sampled === undefined) return;
  // One sample for every second segment of a window (RFC 7323 appendix G), or for as many as this one acknowledges.
  const step = Math.max(2 * tcb.mss, delivery.acknowledged);
  const samplesPerRound = Math.max(1, Math.ceil(tcb.flightSize / step));
  tcb.roundTrip.sample(sampled, samplesPerRound);
  tcb.congestion.measured(sampled, segment.acknowledgment, tcb.nxt);
  tcb.probe.measured();
}

/**
 * What was sent once gives it with fractions of a ms. What was sent again gives none (Karn), unless a
 * timestamp tells that it was the repetition which arrived: an older one is echoed too when only the ACK was
 * lost, and would measure the timeout itself.
 */
function roundTrip(tcb: Tcb, { options }: TcpSegment, { trains }: Delivery): number | undefined {
  if (trains.length === 0) return undefined;
  let lastSentAt = Number.NEGATIVE_INFINITY;
  let lastSentAgainAt: number | undefined;
  for (const { sentAt, transmissions } of trains) {
    lastSentAt = Math.max(lastSentAt, sentAt);
    if (transmissions > 1) lastSentAgainAt = Math.max(lastSentAgainAt ?? sentAt, sentAt);
  }
  const now = tcb.context.clock.now();
  if (lastSentAgainAt === undefined) return now - lastSentAt;
  const echoed = options.timestamps && tcb.timestamps?.roundTrip(options.timestamps);
  // Timestamps count whole ms.
  return echoed !== undefined && echoed <= now - lastSentAgainAt + 1 ? echoed : undefined;
}
