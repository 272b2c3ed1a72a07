// A message that passes through a router leaves as it came, if its frames do.

import { describe, expect, it } from 'vitest';
import { EgressQueue } from '../../shared/cable/egress-queue.ts';
import { decodeBatch } from '../../shared/cable/frame-batch.ts';
import { handUp as handUpFrames } from '../../shared/cable/passing.ts';
import { numbered, numberOf, range } from '../support/sink-port.ts';

const LONGEST = 1518;

/** A message of frames with the numbers from `first` on, with something before and behind it in its memory. */
function message(first: number, count: number, length: number): Uint8Array {
  const queue = new EgressQueue(LONGEST);
  for (const index of range(count)) queue.append(numbered(first + index, length));
  const batch = queue.shift();
  if (batch?.frames !== count) throw new Error('not one message');
  const memory = new Uint8Array(batch.length + 20).fill(0xee);
  memory.set(batch.buffer.subarray(0, batch.length), 10);
  return memory.subarray(10, 10 + batch.length);
}

function framesOf(batch: Uint8Array): Uint8Array[] {
  const frames = decodeBatch(batch);
  if (!Array.isArray(frames)) throw new Error(frames.reason);
  return frames;
}

/** Hands up the frames of a message, each to `receive`. */
function handUp(came: Uint8Array, receive: (frame: Uint8Array) => void): void {
  const frames = framesOf(came);
  handUpFrames(came, frames, () => frames.forEach(receive));
}

interface Left {
  readonly numbers: readonly number[];
  /** Whether it is in the memory of a message that came. */
  readonly passed: boolean;
}

function left(queue: EgressQueue, ...came: readonly Uint8Array[]): Left[] {
  const messages: Left[] = [];
  for (let batch = queue.shift(); batch; batch = queue.shift()) {
    const { buffer } = batch.buffer;
    const frames = framesOf(batch.buffer.subarray(0, batch.length));
    expect(frames).toHaveLength(batch.frames);
    expect(frames.reduce((sum, { length }) => sum + length, 0)).toBe(batch.bytes);
    messages.push({ numbers: frames.map(numberOf), passed: came.some((each) => each.buffer === buffer) });
  }
  expect(queue.frames).toBe(0);
  return messages;
}

describe('frames of a message', () => {
  it.each([
    [43, 1514],
    [80, 255],
    [80, 256],
  ])('that all leave in their order leave as they came: %i of %i bytes', (count, length) => {
    const queue = new EgressQueue(LONGEST);
    const came = message(0, count, length);
    handUp(came, (frame) => queue.append(frame));
    expect(left(queue, came)).toEqual([{ numbers: range(count), passed: true }]);
  });

  it('are copied where one is missing', () => {
    const queue = new EgressQueue(LONGEST);
    const came = message(0, 43, 1514);
    handUp(came, (frame) => numberOf(frame) !== 20 && queue.append(frame));
    expect(left(queue, came)).toEqual([
      { numbers: range(20), passed: true },
      { numbers: range(43).slice(21), passed: false },
    ]);
  });

  it('are copied where the first is missing, or is not the first that leaves', () => {
    const queue = new EgressQueue(LONGEST);
    const came = message(0, 3, 6000);
    const [first, second, third] = framesOf(came);
    handUpFrames(came, framesOf(came), () => {
      for (const frame of [second, first, third]) if (frame) queue.append(frame);
    });
    const numbers = left(queue, came).map((each) => each.numbers);
    expect(numbers.flat()).toEqual([1, 0, 2]);
  });

  it('stand behind what waits, and what comes then stands behind them', () => {
    const queue = new EgressQueue(LONGEST);
    queue.append(numbered(100));
    const [one, other] = [message(0, 43, 1514), message(43, 43, 1514)];
    for (const came of [one, other]) handUp(came, (frame) => queue.append(frame));
    queue.append(numbered(101));
    expect(left(queue, one, other)).toEqual([
      { numbers: [100], passed: false },
      { numbers: range(43), passed: true },
      { numbers: range(86).slice(43), passed: true },
      { numbers: [101], passed: false },
    ]);
  });

  it('are copied if they are few, or come once their message is no longer in hand', () => {
    const queue = new EgressQueue(LONGEST);
    const [few, late] = [message(0, 3, 1514), message(3, 43, 1514)];
    handUp(few, (frame) => queue.append(frame));
    handUp(late, () => {});
    for (const frame of framesOf(late)) queue.append(frame);
    expect(left(queue, few, late).map(({ passed }) => passed)).not.toContain(true);
  });

  it('are copied beyond so many messages, as each keeps its memory', () => {
    const queue = new EgressQueue(LONGEST);
    const messages = range(150).map((index) => message(100 * index, 12, 1514));
    for (const came of messages) handUp(came, (frame) => numberOf(frame) % 100 === 0 && queue.append(frame));
    const leaving = left(queue, ...messages);
    expect(leaving.flatMap(({ numbers }) => numbers)).toEqual(range(150).map((index) => 100 * index));
    // As many of 256 KiB as the queue may have bytes.
    expect(leaving.filter(({ passed }) => passed)).toHaveLength(115);
  });

  it.each([
    ['its array has a longer header', [0xdd, 0, 0, 0, 43], 3],
    ['a frame has a longer header', [0xdc, 0, 43, 0xc6, 0, 0, 0x05, 0xea], 6],
  ])('are copied if %s than it needs', (_name, header, instead) => {
    const queue = new EgressQueue(LONGEST);
    const short = message(0, 43, 1514);
    const came = new Uint8Array(short.length + 2);
    came.set(header);
    came.set(short.subarray(instead), header.length);
    handUp(came, (frame) => queue.append(frame));
    expect(left(queue, came)).toEqual([{ numbers: range(43), passed: false }]);
  });

  it('leave as they came if the first is another view of the same', () => {
    const queue = new EgressQueue(LONGEST);
    const came = message(0, 43, 1514);
    handUp(came, (frame) => queue.append(numberOf(frame) === 0 ? frame.subarray() : frame));
    expect(left(queue, came)).toEqual([{ numbers: range(43), passed: true }]);
  });

  it('are copied if what leaves is not they, but as long', () => {
    const queue = new EgressQueue(LONGEST);
    const came = message(0, 43, 1514);
    handUp(came, (frame) => queue.append(numberOf(frame) === 1 ? numbered(1001, 1514) : frame));
    const numbers = left(queue, came).map((each) => each.numbers);
    expect(numbers.flat()).toEqual([0, 1001, ...range(43).slice(2)]);
  });
});
