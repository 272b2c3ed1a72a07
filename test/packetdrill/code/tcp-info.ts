// The fields of struct tcp_info that our TCP has figures for, in Linux's units: µs, and segments where Linux
// counts segments.

import type { TcpConnection, TcpState } from '../../../shared/stack/tcp/connection-api.ts';
import type { SentTrain } from '../../../shared/stack/tcp/sent-queue.ts';
import type { Tcb } from '../../../shared/stack/tcp/tcb.ts';
import { tcbOf } from '../sockets/tcb-of.ts';
import type { Value } from './python.ts';

const STATES: Readonly<Record<TcpState, number>> = {
  ESTABLISHED: 1,
  'SYN-SENT': 2,
  'SYN-RECEIVED': 3,
  'FIN-WAIT-1': 4,
  'FIN-WAIT-2': 5,
  'TIME-WAIT': 6,
  CLOSED: 7,
  'CLOSE-WAIT': 8,
  'LAST-ACK': 9,
  LISTEN: 10,
  CLOSING: 11,
};

const OPTION_TIMESTAMPS = 1;
const OPTION_SACK = 2;
const OPTION_WINDOW_SCALE = 4;
const OPTION_ECN = 8;

const CONSTANTS: Readonly<Record<string, number>> = {
  TCP_ESTABLISHED: 1,
  TCP_SYN_SENT: 2,
  TCP_SYN_RECV: 3,
  TCP_FIN_WAIT1: 4,
  TCP_FIN_WAIT2: 5,
  TCP_TIME_WAIT: 6,
  TCP_CLOSE: 7,
  TCP_CLOSE_WAIT: 8,
  TCP_LAST_ACK: 9,
  TCP_LISTEN: 10,
  TCP_CLOSING: 11,
  TCP_CA_Open: 0,
  TCP_CA_Disorder: 1,
  TCP_CA_CWR: 2,
  TCP_CA_Recovery: 3,
  TCP_CA_Loss: 4,
  TCPI_OPT_TIMESTAMPS: OPTION_TIMESTAMPS,
  TCPI_OPT_SACK: OPTION_SACK,
  TCPI_OPT_WSCALE: OPTION_WINDOW_SCALE,
  TCPI_OPT_ECN: OPTION_ECN,
};

/** ssthresh before anything was lost. */
const INFINITE = 0x7fffffff;
const IP_AND_TCP = 40;
const TIMESTAMPS_LENGTH = 12;
const REORDERING = 3;

type Field = (tcb: Tcb) => number;

const FIELDS: Readonly<Record<string, Field>> = {
  tcpi_state: ({ state }) => STATES[state],
  tcpi_ca_state: congestionState,
  tcpi_retransmits: ({ timeouts, sent }) => (sent.empty ? 0 : timeouts),
  tcpi_options: options,
  tcpi_snd_wscale: ({ windowShift }) => windowShift,
  tcpi_rcv_wscale: ({ receiveShift }) => receiveShift,
  tcpi_rto: ({ roundTrip }) => micros(roundTrip.timeout),
  tcpi_snd_mss: ({ mss }) => mss,
  tcpi_rcv_mss: ({ largestSegment }) => largestSegment,
  tcpi_advmss: ({ ownMss, timestamps }) => ownMss - (timestamps ? TIMESTAMPS_LENGTH : 0),
  tcpi_pmtu: ({ mss, timestamps }) => mss + IP_AND_TCP + (timestamps ? TIMESTAMPS_LENGTH : 0),
  tcpi_unacked: ({ sent }) => sent.segments,
  tcpi_sacked: ({ sent }) => sent.sackedSegments,
  tcpi_lost: ({ sent }) => count(sent.trains.filter(({ state }) => state === 'lost')),
  tcpi_retrans: ({ sent }) =>
    count(sent.trains.filter(({ state, transmissions }) => state === 'in-flight' && transmissions > 1)),
  tcpi_rtt: ({ roundTrip }) => micros(roundTrip.smoothed ?? 0),
  tcpi_rttvar: ({ roundTrip }) => micros(roundTrip.variation),
  tcpi_min_rtt: ({ roundTrip }) => micros(roundTrip.minimum),
  tcpi_snd_ssthresh: ({ congestion, mss }) =>
    Number.isFinite(congestion.threshold) ? segments(congestion.threshold, mss) : INFINITE,
  tcpi_snd_cwnd: ({ congestion, mss }) => segments(congestion.window, mss),
  tcpi_snd_wnd: ({ window }) => window,
  tcpi_total_retrans: ({ retransmitted }) => retransmitted,
  tcpi_reordering: () => REORDERING,
  tcpi_bytes_acked: ({ written, sendBuffer }) => written - sendBuffer.length,
  tcpi_bytes_received: ({ receive }) => receive.total,
  tcpi_notsent_bytes: ({ unsent }) => unsent,
};

/** Whether code may read it. */
export function isKnownName(name: string): boolean {
  return name in FIELDS || name in CONSTANTS;
}

export function tcpInfo(connection: TcpConnection): Map<string, Value> {
  const tcb = tcbOf(connection);
  const names = new Map<string, Value>(Object.entries(CONSTANTS));
  for (const [name, field] of Object.entries(FIELDS)) names.set(name, field(tcb));
  return names;
}

function micros(ms: number): number {
  return Number.isFinite(ms) ? Math.round(ms * 1000) : 0;
}

function segments(bytes: number, mss: number): number {
  return mss > 0 ? Math.floor(bytes / mss + 1e-9) : 0;
}

function count(trains: readonly SentTrain[]): number {
  return trains.reduce((sum, train) => sum + train.segments, 0);
}

function options({ timestamps, sackPermitted, receiveShift, windowShift, ecn }: Tcb): number {
  return (
    (timestamps ? OPTION_TIMESTAMPS : 0) |
    (sackPermitted ? OPTION_SACK : 0) |
    (ecn ? OPTION_ECN : 0) |
    (receiveShift > 0 || windowShift > 0 ? OPTION_WINDOW_SCALE : 0)
  );
}

function congestionState({ recovery, duplicateAcks, sent }: Tcb): number {
  if (recovery === 'timeout') return CONSTANTS.TCP_CA_Loss!;
  if (recovery === 'fast') return CONSTANTS.TCP_CA_Recovery!;
  return duplicateAcks > 0 || sent.sacked > 0 ? CONSTANTS.TCP_CA_Disorder! : CONSTANTS.TCP_CA_Open!;
}
