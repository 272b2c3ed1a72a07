// TIME-WAIT (RFC 9293 §3.10.7.4, RFC 6191): a pair of endpoints stays taken for 2 MSL, so that segments
// that are still about can't be mistaken for a new connection's. Little is left of the old one.

import { Alarm } from '../../core/clock.ts';
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN, type TcpSegment } from '../../wire/tcp.ts';
import { ChallengeLimit } from './challenge-limit.ts';
import type { TcpEndpoint, TcpSocketInfo } from './connection-api.ts';
import type { TcpContext } from './context.ts';
import type { Occupant } from './demultiplexer.ts';
import { seqAdd, seqAfter, seqAtOrBefore, seqBefore, seqDistance, seqWithin } from './sequence.ts';
import type { Tcb } from './tcb.ts';
import type { Timestamps } from './timestamps.ts';
import { transmit } from './transmit.ts';

/** How far ahead of the old numbers a new connection starts, beyond any old window. */
const SEQUENCE_GAP = 0x10000;

export interface TimeWaitOwner {
  readonly context: TcpContext;
  /** 2 MSL start again. */
  restart(timeWait: TimeWait): void;
  /** ms until it ends by itself. */
  expiresIn(timeWait: TimeWait): number;
  /** The endpoints are free. */
  end(timeWait: TimeWait): void;
  /**
   * A SYN that can't be an old one asks for the endpoints (RFC 6191). Whether somebody listens, and takes it;
   * the new connection's numbers begin at `iss`, beyond those of the old.
   */
  reopen(timeWait: TimeWait, segment: TcpSegment, iss: number): boolean;
}

export class TimeWait implements Occupant {
  readonly local: TcpEndpoint;
  readonly remote: TcpEndpoint;
  readonly #context: TcpContext;
  readonly #sendNext: number;
  readonly #receiveNext: number;
  readonly #windowLength: number;
  readonly #windowField: number;
  readonly #timestamps: Timestamps | undefined;
  readonly #challenges: ChallengeLimit;

  constructor(
    private readonly owner: TimeWaitOwner,
    tcb: Tcb,
  ) {
    this.#context = tcb.context;
    this.local = tcb.local;
    this.remote = tcb.remote;
    this.#sendNext = tcb.nxt;
    this.#receiveNext = tcb.receive.next;
    this.#windowLength = Math.max(tcb.receive.window, 0);
    this.#windowField = tcb.receive.advertise(tcb.receiveShift, tcb.largestSegment);
    this.#timestamps = tcb.timestamps;
    this.#challenges = new ChallengeLimit(owner.context.clock);
  }

  segmentArrives(segment: TcpSegment): void {
    const { flags, sequence } = segment;
    if (flags & TCP_RST) return this.#resetArrives(sequence);
    if (flags & TCP_SYN && !(flags & TCP_ACK) && this.#isNewer(segment)) {
      if (this.owner.reopen(this, segment, seqAdd(this.#sendNext, SEQUENCE_GAP))) return;
    }
    // All that can still come is the peer's FIN again, as our ACK was lost; the rest is old.
    if (flags & TCP_FIN && this.#isRepeatedFin(segment)) {
      this.owner.restart(this);
      this.#acknowledge(segment);
    } else if (!this.#isBareAndAcceptable(segment) && this.#challenges.allow()) this.#acknowledge(segment);
  }

  /** As on any connection (RFC 5961 §3.2). */
  #resetArrives(sequence: number): void {
    if (sequence === this.#receiveNext) this.owner.end(this);
    else if (seqWithin(sequence, this.#receiveNext, this.#windowLength) && this.#challenges.allow())
      this.#acknowledge();
  }

  icmpErrorArrives(): void {}

  info(): TcpSocketInfo {
    const { local, remote } = this;
    const timer = { name: 'timewait', expiresIn: this.owner.expiresIn(this), tries: 0 } as const;
    return { state: 'TIME-WAIT', local, remote, receiveQueue: 0, sendQueue: 0, details: {}, timer };
  }

  /** RFC 6191 §2: by timestamp where both have it, else by sequence number. */
  #isNewer(segment: TcpSegment): boolean {
    const timestamps = this.owner.context.settings.timestamps ? segment.options.timestamps : undefined;
    // What of the old connection is still about has none, and is told by that.
    if (timestamps && !this.#timestamps) return true;
    if (timestamps && this.#timestamps) {
      const ahead = seqDistance(this.#timestamps.recent, timestamps.value);
      if (ahead !== 0) return ahead > 0;
    }
    return seqAfter(segment.sequence, this.#receiveNext);
  }

  #isRepeatedFin({ sequence, payload }: TcpSegment): boolean {
    return seqAdd(sequence, payload.length + 1) === this.#receiveNext;
  }

  #isBareAndAcceptable({ sequence, payload, flags, acknowledgment }: TcpSegment): boolean {
    const bare = payload.length === 0 && !(flags & (TCP_SYN | TCP_FIN));
    const inWindow =
      sequence === this.#receiveNext || seqWithin(sequence, this.#receiveNext, this.#windowLength);
    return bare && inWindow && seqAtOrBefore(acknowledgment, this.#sendNext);
  }

  #acknowledge(segment?: TcpSegment): void {
    const timestamps = segment?.options.timestamps;
    if (timestamps && this.#timestamps && !seqBefore(timestamps.value, this.#timestamps.recent))
      this.#timestamps.update(timestamps.value, this.#receiveNext, this.#receiveNext);
    transmit(this.#context, {
      local: this.local,
      remote: this.remote,
      sequence: this.#sendNext,
      acknowledgment: this.#receiveNext,
      flags: TCP_ACK,
      window: this.#windowField,
      options: { timestamps: this.#timestamps?.option() },
    });
  }
}

/** All TIME-WAITs in the order in which they end, on one timer. */
export class TimeWaitQueue {
  /** When each ends, in ms on the clock; the order is that of insertion, as all last equally long. */
  readonly #ends = new Map<TimeWait, number>();
  readonly #alarm: Alarm;

  /** @param expired frees the endpoints */
  constructor(
    private readonly context: TcpContext,
    private readonly expired: (timeWait: TimeWait) => void,
  ) {
    this.#alarm = new Alarm(context.clock, () => this.#expire());
  }

  /** Adds one, or starts its time again. At the limit the oldest makes room. */
  put(timeWait: TimeWait): void {
    const { clock, settings, counters } = this.context;
    this.#ends.delete(timeWait);
    this.#ends.set(timeWait, clock.now() + settings.timeWait);
    if (this.#ends.size > settings.timeWaitLimit) {
      counters.add('tcp.time-wait-overflow');
      for (const oldest of this.#ends.keys()) {
        this.#end(oldest);
        break;
      }
    }
    if (this.#alarm.deadline === undefined) this.#alarm.set(settings.timeWait);
  }

  /** ms until it ends by itself. */
  expiresIn(timeWait: TimeWait): number {
    return Math.max((this.#ends.get(timeWait) ?? 0) - this.context.clock.now(), 0);
  }

  delete(timeWait: TimeWait): void {
    this.#ends.delete(timeWait);
    if (this.#ends.size === 0) this.#alarm.close();
  }

  close(): void {
    this.#ends.clear();
    this.#alarm.close();
  }

  #expire(): void {
    const now = this.context.clock.now();
    for (const [timeWait, end] of this.#ends) {
      if (end - now >= 1) return this.#alarm.set(end - now);
      this.#end(timeWait);
    }
  }

  #end(timeWait: TimeWait): void {
    this.#ends.delete(timeWait);
    this.expired(timeWait);
  }
}
