// Which acknowledgments our TCP owes for what the script sent it, and which of them may wait, be sent
// together or be sent beyond what a script lists: a delayed ACK is every system's own choice, within 0.5 s and
// with every second full segment acknowledged at once (RFC 9293 §3.8.6.3, RFC 5681 §4.2).

import {
  seqAdd,
  seqAfter,
  seqAtOrAfter,
  seqAtOrBefore,
  seqBefore,
  seqMax,
  seqMin,
} from '../../../shared/stack/tcp/sequence.ts';
import { TCP_ACK, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN } from '../../../shared/wire/tcp.ts';
import type { TcpSpec } from '../language/script.ts';
import type { SeenTcp } from '../packets/seen.ts';

/** µs that an acknowledgment may wait at most (RFC 9293 §3.8.6.3, MUST-58). */
export const LONGEST_DELAY = 500_000;

/** Sequence numbers from `start` up to, not including, `end`. */
export interface Range {
  start: number;
  end: number;
}

/** An acknowledgment that a script lists and that had not come by then. */
export interface OwedAck {
  readonly line: number;
  readonly acknowledgment: number;
  /** µs since the script began. */
  readonly deadline: number;
}

/** Of one connection, in the script's numbers. */
export class Acknowledgments {
  /** What comes next in order: our RCV.NXT, if all that the script sent is taken. */
  #next = 1;
  #beyond: Range[] = [];
  /** The highest number that we have acknowledged. */
  #sent = 1;
  /** The same, in the segments that the script has looked at. */
  #acknowledged = 1;
  /** When the oldest data that is not acknowledged came, µs. */
  #since = 0;
  /** Bytes of the largest segment that came. */
  #largest = 1;
  /** Whether something came that must be acknowledged at once. */
  #urgent = false;
  /** Where segments that came end: what can be acknowledged. */
  readonly #ends = new Set<number>();
  /** Whether something came, and whether something was read, since the script last looked at an acknowledgment. */
  #heard = false;
  #read = false;
  #window = 0;
  #owed: OwedAck[] = [];
  /** The part of the latest segment that had come before. */
  #duplicate: Range | undefined;

  /** The script sends a segment at `at` µs. */
  inbound({ flags, sequence }: TcpSpec, at: number): void {
    this.#heard = true;
    if (flags & (TCP_SYN | TCP_RST)) return;
    const { start, length } = sequence;
    const fin = (flags & TCP_FIN) !== 0;
    const end = seqAdd(start, length + (fin ? 1 : 0));
    if (end === start) return;
    this.#ends.add(end);
    this.#largest = Math.max(this.#largest, length);
    this.#duplicate = this.#repeatedPart(start, end);
    const inOrder = seqAtOrBefore(start, this.#next) && seqAfter(end, this.#next);
    if (!inOrder || this.#beyond.length > 0 || fin) this.#urgent = true;
    if (this.#next === this.#sent) this.#since = at;
    this.#take({ start, end });
    if (((this.#next - this.#sent) | 0) >= 2 * this.#largest) this.#urgent = true;
  }

  /** The script read what came. */
  read(): void {
    this.#read = true;
  }

  /** We sent a segment. */
  sent({ flags, acknowledgment }: SeenTcp): void {
    if (!(flags & TCP_ACK) || flags & TCP_RST) return;
    this.#sent = seqMax(this.#sent, acknowledgment);
    if (seqAtOrAfter(acknowledgment, this.#next)) this.#urgent = false;
  }

  /** The script has looked at a segment that we sent. */
  seen({ flags, acknowledgment, window }: SeenTcp): void {
    if (!(flags & TCP_ACK) || flags & TCP_RST) return;
    this.#acknowledged = seqMax(this.#acknowledged, acknowledgment);
    this.#window = window;
    this.#heard = this.#read = false;
    this.#owed = this.#owed.filter((owed) => seqAfter(owed.acknowledgment, acknowledgment));
  }

  /** Whether the script expects a bare acknowledgment of new data in order, which may wait. */
  mayWait(spec: TcpSpec): boolean {
    return (
      isBareSpec(spec) &&
      !this.#urgent &&
      spec.window !== 0 &&
      this.#ends.has(spec.acknowledgment) &&
      seqAfter(spec.acknowledgment, this.#acknowledged) &&
      seqAtOrBefore(spec.acknowledgment, this.#next)
    );
  }

  /** Whether a SACK block tells truly that the latest segment had come before (RFC 2883 §4). */
  isDuplicate({ start, end }: Range): boolean {
    return this.#duplicate?.start === start && this.#duplicate.end === end;
  }

  /** From when on it may come: as soon as there is something to acknowledge. µs; undefined: when the script says. */
  earliest(spec: TcpSpec): number | undefined {
    const isNew = isBareSpec(spec) && seqAfter(spec.acknowledgment, this.#acknowledged);
    return isNew ? this.#since : undefined;
  }

  /** The script tells of a window that opened, which need not be told of at that time (RFC 9293 §3.8.6.2.2). */
  isWindowUpdate(spec: TcpSpec): boolean {
    const told = !this.#heard && this.#read && spec.acknowledgment === this.#acknowledged;
    return isBareSpec(spec) && told && spec.window !== 0;
  }

  owe(line: number, { acknowledgment }: TcpSpec, now: number): void {
    const deadline = Math.max(this.#since + LONGEST_DELAY, now);
    this.#owed.push({ line, acknowledgment, deadline });
  }

  get owed(): readonly OwedAck[] {
    return this.#owed;
  }

  /**
   * Whether a segment that the script does not list may be sent all the same: it acknowledges new data in
   * order, or tells of a window that opened.
   *
   * @param spec what the script lists, and would be left without
   */
  mayBeSent(seen: SeenTcp, spec: TcpSpec): boolean {
    if (isBareSpec(spec) && seqAtOrAfter(seen.acknowledgment, spec.acknowledgment)) return false;
    return this.isOwnChoice(seen);
  }

  /** Whether it is ours to say when, or whether, a segment is sent: as `mayBeSent`, whatever is expected. */
  isOwnChoice(seen: SeenTcp): boolean {
    const bare = seen.length === 0 && (seen.flags & ~TCP_PSH) === TCP_ACK;
    if (!bare || seen.options.some(({ kind }) => kind === 'sack')) return false;
    const { acknowledgment, window } = seen;
    if (seqAfter(acknowledgment, this.#acknowledged)) return seqAtOrBefore(acknowledgment, this.#next);
    return acknowledgment === this.#acknowledged && !this.#heard && window > this.#window;
  }

  /** The first part of [start, end) that had come before. */
  #repeatedPart(start: number, end: number): Range | undefined {
    if (seqBefore(start, this.#next)) return { start, end: seqMin(end, this.#next) };
    const known = this.#beyond.find((range) => seqBefore(range.start, end) && seqAfter(range.end, start));
    return known && { start: seqMax(start, known.start), end: seqMin(end, known.end) };
  }

  #take(range: Range): void {
    const ranges = [...this.#beyond, range].sort((a, b) => (seqBefore(a.start, b.start) ? -1 : 1));
    this.#beyond = [];
    for (const each of ranges) {
      if (seqAtOrBefore(each.start, this.#next)) this.#next = seqMax(this.#next, each.end);
      else this.#beyond.push(each);
    }
  }
}

function isBareSpec({ flags, sequence, options }: TcpSpec): boolean {
  const tellsOfGaps = options !== 'any' && options.some(({ kind }) => kind === 'sack');
  return flags === TCP_ACK && sequence.length === 0 && !tellsOfGaps;
}
