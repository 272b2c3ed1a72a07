// ICMP errors about a connection's segments (RFC 1122 §4.2.3.9, RFC 5927, RFC 1191).

import { TCP_HEADER_LENGTH, TCP_TIMESTAMPS_LENGTH } from '../../wire/tcp.ts';
import type { ReceivedError } from '../network-layer.ts';
import { fitToPath, NETWORK_HEADER_LENGTH } from './handshake.ts';
import { resendSmaller } from './recovery.ts';
import { seqAtOrAfter, seqBefore, seqMax } from './sequence.ts';
import type { Tcb } from './tcb.ts';
import { fail } from './transitions.ts';

const PROTOCOL_UNREACHABLE = 2;
const PORT_UNREACHABLE = 3;
/** Codes of "destination unreachable" that speak of the network rather than of the host. */
const NETWORK_CODES: ReadonlySet<number> = new Set([0, 6, 9, 11]);

/** What a path's MTU usually is, for routers that don't say (RFC 1191 §7.1). */
const PLATEAUS = [32_000, 17_914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68];
/** Every IPv4 path takes so much (RFC 791). */
const SMALLEST_MTU = 68;

/** @param sequence the number in the segment that the error quotes */
export function icmpErrorArrives(tcb: Tcb, error: ReceivedError, sequence: number): void {
  // One about what is not in flight is late or forged (RFC 5927 §4.1).
  const inFlight = seqAtOrAfter(sequence, tcb.una) && seqBefore(sequence, seqMax(tcb.nxt, tcb.probed));
  if (!inFlight || tcb.over) return tcb.context.counters.add('tcp.icmp-not-in-flight');
  if (error.kind === 'too-big') shrink(tcb, error.mtu);
  else if (tcb.state === 'SYN-SENT') unreachable(tcb, error);
}

/** A port or protocol that is not there ends a connect; all else may pass, and is remembered until it is given up. */
function unreachable(tcb: Tcb, { kind, code }: ReceivedError): void {
  if (kind === 'unreachable' && code === PORT_UNREACHABLE) fail(tcb, 'ECONNREFUSED');
  else if (kind === 'unreachable' && code === PROTOCOL_UNREACHABLE) fail(tcb, 'ENOPROTOOPT');
  else if (kind === 'unreachable') tcb.softError = NETWORK_CODES.has(code) ? 'ENETUNREACH' : 'EHOSTUNREACH';
  else if (kind === 'time-exceeded') tcb.softError = 'EHOSTUNREACH';
}

function shrink(tcb: Tcb, reported: number): void {
  const headers = NETWORK_HEADER_LENGTH + TCP_HEADER_LENGTH + (tcb.timestamps ? TCP_TIMESTAMPS_LENGTH : 0);
  const current = tcb.mss + headers;
  const mtu = reported === 0 ? (PLATEAUS.find((plateau) => plateau < current) ?? SMALLEST_MTU) : reported;
  if (mtu < SMALLEST_MTU || mtu >= current) return tcb.context.counters.add('tcp.icmp-mtu-ignored');
  tcb.context.network.learnMtu(tcb.remote.address, mtu);
  const before = tcb.mss;
  fitToPath(tcb);
  if (tcb.mss < before) resendSmaller(tcb);
}
