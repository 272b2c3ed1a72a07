// The transmission control block (RFC 9293 §3.3.1): the state of one connection. What happens to it stands
// in the files beside: arrival (segments come), output (segments go), timers, transitions (states change).

import { Alarm } from '../../core/clock.ts';
import type { SystemError } from '../../core/errors.ts';
import { ChallengeLimit } from './challenge-limit.ts';
import type { CongestionControl } from './congestion.ts';
import type { TcpEndpoint, TcpState } from './connection-api.ts';
import type { TcpContext } from './context.ts';
import { Cubic } from './cubic.ts';
import type { Ecn } from './ecn.ts';
import { NewReno } from './new-reno.ts';
import type { ProportionalRate } from './proportional-rate.ts';
import { Rack } from './rack.ts';
import { ReceiveBuffer } from './receive-buffer.ts';
import type { Repetitions } from './repetitions.ts';
import { RingBuffer } from './ring-buffer.ts';
import { RoundTrip } from './round-trip.ts';
import { SentQueue } from './sent-queue.ts';
import { seqAdd, seqAfter, seqBefore, seqDistance } from './sequence.ts';
import type { TcpSettings } from './settings.ts';
import { TailLossProbe } from './tail-loss-probe.ts';
import type { Timestamps } from './timestamps.ts';

/** Things that a user is told after the turn, in the order in which they are told, with a bit for each. */
export const NOTICES = { accepted: 1, connected: 2, readable: 4, writable: 8, drained: 16, closed: 32 };
export type Notice = keyof typeof NOTICES;

/** What a control block needs of the connection that it is the state of. */
export interface TcbOwner {
  readonly context: TcpContext;
  /** The endpoints are free again. */
  forget(): void;
  /** All is done but for the 2 MSL in which stray segments may still come. */
  enterTimeWait(): void;
  /** Tells the user after the turn. */
  notify(notice: Notice): void;
}

export interface TcbTimers {
  retransmission(tcb: Tcb): void;
  reordering(tcb: Tcb): void;
  tailProbe(tcb: Tcb): void;
  delayedAck(tcb: Tcb): void;
  cork(tcb: Tcb): void;
  keepAlive(tcb: Tcb): void;
  finWait2(tcb: Tcb): void;
}

export interface KeepAlive {
  /** ms. */
  readonly idle: number;
  /** Probes sent since something was heard. */
  probes: number;
}

export class Tcb {
  readonly context: TcpContext;
  state: TcpState = 'CLOSED';
  /** Whether a listener took it: the user learns of it by `accept` instead of `connected`. */
  passive = false;
  /** What `closed` will say. */
  error: SystemError | undefined;
  /** Whether the user is done in both directions. */
  abandoned = false;
  /** Whether nothing more can happen but reading what is left. */
  over = false;
  /** ms on the clock when the handshake began. */
  readonly startedAt: number;

  // Sending (SND.… in the RFC).
  /** Written and not acknowledged; its first byte has the number `sendBase`. */
  readonly sendBuffer: RingBuffer;
  sendBase: number;
  una: number;
  nxt: number;
  /** One past the byte that a window probe sent ahead of `nxt`. */
  probed: number;
  window = 0;
  windowUpdateSequence = 0;
  windowUpdateAck = 0;
  largestWindow = 0;
  windowShift = 0;
  finQueued = false;
  noDelay = false;
  /** Whether only full segments go, until the user says that what waits may. */
  corked = false;
  /** Bytes that the user wrote so far. */
  written = 0;
  /** Whether `write` took less than it was given, so that `writable` is owed. */
  writerWaits = false;
  readonly sent = new SentQueue();
  readonly roundTrip: RoundTrip;
  congestion: CongestionControl;
  /** Whether the congestion window was what last held data back. */
  congestionLimited = false;
  /** FlightSize at its largest, of late: until what was then sent last is acknowledged (RFC 7661 §4.2). */
  largestFlight = 0;
  #largestFlightEnds = 0;
  /** The number after the last segment that was not full: Nagle's algorithm waits for its ACK. */
  shortEnd: number;
  /** ms on the clock. */
  lastDataAt = 0;
  /** Since when acknowledgment, or an open window, is waited for. */
  waitingSince = 0;
  /** How often the timer went off since then. */
  timeouts = 0;
  /** Segments that were sent again, ever. */
  retransmitted = 0;
  synTransmissions = 0;

  // Loss recovery (RFC 6582, RFC 6675, RFC 8985).
  recovery: 'none' | 'fast' | 'timeout' = 'none';
  /** SND.NXT when recovery began. */
  recoveryPoint: number;
  duplicateAcks = 0;
  /** Bytes that duplicate ACKs told to have left the network, where there is no SACK to say which. */
  departed = 0;
  readonly rack: Rack;
  readonly probe = new TailLossProbe();
  /** Whether something happened that a tail loss probe is to follow, if nothing else does. */
  probeDue = false;
  /** Takes the place of the congestion window during fast recovery. */
  rate: ProportionalRate | undefined;
  /** What the latest recovery sent again, as long as it may prove to have been needless. */
  repetitions: Repetitions | undefined;

  // Receiving (RCV.… in the RFC).
  receive: ReceiveBuffer;
  receiveShift = 0;
  lastAckSent = 0;
  /** An acknowledgment is due now, at the latest at the end of the batch. */
  ackNow = false;
  /** Bytes that came in order since the last acknowledgment. */
  unackedBytes = 0;
  /** The largest segment that came: what the peer takes for a full one. */
  largestSegment = 536;
  lastHeardAt = 0;

