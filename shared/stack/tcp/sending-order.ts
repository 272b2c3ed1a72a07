// What is in flight in the order in which it was sent, which is not that of the numbers once some was sent again.
// A linked list: all that is sent enters and leaves it.

export interface InOrder<Segment> {
  /** The place of the latest transmission among all of its connection: two may bear the same time. */
  order: number;
  earlier: Segment | undefined;
  later: Segment | undefined;
}

export class SendingOrder<Segment extends InOrder<Segment>> {
  #first: Segment | undefined;
  #last: Segment | undefined;

  /** Taking out the one that was given last is safe on the way. */
  *[Symbol.iterator](): Generator<Segment> {
    for (let segment = this.#first; segment; ) {
      const { later } = segment;
      yield segment;
      segment = later;
    }
  }

  /** Puts a segment behind those that were sent before it: the last place, but for one that comes back. */
  add(segment: Segment): void {
    let earlier = this.#last;
    while (earlier && earlier.order > segment.order) earlier = earlier.earlier;
    this.addBehind(earlier, segment);
  }

  /** Puts a segment directly behind `earlier`, or before all. */
  addBehind(earlier: Segment | undefined, segment: Segment): void {
    const later = earlier ? earlier.later : this.#first;
    segment.earlier = earlier;
    segment.later = later;
    if (earlier) earlier.later = segment;
    else this.#first = segment;
    if (later) later.earlier = segment;
    else this.#last = segment;
  }

  remove(segment: Segment): void {
    const { earlier, later } = segment;
    if (earlier) earlier.later = later;
    else this.#first = later;
    if (later) later.earlier = earlier;
    else this.#last = earlier;
    segment.earlier = segment.later = undefined;
  }

  clear(): void {
    this.#first = this.#last = undefined;
  }
}
