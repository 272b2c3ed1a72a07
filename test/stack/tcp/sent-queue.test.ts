// The scoreboard: whatever comes in whatever order, it knows of each segment what a plain list of segments does,
// however they are kept together.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SentQueue, type SentTrain, segmentLength } from '../../../shared/stack/tcp/sent-queue.ts';
import { seqAdd, seqDistance } from '../../../shared/stack/tcp/sequence.ts';
import { ListedSegments, type Segment } from './support/listed-segments.ts';

/** The stream passes 2^32 after its first 100 bytes. */
const FIRST = 0xffff_ff9c;

const index = fc.integer({ min: 0, max: 400 });
const length = fc.integer({ min: 1, max: 30 });
/** Of what is acknowledged at a time: often nothing. */
const bytes = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 150 }));
/** From what is acknowledged on. */
const block = fc.record({
  start: fc.integer({ min: -40, max: 300 }),
  length: fc.integer({ min: 0, max: 250 }),
});
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ add: length, segments: fc.integer({ min: 1, max: 6 }), push: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ acknowledge: bytes, blocks: fc.array(block, { maxLength: 3, size: 'max' }) }),
  },
  fc.record({ lose: index }),
  fc.record({ split: index }),
  fc.constantFrom('send first lost again', 'send last again', 'lose first' as const),
  fc.constantFrom('lose all' as const, 'lose none' as const, 'forget SACKs' as const),
);

type Step = typeof step extends fc.Arbitrary<infer Each> ? Each : never;

/** The segments of trains, each by itself; offsets in the stream instead of sequence numbers. */
function segmentsOf(trains: Iterable<SentTrain>): Segment[] {
  return [...trains].flatMap((train) => {
    const size = segmentLength(train);
    const { sentAt, transmissions, state } = train;
    return Array.from({ length: train.segments }, (_, index) => ({
      start: seqDistance(FIRST, train.start) + index * size,
      end: seqDistance(FIRST, train.start) + (index + 1) * size,
      sentAt,
      order: train.order + index,
      transmissions,
      push: train.push && index === train.segments - 1,
      state,
    }));
  });
}

/** A queue, and a list that is told the same. */
class Sender {
  readonly queue = new SentQueue();
  readonly list = new ListedSegments();
  next = 0;
  una = 0;
  now = 0;

  take(each: Step): void {
    const { queue, list } = this;
    this.now++;
    if (each === 'lose all') {
      queue.markAllLost();
      for (const segment of list.segments) list.lose(segment);
    } else if (each === 'lose none') {
      queue.markNoneLost();
      list.turn('lost', 'in-flight');
    } else if (each === 'forget SACKs') {
      queue.forgetSacks();
      list.turn('sacked', 'in-flight');
    } else if (each === 'lose first') {
      const first = queue.cutFirst();
      if (first) queue.markLost(first);
      list.lose(list.segments[0]);
    } else if (each === 'send last again') this.#sendAgain(queue.cutLast(), list.segments.at(-1));
    else if (each === 'send first lost again') this.#sendAgain(queue.firstLost(), list.firstLost);
    else if (typeof each === 'string') throw new Error(each);
    else if ('add' in each) this.#add(each.add, each.segments, each.push);
    else if ('lose' in each) this.#loseTrain(each.lose);
    else if ('split' in each) this.#split(each.split);
    else this.#deliver(each.acknowledge, each.blocks);
  }

