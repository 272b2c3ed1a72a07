// The timestamps of a connection (RFC 7323 §3 to §5): its own clock, and the peer's latest, by which old
// duplicates are told (PAWS).

import type { Clock } from '../../core/clock.ts';
import type { TcpTimestamps } from '../../wire/tcp.ts';
import { seqAdd, seqAfter, seqBefore, seqDistance } from './sequence.ts';

/** ms without traffic after which TS.Recent proves nothing any more (RFC 7323 §5.5). */
const RECENT_VALID = 24 * 24 * 3_600_000;

export class Timestamps {
  /** TS.Recent. */
  #recent: number;
  #recentAt: number;

  /**
   * @param offset of the timestamp clock, which ticks in ms
   * @param recent the peer's first timestamp
   */
  constructor(
    private readonly clock: Clock,
    readonly offset: number,
    recent: number,
  ) {
    this.#recent = recent;
    this.#recentAt = clock.now();
  }

  get recent(): number {
    return this.#recent;
  }

  /** The option for a segment that leaves now. */
  option(): TcpTimestamps {
    return { value: timestampNow(this.clock, this.offset), echo: this.#recent };
  }

  /** TSval of a segment that was sent at `time`, in ms on the clock. */
  at(time: number): number {
    return timestampAt(time, this.offset);
  }

  /** PAWS: whether a segment is older than what has come already (RFC 7323 §5.3, R1). */
  isOld(value: number): boolean {
    return seqBefore(value, this.#recent) && this.#proves;
  }

  /** TS.Recent moves only with a segment that covers the left edge (RFC 7323 §4.3). */
  update(value: number, sequence: number, lastAckSent: number): void {
    if (seqAfter(sequence, lastAckSent) || (seqBefore(value, this.#recent) && this.#proves)) return;
    this.#recent = value;
    this.#recentAt = this.clock.now();
  }

  /** Whether TS.Recent is no older than half the time in which timestamps wrap (RFC 7323 §5.5). */
  get #proves(): boolean {
    return this.clock.now() - this.#recentAt < RECENT_VALID;
  }

  /** ms since the segment was sent that this one echoes; undefined where it can't be. */
  roundTrip({ echo }: TcpTimestamps): number | undefined {
    const elapsed = seqDistance(echo, timestampNow(this.clock, this.offset));
    return echo !== 0 && elapsed >= 0 ? elapsed : undefined;
  }
}

export function timestampNow(clock: Clock, offset: number): number {
  return timestampAt(clock.now(), offset);
}

function timestampAt(time: number, offset: number): number {
  return seqAdd(time | 0, offset);
}
