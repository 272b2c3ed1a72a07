// A train is the same as its frames one by one, whatever is on their way.

import { describe, expect, it } from 'vitest';
import { CapturePort } from '../../shared/cable/capture.ts';
import { EgressQueue, QUEUE_FRAMES } from '../../shared/cable/egress-queue.ts';
import { FrameFilters } from '../../shared/cable/filter.ts';
import { decodeBatch } from '../../shared/cable/frame-batch.ts';
import { ImpairedPort, type LinkImpairment } from '../../shared/cable/impairment.ts';
import type { FramePort } from '../../shared/core/frame-port.ts';
import { sendTrain } from '../../shared/core/frame-train.ts';
import type { Train } from '../../shared/core/train.ts';
import { numbered, numberOf, range, SinkPort } from '../support/sink-port.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

/** Frames with the numbers from `first` on. */
function train(first: number, count: number, length = 125): Train {
  return { count, length, write: (index, target, at) => target.set(numbered(first + index, length), at) };
}

/** A sink that takes trains, and counts them. */
class TrainSink extends SinkPort {
  trains = 0;

  sendTrain(frames: Train): void {
    this.trains++;
    for (const index of range(frames.count)) {
      const frame = new Uint8Array(frames.length);
      frames.write(index, frame, 0);
      this.send(frame);
    }
  }
}

function ports(impairment: LinkImpairment = {}) {
  const clock = new VirtualClock();
  const sink = new TrainSink(clock);
  const impaired = new ImpairedPort(sink, clock, [1, 'eth0']);
  const filters = new FrameFilters();
  const top = new CapturePort(filters.port('eth0', impaired), clock);
  top.attach({ frames: () => {}, carrier: () => {} });
  impaired.set(impairment);
  return { clock, sink, impaired, filters, top };
}

describe('a train', () => {
  it('goes past a capture, a filter and an impairment that have nothing to do as it is', () => {
    const { sink, impaired, top } = ports();
    sendTrain(top, train(0, 43));
    expect([sink.trains, sink.numbers, impaired.seen]).toEqual([1, range(43), 43]);
  });

  it('is captured frame by frame, and goes on as a train', () => {
    const { sink, top } = ports();
    const seen: [number, string][] = [];
    top.subscribe((frame, direction) => seen.push([numberOf(frame), direction]));
    sendTrain(top, train(0, 3));
    expect(seen).toEqual(range(3).map((number) => [number, 'out']));
    expect([sink.trains, sink.numbers]).toEqual([1, range(3)]);
  });

  it('is captured whole where there is room for a part of it', () => {
    const { clock, sink } = ports();
    const taken: number[] = [];
    const narrow: FramePort = {
      mtu: sink.mtu,
      carrier: true,
      send: () => {},
      attach: () => {},
      sendTrain: ({ length, write }) => {
        const frame = new Uint8Array(10 + length);
        for (const index of range(2)) {
          write(index, frame, 10);
          taken.push(numberOf(frame.subarray(10)));
        }
      },
    };
    const top = new CapturePort(narrow, clock);
    const seen: number[] = [];
    top.subscribe((frame) => seen.push(numberOf(frame)));
    sendTrain(top, train(0, 5));
    expect([taken, seen]).toEqual([range(2), range(5)]);
  });

  it('is filtered frame by frame', () => {
    const { sink, filters, top } = ports();
    filters.set('p1', [{ direction: 'out', match: {} }]);
    sendTrain(top, train(0, 5));
    expect([sink.numbers, filters.counts('p1')]).toEqual([[], { seen: 5, affected: 5 }]);
  });

  it.each([
    ['loss', { loss: 0.3 }],
    ['duplicates', { duplicate: 0.3 }],
    ['delay and jitter', { delay: 5, jitter: 3 }],
    ['rate', { rate: 1_000_000, limit: 20 }],
  ])('meets %s as its frames do', (_name, impairment) => {
    const [whole, apart] = [ports(), ports()];
    // What comes before the impairment counts for the dice, too.
    sendTrain(whole.top, train(0, 10));
    for (const number of range(10)) apart.top.send(numbered(number));
    for (const { impaired } of [whole, apart]) impaired.set(impairment);
    sendTrain(whole.top, train(10, 40));
    for (const number of range(40)) apart.top.send(numbered(10 + number));
    for (const { clock } of [whole, apart]) clock.advance(1000);
    expect(whole.sink.sent).toEqual(apart.sink.sent);
    expect(whole.impaired.counters.snapshot()).toEqual(apart.impaired.counters.snapshot());
    expect(whole.sink.sent.slice(10).map(({ at, frame }) => [at, numberOf(frame)])).not.toEqual(
      range(40).map((number) => [0, 10 + number]),
    );
  });

  it('without carrier is lost frame by frame', () => {
    const { sink, impaired, top } = ports({ loss: 0.5 });
    sink.carrier = false;
    sendTrain(top, train(0, 5));
    expect([sink.dropped, impaired.seen]).toEqual([5, 0]);
  });
});

describe('an egress queue', () => {
  /** Numbers of the frames of all messages. */
  function drained(queue: EgressQueue): number[] {
    const numbers: number[] = [];
    for (let batch = queue.shift(); batch; batch = queue.shift()) {
      const frames = decodeBatch(batch.buffer.subarray(0, batch.length));
      if (!Array.isArray(frames)) throw new Error(frames.reason);
      expect([frames.length, frames.reduce((sum, { length }) => sum + length, 0)]).toEqual([
        batch.frames,
        batch.bytes,
      ]);
      numbers.push(...frames.map(numberOf));
    }
    return numbers;
  }

  it.each([60, 255, 256, 1514, 65_535, 65_549])(
    'has frames of %i bytes written where they leave',
    (length) => {
      const queue = new EgressQueue(Math.max(1518, length));
      queue.append(numbered(0, length));
      expect(queue.appendTrain(train(1, 100, length))).toBe(100);
      queue.append(numbered(101, length));
      expect(queue.frames).toBe(102);
      expect(drained(queue)).toEqual(range(102));
    },
  );

  it('takes of a train what it has room for', () => {
    const queue = new EgressQueue(1518);
    const before = QUEUE_FRAMES - 10;
    expect(queue.appendTrain(train(0, before, 60))).toBe(before);
    expect(queue.appendTrain(train(before, 43, 60))).toBe(10);
    expect(queue.appendTrain(train(QUEUE_FRAMES, 43, 60))).toBe(0);
    expect(drained(queue)).toEqual(range(QUEUE_FRAMES));
  });
});