  #pick(index: number): SentTrain | undefined {
    const { trains } = this.queue;
    return trains[index % Math.max(trains.length, 1)];
  }

  #add(size: number, segments: number, push: boolean): void {
    const end = this.next + size * segments;
    this.queue.add(seqAdd(FIRST, this.next), seqAdd(FIRST, end), this.now, push, segments);
    for (; this.next < end; this.next += size)
      this.list.add(this.next, this.next + size, this.now, push && this.next + size === end);
  }

  /** As RACK does: what left together is overdue together. */
  #loseTrain(index: number): void {
    const train = this.#pick(index);
    if (!train) return;
    const start = seqDistance(FIRST, train.start);
    const end = seqDistance(FIRST, train.end);
    this.queue.markLost(train);
    for (const each of this.list.segments) if (each.start >= start && each.end <= end) this.list.lose(each);
  }

  #sendAgain(train: SentTrain | undefined, segment: Segment | undefined): void {
    if (train) {
      this.queue.cut(train, 1);
      this.queue.sentAgain(train, this.now);
    }
    if (segment) this.list.sendAgain(segment, this.now);
  }

  #split(index: number): void {
    const train = this.#pick(index);
    if (!train || segmentLength(train) === 1) return;
    const size = 1 + (index % (segmentLength(train) - 1));
    this.queue.cut(train, 1);
    this.queue.split(train, size);
    this.list.split(seqDistance(FIRST, train.start), size);
  }

  #deliver(bytes: number, wanted: readonly { start: number; length: number }[]): void {
    this.una = Math.min(this.una + bytes, this.next);
    const blocks = wanted.map(({ start, length: size }) => ({
      start: this.una + start,
      end: this.una + start + size,
    }));
    const expected = this.list.deliver(this.una, blocks);
    const sack = blocks.map(({ start, end }) => ({ start: seqAdd(FIRST, start), end: seqAdd(FIRST, end) }));
    const { trains, acknowledged, sacked, delivered } = this.queue.deliver(seqAdd(FIRST, this.una), sack);
    expect({ acknowledged, sacked, delivered, segments: segmentsOf(trains) }).toEqual(expected);
  }
}

function expectSame({ queue, list }: Sender): void {
  expect(segmentsOf(queue.trains)).toEqual(list.segments);
  expect(queue.segments).toBe(list.segments.length);
  expect(queue.inFlight).toBe(list.bytes('in-flight'));
  expect(queue.lost).toBe(list.bytes('lost'));
  expect(queue.sacked).toBe(list.bytes('sacked'));
  expect(queue.sackedSegments).toBe(list.count('sacked'));
  const lost = queue.firstLost();
  expect(lost && segmentsOf([lost])[0]).toEqual(list.firstLost);
  const inOrder = segmentsOf(queue.bySendingOrder);
  const orders = inOrder.map(({ order }) => order);
  expect(orders).toEqual([...orders].sort((a, b) => a - b));
  inOrder.sort((a, b) => a.start - b.start);
  expect(inOrder).toEqual(list.segments.filter(({ state }) => state === 'in-flight'));
}

test('TCP-13, TCP-15: any order of sending, acknowledging, losing and sending again keeps it consistent', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 50, size: 'max' }), (steps) => {
      const sender = new Sender();
      for (const each of steps) {
        sender.take(each);
        expectSame(sender);
      }
    }),
    { numRuns: 100 },
  );
});