  // What the handshake agreed on.
  /** Bytes of data in a full segment, options other than SACK taken off. */
  mss = 536;
  /** What was announced to the peer. */
  ownMss = 536;
  /** The peer's MSS option, 536 without (RFC 9293 §3.7.1). */
  peerMss = 536;
  sackPermitted = false;
  ecn: Ecn | undefined;
  timestamps: Timestamps | undefined;
  readonly timestampOffset: number;

  readonly retransmission: Alarm;
  readonly reordering: Alarm;
  readonly tailProbe: Alarm;
  readonly delayedAck: Alarm;
  /** Until when a corked segment waits. */
  readonly cork: Alarm;
  readonly keepAliveAlarm: Alarm;
  readonly finWait2: Alarm;
  keepAlive: KeepAlive | undefined;
  readonly challenges: ChallengeLimit;
  /** The latest ICMP unreachable while connecting (RFC 1122 §4.2.3.9), for when it is given up. */
  softError: string | undefined;

  constructor(
    readonly owner: TcbOwner,
    readonly local: TcpEndpoint,
    readonly remote: TcpEndpoint,
    readonly iss: number,
    timers: TcbTimers,
  ) {
    const { clock, settings, sequences } = owner.context;
    this.context = owner.context;
    this.startedAt = clock.now();
    this.una = this.recoveryPoint = this.shortEnd = iss;
    this.nxt = this.probed = this.sendBase = seqAdd(iss, 1);
    this.roundTrip = new RoundTrip(settings);
    this.rack = new Rack(iss);
    this.congestion = congestionControl(settings);
    this.sendBuffer = new RingBuffer(owner.context.buffers);
    this.receive = new ReceiveBuffer(0, settings.receiveBuffer, owner.context.buffers);
    this.timestampOffset = sequences.timestampOffset(local, remote);
    this.retransmission = new Alarm(clock, () => timers.retransmission(this));
    this.reordering = new Alarm(clock, () => timers.reordering(this));
    this.tailProbe = new Alarm(clock, () => timers.tailProbe(this));
    this.delayedAck = new Alarm(clock, () => timers.delayedAck(this));
    this.cork = new Alarm(clock, () => timers.cork(this));
    this.keepAliveAlarm = new Alarm(clock, () => timers.keepAlive(this));
    this.finWait2 = new Alarm(clock, () => timers.finWait2(this));
    this.challenges = new ChallengeLimit(clock);
  }

  /** Goes on with the algorithm that the settings name, from the window that there is. */
  changeCongestionControl(): void {
    const { window, threshold } = this.congestion;
    this.congestion = congestionControl(this.context.settings);
    if (window === 0) return;
    this.congestion.setMss(this.mss);
    this.congestion.window = window;
    this.congestion.threshold = threshold;
  }

  /** The peer's initial sequence number is known. */
  synchronize(irs: number): void {
    const { settings, buffers } = this.context;
    this.receive = new ReceiveBuffer(irs, settings.receiveBuffer, buffers);
    this.lastAckSent = this.receive.next;
  }

  /** The number after the last byte written: a FIN's, if there is one. */
  get streamEnd(): number {
    return seqAdd(this.sendBase, this.sendBuffer.length);
  }

  /** Bytes written and not sent yet. */
  get unsent(): number {
    return Math.max(seqDistance(this.nxt, this.streamEnd), 0);
  }

  get finSent(): boolean {
    return this.finQueued && seqAfter(this.nxt, this.streamEnd);
  }

  get finAcknowledged(): boolean {
    return this.finQueued && seqAfter(this.una, this.streamEnd);
  }

  /** FlightSize (RFC 5681 §2). */
  get flightSize(): number {
    return seqDistance(this.una, this.nxt);
  }

  /** `pipe` (RFC 6675 §2): what is taken to be in the network. */
  get inFlight(): number {
    return Math.max(this.sent.inFlight - this.departed, 0);
  }

  /** cwnd, in bytes. */
  get congestionWindow(): number {
    return this.rate?.window ?? this.congestion.window;
  }

  /** Whether numbers of both sides are agreed on (RFC 9293 §3.10.7.4). */
  get synchronized(): boolean {
    return this.state !== 'CLOSED' && this.state !== 'SYN-SENT' && this.state !== 'SYN-RECEIVED';
  }

  /** New data was sent. */
  noteFlight(): void {
    const { flightSize } = this;
    if (flightSize <= this.largestFlight && seqBefore(this.una, this.#largestFlightEnds)) return;
    this.largestFlight = flightSize;
    this.#largestFlightEnds = this.nxt;
  }

  /** Something that was waited for came, or waiting begins. */
  startWaiting(): void {
    this.waitingSince = this.context.clock.now();
    this.timeouts = 0;
  }

  closeAlarms(): void {
    this.retransmission.close();
    this.reordering.close();
    this.tailProbe.close();
    this.delayedAck.close();
    this.cork.close();
    this.keepAliveAlarm.close();
    this.finWait2.close();
  }
}

function congestionControl({ congestionControl }: TcpSettings): CongestionControl {
  return congestionControl === 'cubic' ? new Cubic() : new NewReno();
}
