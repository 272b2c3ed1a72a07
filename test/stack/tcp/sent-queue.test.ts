// The scoreboard: whatever comes in whatever order, its sums and orders are those of its segments.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SentQueue, type SentSegment } from '../../../shared/stack/tcp/sent-queue.ts';
import { seqAdd, seqDistance } from '../../../shared/stack/tcp/sequence.ts';

/** The stream passes 2^32 after its first 100 bytes. */
const FIRST = 0xffff_ff9c;

const at = fc.integer({ min: 0, max: 400 });
const length = fc.integer({ min: 1, max: 30 });
const step = fc.oneof(
  fc.record({ add: length }),
  fc.record({ acknowledge: at, blocks: fc.array(fc.record({ start: at, length }), { maxLength: 3 }) }),
  fc.record({ lose: at }),
  fc.constant('send first lost again' as const),
  fc.record({ split: at }),
  fc.constantFrom('lose all' as const, 'lose none' as const, 'forget SACKs' as const),
);

type Step = typeof step extends fc.Arbitrary<infer Each> ? Each : never;

/** A queue, and what of the stream is in it. */
class Sender {
  readonly queue = new SentQueue();
  next = FIRST;
  una = FIRST;
  now = 0;

  #pick(index: number): SentSegment | undefined {
    const { segments } = this.queue;
    return segments[index % Math.max(segments.length, 1)];
  }

  take(each: Step): void {
    const { queue } = this;
    this.now++;
    if (each === 'lose all') queue.markAllLost();
    else if (each === 'lose none') queue.markNoneLost();
    else if (each === 'forget SACKs') queue.forgetSacks();
    else if (each === 'send first lost again') {
      const segment = queue.firstLost();
      if (segment) queue.sentAgain(segment, this.now);
    } else if ('add' in each) {
      queue.add(this.next, seqAdd(this.next, each.add), this.now);
      this.next = seqAdd(this.next, each.add);
    } else if ('lose' in each) {
      const segment = this.#pick(each.lose);
      if (segment) queue.markLost(segment);
    } else if ('split' in each) {
      const segment = this.#pick(each.split);
      const size = segment ? seqDistance(segment.start, segment.end) : 0;
      if (segment && size > 1) queue.split(segment, 1 + (each.split % (size - 1)));
    } else this.#deliver(each.acknowledge, each.blocks);
  }

  #deliver(offset: number, blocks: readonly { start: number; length: number }[]): void {
    const acknowledged = Math.min(Math.max(offset, this.#offset(this.una)), this.#offset(this.next));
    const before = this.#total();
    this.una = seqAdd(FIRST, acknowledged);
    const sack = blocks.map(({ start, length: size }) => ({
      start: seqAdd(FIRST, start),
      end: seqAdd(FIRST, start + size),
    }));
    const delivery = this.queue.deliver(this.una, sack);
    expect(delivery.acknowledged).toBe(before - this.#total());
    expect(delivery.segments.every(({ transmissions }) => transmissions > 0)).toBe(true);
    expect(delivery.delivered).toBeGreaterThanOrEqual(delivery.sacked);
  }

  #offset(sequence: number): number {
    return seqDistance(FIRST, sequence);
  }

  #total(): number {
    return this.queue.inFlight + this.queue.lost + this.queue.sacked;
  }
}

function bytes(segments: readonly SentSegment[], state: SentSegment['state']): number {
  return segments
    .filter((segment) => segment.state === state)
    .reduce((sum, { start, end }) => sum + seqDistance(start, end), 0);
}

function expectConsistent({ queue, una, next }: Sender): void {
  const { segments } = queue;
  expect(queue.inFlight).toBe(bytes(segments, 'in-flight'));
  expect(queue.lost).toBe(bytes(segments, 'lost'));
  expect(queue.sacked).toBe(bytes(segments, 'sacked'));
  expect(queue.sackedSegments).toBe(segments.filter(({ state }) => state === 'sacked').length);
  expect(queue.firstLost()).toBe(segments.find(({ state }) => state === 'lost'));
  // Without a gap from what is acknowledged to what was sent last.
  expect([una, ...segments.map(({ end }) => end)]).toEqual([...segments.map(({ start }) => start), next]);
  const inOrder = [...queue.bySendingOrder];
  expect(new Set(inOrder)).toEqual(new Set(segments.filter(({ state }) => state === 'in-flight')));
  expect(inOrder.map(({ order }) => order)).toEqual(inOrder.map(({ order }) => order).sort((a, b) => a - b));
}

test('TCP-13, TCP-15: any order of sending, acknowledging, losing and sending again keeps it consistent', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 80 }), (steps) => {
      const sender = new Sender();
      for (const each of steps) {
        sender.take(each);
        expectConsistent(sender);
      }
    }),
    { numRuns: 300 },
  );
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