describe('segments that left together', () => {
  /** Trains of four segments of 100 bytes each, from 1000 on. */
  function sent(trains = 1): SentQueue {
    const queue = new SentQueue();
    for (let index = 0; index < trains; index++)
      queue.add(1000 + index * 400, 1400 + index * 400, index, true, 4);
    return queue;
  }

  const shown = (trains: Iterable<SentTrain>) =>
    [...trains].map(({ start, segments, state }) => `${start} ${segments} ${state}`);
  const block = (start: number, end: number) => ({ start, end });

  test('TCP-15: are one to whatever tells of them all', () => {
    const queue = sent(3);
    expect(shown(queue.trains)).toEqual(['1000 4 in-flight', '1400 4 in-flight', '1800 4 in-flight']);
    const { trains, acknowledged } = queue.deliver(1800, []);
    expect(shown(trains)).toEqual(['1000 4 in-flight', '1400 4 in-flight']);
    expect([acknowledged, queue.segments, queue.inFlight]).toEqual([800, 4, 400]);
  });

  test('TCP-13: are cut by a SACK block in their middle, at their beginning or end, and over two trains', () => {
    const middle = sent();
    expect(shown(middle.deliver(1000, [block(1100, 1300)]).trains)).toEqual(['1100 2 sacked']);
    expect(shown(middle.trains)).toEqual(['1000 1 in-flight', '1100 2 sacked', '1300 1 in-flight']);
    expect(middle.sackedSegments).toBe(2);
    const first = sent(2);
    first.deliver(1000, [block(1400, 1500)]);
    expect(shown(first.trains)).toEqual(['1000 4 in-flight', '1400 1 sacked', '1500 3 in-flight']);
    const last = sent();
    last.deliver(1000, [block(1300, 1400)]);
    expect(shown(last.trains)).toEqual(['1000 3 in-flight', '1300 1 sacked']);
    const two = sent(2);
    expect(two.deliver(1000, [block(1200, 1600)]).sacked).toBe(400);
    expect(shown(two.trains)).toEqual([
      '1000 2 in-flight',
      '1200 2 sacked',
      '1400 2 sacked',
      '1600 2 in-flight',
    ]);
    expect(two.sackedSegments).toBe(4);
  });

  test('TCP-13: of a block that ends within a segment only whole segments count', () => {
    const queue = sent();
    expect(queue.deliver(1000, [block(1050, 1350)]).sacked).toBe(200);
    expect(shown(queue.trains)).toEqual(['1000 1 in-flight', '1100 2 sacked', '1300 1 in-flight']);
    expect(sent().deliver(1000, [block(1110, 1190)]).sacked).toBe(0);
  });

  test('TCP-13: a block that comes again tells what is new in it, and all of it once it was forgotten', () => {
    const queue = sent(3);
    expect(queue.deliver(1000, [block(1150, 1450)]).sacked).toBe(200);
    expect(shown(queue.deliver(1000, [block(1150, 1850)]).trains)).toEqual(['1400 4 sacked']);
    expect(queue.deliver(1000, [block(1150, 1850)]).sacked).toBe(0);
    // Beside another that comes first, and with an earlier beginning.
    const { trains } = queue.deliver(1000, [block(1900, 2000), block(1100, 1850)]);
    expect(shown(trains)).toEqual(['1100 1 sacked', '1900 1 sacked']);
    queue.forgetSacks();
    expect(queue.deliver(1000, [block(1150, 1850)]).sacked).toBe(600);
    const [again] = [...queue.trains].filter(({ start }) => start === 1400);
    if (again) queue.sentAgain(again, 5);
    expect(queue.deliver(1000, [block(1150, 1850)]).sacked).toBe(400);
  });

  test('TCP-15: an acknowledgment in the middle tells which of them arrived, and leaves a part of one', () => {
    const queue = sent();
    const { trains, acknowledged, delivered } = queue.deliver(1250, []);
    expect(shown(trains)).toEqual(['1000 2 in-flight']);
    expect([acknowledged, delivered]).toEqual([250, 250]);
    expect(shown(queue.trains)).toEqual(['1250 1 in-flight', '1300 1 in-flight']);
    expect([queue.inFlight, queue.segments]).toEqual([150, 2]);
  });

  test('TCP-13: keep the order of sending when they are cut, and PSH stays with the last', () => {
    const queue = sent(2);
    queue.deliver(1000, [block(1100, 1200), block(1500, 1600)]);
    expect([...queue.bySendingOrder].map(({ start, order }) => [start, order])).toEqual([
      [1000, 1],
      [1200, 3],
      [1400, 5],
      [1600, 7],
    ]);
    expect(queue.trains.map(({ start, push }) => push && start).filter(Boolean)).toEqual([1200, 1600]);
  });

  test('TCP-13: the first and the last can be had alone', () => {
    const queue = sent();
    expect(shown([queue.cutLast()!])).toEqual(['1300 1 in-flight']);
    expect(shown([queue.cutFirst()!])).toEqual(['1000 1 in-flight']);
    expect(shown(queue.trains)).toEqual(['1000 1 in-flight', '1100 2 in-flight', '1300 1 in-flight']);
    expect([queue.cutLast(), queue.cutFirst()]).toEqual([queue.last, queue.head]);
    expect(queue.trains.length).toBe(3);
  });
});

describe('TCP-13: D-SACK (RFC 2883 §4)', () => {
  const block = (start: number, end: number) => ({ start, end });

  test.each([
    ['below the acknowledgment', [block(500, 1000)], block(500, 1000)],
    ['within the second block', [block(2000, 2500), block(1500, 3000)], block(2000, 2500)],
    ['as large as it', [block(2000, 2500), block(2000, 2500)], block(2000, 2500)],
  ])('is the first block %s', (_name, blocks, duplicate) => {
    expect(new SentQueue().deliver(1000, blocks).duplicate).toEqual(duplicate);
  });

  test.each([
    ['above, and alone', [block(2000, 2500)]],
    ['above, and not in the second', [block(2000, 2500), block(3000, 3500)]],
    ['turned round', [block(900, 500)]],
  ])('is none that lies %s', (_name, blocks) => {
    expect(new SentQueue().deliver(1000, blocks).duplicate).toBeUndefined();
  });
});
