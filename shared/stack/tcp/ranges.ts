// The parts of a stream that lie beyond a gap, and the order in which they came: what SACK blocks are made of
// (RFC 2018 §4). A peer may send them as small and as scattered as it likes.

import type { SackBlock } from '../../wire/tcp.ts';
import { seqAdd, seqAfter, seqAtOrAfter, seqAtOrBefore, seqBefore, seqMax, seqMin } from './sequence.ts';

interface Range {
  start: number;
  end: number;
}

/** Gaps that are remembered at a time; what would make more is dropped, as if lost. */
const MOST_RANGES = 1024;
/** Ranges whose order of arrival is known: more than a segment has SACK blocks, as some are soon closed. */
const MOST_RECENT = 8;

export class Ranges {
  /** In the order of the stream; none touches the next. */
  readonly #ranges: Range[] = [];
  /** Some of them, the one that came last first. */
  #recent: Range[] = [];

  get count(): number {
    return this.#ranges.length;
  }

  /** Adds [start, end), made one with what it touches; false if there are too many gaps for it. */
  add(start: number, end: number): boolean {
    const merged: Range = { start, end };
    const at = this.#firstReaching(start);
    let after = at;
    for (; after < this.#ranges.length && seqAtOrBefore(this.#ranges[after]!.start, end); after++) {
      merged.start = seqMin(merged.start, this.#ranges[after]!.start);
      merged.end = seqMax(merged.end, this.#ranges[after]!.end);
    }
    if (at === after && this.#ranges.length >= MOST_RANGES) return false;
    const gone = this.#ranges.splice(at, after - at, merged);
    this.#recent = [merged, ...this.#recent.filter((range) => !gone.includes(range))].slice(0, MOST_RECENT);
    return true;
  }

  /** The stream goes on to `next` without a gap: takes off what begins there or before, and gives where that ends. */
  reach(next: number): number {
    let end = next;
    let reached = 0;
    for (; reached < this.#ranges.length && seqAtOrBefore(this.#ranges[reached]!.start, end); reached++)
      end = seqMax(end, this.#ranges[reached]!.end);
    if (reached === 0) return end;
    this.#ranges.splice(0, reached);
    this.#recent = this.#recent.filter(({ start }) => seqAfter(start, end));
    return end;
  }

  /** The first part of [start, end) that is here; undefined if none is. */
  overlap(start: number, end: number): SackBlock | undefined {
    const known = this.#ranges[this.#firstReaching(seqAdd(start, 1))];
    if (!known || !seqBefore(known.start, end)) return undefined;
    return { start: seqMax(start, known.start), end: seqMin(end, known.end) };
  }

  /** At most `limit`, the one that came last first. */
  latest(limit: number): SackBlock[] {
    if (this.#recent.length < limit && this.#recent.length < this.#ranges.length) this.#remember();
    return this.#recent.slice(0, limit).map(({ start, end }) => ({ start, end }));
  }

  clear(): void {
    this.#ranges.length = 0;
    this.#recent = [];
  }

  /** Those that came last are closed; of the others, whose order is forgotten, the highest came last as a rule. */
  #remember(): void {
    const others = this.#ranges.slice(-MOST_RECENT).reverse();
    this.#recent = [...new Set([...this.#recent, ...others])].slice(0, MOST_RECENT);
  }

  /** Index of the first range that ends at `sequence` or after it. */
  #firstReaching(sequence: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (seqAtOrAfter(this.#ranges[middle]!.end, sequence)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
