// What happens when one of a connection's timers goes off.

import { sendAck, sendKeepAlive, sendReset } from './emit.ts';
import { sendSyn } from './handshake.ts';
import { output, probeTail, probeWindow } from './output.ts';
import { reorderingEnds, timedOut } from './recovery.ts';
import { sendSynAck } from './syn-sent.ts';
import type { Tcb, TcbTimers } from './tcb.ts';
import { timestampNow } from './timestamps.ts';
import { fail, finish } from './transitions.ts';

/** Data is not given up before, lest a long backoff make one lost ACK the end. */
const FEWEST_TRIES = 5;

export const TIMERS: TcbTimers = {
  retransmission(tcb) {
    if (tcb.state === 'SYN-SENT' || tcb.state === 'SYN-RECEIVED') repeatSyn(tcb);
    // A probe that is due at the same time goes first (RFC 8985 §7.2).
    else if (tcb.tailProbe.deadline !== undefined) probeTail(tcb);
    else repeatData(tcb);
  },
  reordering: reorderingEnds,
  tailProbe: probeTail,
  delayedAck: sendAck,
  // It has waited long enough: what there is goes, and what is written next waits again.
  cork(tcb) {
    tcb.corked = false;
    output(tcb);
    tcb.corked = true;
  },
  keepAlive: probePeer,
  // Nobody owns the connection, and the peer's FIN does not come.
  finWait2: finish,
};

/** Sends the connection's SYN, for the first time or again, and waits for the answer. */
export function sendFirstSyn(tcb: Tcb): void {
  tcb.synTransmissions++;
  sendSyn(tcb.context, {
    local: tcb.local,
    remote: tcb.remote,
    iss: tcb.iss,
    ecn: tcb.context.settings.ecn === 'on' && tcb.synTransmissions === 1,
    timestamp: timestampNow(tcb.context.clock, tcb.timestampOffset),
  });
  awaitAnswer(tcb);
}

/** As long as the timeout, but not beyond the time after which it is given up. */
function awaitAnswer(tcb: Tcb): void {
  tcb.retransmission.set(Math.min(tcb.roundTrip.timeout, handshakeLeft(tcb)));
}

/** ms. */
function handshakeLeft({ context: { settings, clock }, startedAt }: Tcb): number {
  return startedAt + (settings.userTimeout || settings.synTimeout) - clock.now();
}

function repeatSyn(tcb: Tcb): void {
  if (handshakeLeft(tcb) <= 0) return fail(tcb, tcb.softError ?? 'ETIMEDOUT');
  tcb.roundTrip.backOff();
  if (tcb.state === 'SYN-SENT') return sendFirstSyn(tcb);
  tcb.synTransmissions++;
  sendSynAck(tcb);
  awaitAnswer(tcb);
}

/** Data, or a window probe where the window is shut; given up after R2 (RFC 9293 §3.8.3). */
function repeatData(tcb: Tcb): void {
  tcb.timeouts++;
  if (isGivenUp(tcb)) {
    // As BSD: should the peer be alive after all, it need not wait for what will not come.
    sendReset(tcb);
    return fail(tcb, 'ETIMEDOUT');
  }
  tcb.roundTrip.backOff();
  if (tcb.sent.empty) probeWindow(tcb);
  else timedOut(tcb);
  tcb.retransmission.set(Math.min(tcb.roundTrip.timeout, userTimeLeft(tcb)));
  output(tcb);
}

function isGivenUp(tcb: Tcb): boolean {
  const { clock, settings } = tcb.context;
  if (settings.userTimeout > 0) return userTimeLeft(tcb) <= 0;
  return clock.now() - tcb.waitingSince >= settings.dataTimeout && tcb.timeouts > FEWEST_TRIES;
}

/** ms that the user still waits, if there is a limit to it. */
function userTimeLeft({ context: { settings, clock }, waitingSince }: Tcb): number {
  if (settings.userTimeout === 0) return Number.POSITIVE_INFINITY;
  return waitingSince + settings.userTimeout - clock.now();
}

function probePeer(tcb: Tcb): void {
  const { keepAlive } = tcb;
  if (!keepAlive || !tcb.synchronized) return;
  const { settings } = tcb.context;
  // Data in flight has a timer of its own.
  if (tcb.sent.empty) {
    if (keepAlive.probes >= settings.keepAliveProbes) {
      sendReset(tcb);
      return fail(tcb, 'ETIMEDOUT');
    }
    keepAlive.probes++;
    sendKeepAlive(tcb);
  }
  tcb.keepAliveAlarm.set(settings.keepAliveInterval);
}
