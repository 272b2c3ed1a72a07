// A handshake that a listener answered: SYN-RECEIVED after a passive open (RFC 9293 §3.10.7.4). It has no
// buffers yet, as most of a flood's never become connections.

import { Alarm } from '../../core/clock.ts';
import { TCP_ACK, TCP_RST, TCP_SYN, type TcpSegment } from '../../wire/tcp.ts';
import { ChallengeLimit } from './challenge-limit.ts';
import type { TcpEndpoint, TcpSocketInfo } from './connection-api.ts';
import { endpointText, type TcpContext } from './context.ts';
import type { Occupant } from './demultiplexer.ts';
import { type Offer, ownWindowShift, sendSyn } from './handshake.ts';
import { resetFor } from './reset.ts';
import { seqAdd, seqBefore, seqWithin } from './sequence.ts';
import { timestampNow } from './timestamps.ts';
import { transmit } from './transmit.ts';

/** What of the handshake a connection goes on with. */
export interface Handshake {
  readonly local: TcpEndpoint;
  readonly remote: TcpEndpoint;
  readonly iss: number;
  readonly irs: number;
  /** What was taken of the peer's SYN. */
  readonly offered: Readonly<Offer>;
  /** ms from SYN,ACK to ACK; undefined if the SYN,ACK was repeated. */
  readonly roundTrip: number | undefined;
}

export interface HalfOpenOwner {
  readonly context: TcpContext;
  /** Back to LISTEN. */
  forget(halfOpen: HalfOpen): void;
  /** `segment` acknowledges the SYN,ACK. Whether there is room for the connection. */
  accept(handshake: Handshake, segment: TcpSegment): boolean;
}

export class HalfOpen implements Occupant {
  readonly #offset: number;
  readonly #startedAt: number;
  readonly #alarm: Alarm;
  readonly #challenges: ChallengeLimit;
  #transmissions = 0;
  #timeout: number;
  #recent: number;

  constructor(
    private readonly owner: HalfOpenOwner,
    readonly local: TcpEndpoint,
    readonly remote: TcpEndpoint,
    private readonly iss: number,
    private readonly irs: number,
    private readonly offered: Readonly<Offer>,
  ) {
    const { clock, sequences, settings } = owner.context;
    this.#offset = sequences.timestampOffset(local, remote);
    this.#recent = offered.timestamps?.value ?? 0;
    this.#startedAt = clock.now();
    this.#timeout = settings.initialRto;
    this.#alarm = new Alarm(clock, () => this.#timedOut());
    this.#challenges = new ChallengeLimit(clock);
  }

  /** Answers the SYN. */
  start(): void {
    this.owner.context.log.debug?.(
      'tcp.state',
      {
        local: endpointText(this.owner.context, this.local),
        remote: endpointText(this.owner.context, this.remote),
        from: 'LISTEN',
        to: 'SYN-RECEIVED',
      },
      `TCP port ${this.local.port}: a SYN from ${endpointText(this.owner.context, this.remote)} is answered`,
    );
    this.#sendSynAck();
    this.#alarm.set(this.#timeout);
  }

  segmentArrives(segment: TcpSegment): void {
    const { flags, sequence, acknowledgment } = segment;
    const next = seqAdd(this.irs, 1);
    if (flags & TCP_RST) return this.#resetArrives(sequence, next);
    if (flags & TCP_SYN) {
      // The same again means that our answer was lost; another is no reason to believe it (RFC 5961 §4).
      if (sequence === this.irs) this.#sendSynAck();
      else this.#challenge();
      return;
    }
    if (!this.#isAcceptable(segment, next)) return this.#challenge();
    if (!(flags & TCP_ACK)) return;
    const { context } = this.owner;
    if (acknowledgment !== seqAdd(this.iss, 1)) return resetFor(context, this.local, this.remote, segment);
    if (this.owner.accept(this.#handshake(), segment)) return;
    // As if it had been lost: the peer, or our SYN,ACK again, brings it back.
    context.counters.add('tcp.backlog-full');
  }

  /** An error says nothing of whether the peer will answer (RFC 5927): the timer decides. */
  icmpErrorArrives(): void {}

  info(): TcpSocketInfo {
    const { local, remote } = this;
    const expiresIn = (this.#alarm.deadline ?? 0) - this.owner.context.clock.now();
    const timer = { name: 'on', expiresIn: Math.max(expiresIn, 0), tries: this.#transmissions - 1 } as const;
    return { state: 'SYN-RECEIVED', local, remote, receiveQueue: 0, sendQueue: 0, details: {}, timer };
  }

  close(): void {
    this.#alarm.close();
  }

  /** RCV.WND: as it stood in the SYN,ACK, without a scale. */
  get #window(): number {
    return Math.min(this.owner.context.settings.receiveBuffer, 0xffff);
  }

  #handshake(): Handshake {
    const { local, remote, iss, irs, offered } = this;
    const elapsed = this.owner.context.clock.now() - this.#startedAt;
    return { local, remote, iss, irs, offered, roundTrip: this.#transmissions === 1 ? elapsed : undefined };
  }

  #resetArrives(sequence: number, next: number): void {
    if (sequence === next) this.owner.forget(this);
    else if (seqWithin(sequence, next, this.#window)) this.#challenge();
  }

  #isAcceptable(segment: TcpSegment, next: number): boolean {
    const { timestamps } = segment.options;
    if (this.offered.timestamps && (!timestamps || seqBefore(timestamps.value, this.#recent))) return false;
    return seqWithin(segment.sequence, next, this.#window);
  }

  #sendSynAck(): void {
    const { local, remote, iss, irs, offered } = this;
    this.#transmissions++;
    sendSyn(this.owner.context, {
      local,
      remote,
      iss,
      irs,
      offered,
      timestamp: timestampNow(this.owner.context.clock, this.#offset),
      recent: this.#recent,
    });
  }

  #challenge(): void {
    if (!this.#challenges.allow()) return;
    const { context } = this.owner;
    const value = timestampNow(context.clock, this.#offset);
    const scaled = this.offered.windowScale === undefined ? 0 : ownWindowShift(context.settings);
    transmit(context, {
      local: this.local,
      remote: this.remote,
      sequence: seqAdd(this.iss, 1),
      acknowledgment: seqAdd(this.irs, 1),
      flags: TCP_ACK,
      window: this.#window >>> scaled,
      options: this.offered.timestamps ? { timestamps: { value, echo: this.#recent } } : {},
    });
  }

  #timedOut(): void {
    const { clock, settings } = this.owner.context;
    if (clock.now() - this.#startedAt >= settings.synTimeout) return this.owner.forget(this);
    this.#timeout = Math.min(2 * this.#timeout, settings.maximumRto);
    this.#sendSynAck();
    this.#alarm.set(this.#timeout);
  }
}
