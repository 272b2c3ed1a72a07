// How a connection's state changes, and what that sets off: the log, the timers, the user.

import { type SystemError, systemError } from '../../core/errors.ts';
import type { TcpState } from './connection-api.ts';
import { endpointText } from './context.ts';
import { sendReset } from './emit.ts';
import type { Tcb } from './tcb.ts';

export function setState(tcb: Tcb, next: TcpState): void {
  const before = tcb.state;
  tcb.state = next;
  const { context } = tcb;
  context.log.debug?.(
    'tcp.state',
    { ...endpoints(tcb), from: before, to: next },
    `TCP ${connectionText(tcb)}: ${before} to ${next}`,
  );
}

/** The handshake is done. A FIN that was asked for meanwhile goes out next. */
export function establish(tcb: Tcb): void {
  setState(tcb, 'ESTABLISHED');
  tcb.retransmission.clear();
  const rtt = Math.round((tcb.roundTrip.smoothed ?? 0) * 1000) / 1000;
  tcb.context.log.info(
    'tcp.open',
    {
      ...endpoints(tcb),
      mss: tcb.mss,
      sendScale: tcb.windowShift,
      receiveScale: tcb.receiveShift,
      sack: tcb.sackPermitted,
      timestamps: tcb.timestamps !== undefined,
      rtt,
    },
    `TCP connection ${connectionText(tcb)} is open: segments of ${tcb.mss} bytes, window scale ${tcb.receiveShift} here and ${tcb.windowShift} there, round trip ${rtt} ms`,
  );
  if (tcb.finQueued) setState(tcb, 'FIN-WAIT-1');
}

/** Both FINs were exchanged: the connection ended in order. */
export function complete(tcb: Tcb): void {
  const sent = tcb.written;
  const received = tcb.receive.total;
  tcb.context.log.info(
    'tcp.close',
    { ...endpoints(tcb), bytesSent: sent, bytesReceived: received },
    `TCP connection ${connectionText(tcb)} is closed: ${sent} bytes sent, ${received} received`,
  );
}

/** CLOSED without error, at the end of LAST-ACK or before anything was agreed on. */
export function finish(tcb: Tcb): void {
  setState(tcb, 'CLOSED');
  end(tcb);
}

export function timeWait(tcb: Tcb): void {
  setState(tcb, 'TIME-WAIT');
  complete(tcb);
  retire(tcb);
  tcb.owner.enterTimeWait();
  tellClosed(tcb);
}

/** CLOSED with an error for the user. */
export function fail(tcb: Tcb, code: string): void {
  const handshake = tcb.state === 'SYN-SENT' || tcb.state === 'SYN-RECEIVED';
  const { network } = tcb.context;
  tcb.error = handshake
    ? systemError(code, 'connect', network.format(tcb.remote.address), tcb.remote.port)
    : systemError(code, 'read');
  logFailure(tcb, tcb.error, handshake);
  setState(tcb, 'CLOSED');
  end(tcb);
}

/** Sends a RST and forgets everything (RFC 9293 §3.10.5). */
export function abort(tcb: Tcb): void {
  if (tcb.synchronized || tcb.state === 'SYN-RECEIVED') sendReset(tcb);
  forsake(tcb);
}

/** Forgets everything: the RST has gone. */
export function forsake(tcb: Tcb): void {
  tcb.context.log.info(
    'tcp.reset',
    { ...endpoints(tcb), by: 'local' },
    `TCP connection ${connectionText(tcb)} was reset from here`,
  );
  setState(tcb, 'CLOSED');
  end(tcb);
}

/**
 * Says `closed` when it is the last thing to say: with an error at once, in good order once the user has
 * read all that came, or wants no more.
 */
export function tellClosed(tcb: Tcb): void {
  if (!tcb.over) return;
  const readAll = tcb.receive.readable === 0 || tcb.abandoned;
  if (tcb.error || readAll) tcb.owner.notify('closed');
}

function end(tcb: Tcb): void {
  retire(tcb);
  tcb.owner.forget();
  tellClosed(tcb);
}

/** Nothing more is sent or waited for; what came can still be read. */
function retire(tcb: Tcb): void {
  tcb.over = true;
  tcb.closeAlarms();
  tcb.sent.clear();
  tcb.sendBuffer.release();
  if (tcb.abandoned) tcb.receive.release();
}

function logFailure(tcb: Tcb, error: SystemError, handshake: boolean): void {
  const where = connectionText(tcb);
  const fields = { ...endpoints(tcb), code: error.code };
  const { log } = tcb.context;
  if (error.code === 'ECONNREFUSED') log.info('tcp.refused', fields, `TCP connection ${where} was refused`);
  else if (error.code === 'ECONNRESET')
    log.info('tcp.reset', { ...fields, by: 'remote' }, `TCP connection ${where} was reset by the peer`);
  else
    log.info(
      'tcp.timeout',
      fields,
      `TCP connection ${where} was given up (${error.code}): no answer ${handshake ? 'to the SYN' : 'any more'}`,
    );
}

export function connectionText(tcb: Tcb): string {
  return `${endpointText(tcb.context, tcb.local)} → ${endpointText(tcb.context, tcb.remote)}`;
}

export function endpoints(tcb: Tcb): { local: string; remote: string } {
  return { local: endpointText(tcb.context, tcb.local), remote: endpointText(tcb.context, tcb.remote) };
}
