// What was sent as a plain list of segments, which is asked from its beginning to its end: what a SentQueue must
// come to by less work.

export interface Segment {
  /** Offsets in the stream. */
  start: number;
  end: number;
  sentAt: number;
  order: number;
  transmissions: number;
  push: boolean;
  state: 'in-flight' | 'lost' | 'sacked';
}

interface Range {
  readonly start: number;
  readonly end: number;
}

export class ListedSegments {
  segments: Segment[] = [];
  #transmissions = 0;

  get firstLost(): Segment | undefined {
    return this.segments.find(({ state }) => state === 'lost');
  }

  bytes(state: Segment['state']): number {
    return total(this.segments.filter((segment) => segment.state === state));
  }

  count(state: Segment['state']): number {
    return this.segments.filter((segment) => segment.state === state).length;
  }

  add(start: number, end: number, sentAt: number, push: boolean): void {
    const order = ++this.#transmissions;
    this.segments.push({ start, end, sentAt, order, transmissions: 1, push, state: 'in-flight' });
  }

  lose(segment: Segment | undefined): void {
    if (segment?.state === 'in-flight') segment.state = 'lost';
  }

  turn(from: Segment['state'], to: Segment['state']): void {
    for (const segment of this.segments) if (segment.state === from) segment.state = to;
  }

  sendAgain(segment: Segment, sentAt: number): void {
    segment.sentAt = sentAt;
    segment.order = ++this.#transmissions;
    segment.transmissions++;
    segment.state = 'in-flight';
  }

  /** Makes two of the segment that begins at `start`, the first of `length` bytes. */
  split(start: number, length: number): void {
    this.segments = this.segments.flatMap((segment) =>
      segment.start === start
        ? [
            { ...segment, end: start + length, push: false },
            { ...segment, start: start + length },
          ]
        : [segment],
    );
  }

  /** Takes in an acknowledgment, and gives what it told of. */
  deliver(acknowledgment: number, blocks: readonly Range[]) {
    const whole = this.segments.filter(({ end }) => end <= acknowledgment);
    const unsacked = whole.filter(({ state }) => state !== 'sacked').map((segment) => ({ ...segment }));
    this.segments = this.segments.filter(({ end }) => end > acknowledgment);
    let acknowledged = total(whole);
    let delivered = total(unsacked);
    const [head] = this.segments;
    if (head && head.start < acknowledgment) {
      acknowledged += acknowledgment - head.start;
      if (head.state !== 'sacked') delivered += acknowledgment - head.start;
      head.start = acknowledgment;
    }
    const last = this.segments.at(-1)?.end ?? 0;
    const newly = this.segments.filter(
      ({ start, end, state }) =>
        state !== 'sacked' &&
        blocks.some(
          (block) =>
            block.start > acknowledgment && block.end <= last && block.start <= start && end <= block.end,
        ),
    );
    for (const segment of newly) segment.state = 'sacked';
    const segments = [...unsacked, ...newly.map((segment) => ({ ...segment }))];
    return { acknowledged, sacked: total(newly), delivered: delivered + total(newly), segments };
  }
}

function total(segments: readonly Range[]): number {
  return segments.reduce((sum, { start, end }) => sum + end - start, 0);
}
