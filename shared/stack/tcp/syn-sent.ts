// A segment arrives in SYN-SENT (RFC 9293 §3.10.7.3).

import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN, type TcpSegment } from '../../wire/tcp.ts';
import { sendAck } from './emit.ts';
import { agree, sendSyn, taken } from './handshake.ts';
import { resetFor } from './reset.ts';
import { seqAdd } from './sequence.ts';
import type { Tcb } from './tcb.ts';
import { timestampNow } from './timestamps.ts';
import { establish, fail, setState } from './transitions.ts';

export function arriveInSynSent(tcb: Tcb, segment: TcpSegment): void {
  const acknowledges = (segment.flags & TCP_ACK) !== 0;
  const acceptable = acknowledges && segment.acknowledgment === tcb.nxt;
  if (acknowledges && !acceptable) {
    if (!(segment.flags & TCP_RST)) resetFor(tcb.context, tcb.local, tcb.remote, segment);
    return;
  }
  if (segment.flags & TCP_RST) {
    if (acceptable) fail(tcb, 'ECONNREFUSED');
    return;
  }
  if (!(segment.flags & TCP_SYN)) return;
  const offered = taken(segment, tcb.context.settings);
  // A repeated SYN did not ask for ECN, lest it was that which nobody answered (RFC 3168 §6.1.1.1).
  agree(tcb, segment.sequence, { ...offered, ecn: offered.ecn && tcb.synTransmissions === 1 });
  if (acceptable) opened(tcb, segment);
  else crossed(tcb, segment);
}

function opened(tcb: Tcb, segment: TcpSegment): void {
  takeSynWindow(tcb, segment, segment.acknowledgment);
  measureHandshake(tcb, segment);
  tcb.lastHeardAt = tcb.context.clock.now();
  establish(tcb);
  tcb.owner.notify('connected');
  // Its text is acknowledged with it.
  if (segment.payload.length > 0 || segment.flags & TCP_FIN) tcb.ackNow = true;
  else sendAck(tcb);
}

/** Both ends sent a SYN at the same time (RFC 9293 §3.5, figure 7). */
function crossed(tcb: Tcb, segment: TcpSegment): void {
  takeSynWindow(tcb, segment, tcb.una);
  setState(tcb, 'SYN-RECEIVED');
  sendSynAck(tcb, segment.sequence);
}

export function sendSynAck(tcb: Tcb, irs = seqAdd(tcb.receive.next, -1)): void {
  sendSyn(tcb.context, {
    local: tcb.local,
    remote: tcb.remote,
    iss: tcb.iss,
    irs,
    offered: {
      sackPermitted: tcb.sackPermitted,
      timestamps: tcb.timestamps?.option(),
      windowScale: tcb.receiveShift > 0 ? tcb.receiveShift : undefined,
      ecn: tcb.ecn !== undefined,
    },
    timestamp: timestampNow(tcb.context.clock, tcb.timestampOffset),
    recent: tcb.timestamps?.recent,
  });
}

/** The window of a SYN is never scaled (RFC 7323 §2.2). */
export function takeSynWindow(tcb: Tcb, segment: TcpSegment, una: number): void {
  tcb.una = una;
  tcb.window = tcb.largestWindow = segment.window;
  tcb.windowUpdateSequence = segment.sequence;
  tcb.windowUpdateAck = una;
}

/** Our SYN was answered: what its round trip tells, unless it was sent more than once (RFC 6298 §3, RFC 6928 §2). */
export function measureHandshake(tcb: Tcb, segment: TcpSegment): void {
  const { timestamps } = segment.options;
  if (tcb.synTransmissions === 1) tcb.roundTrip.sample(tcb.context.clock.now() - tcb.startedAt);
  else {
    const echoed = timestamps && tcb.timestamps?.roundTrip(timestamps);
    if (echoed !== undefined) tcb.roundTrip.sample(echoed);
    tcb.roundTrip.synWasRepeated();
    tcb.congestion.startSmall();
  }
}
