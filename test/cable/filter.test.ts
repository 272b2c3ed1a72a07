// Rules at the ports of a device: which frames they drop, and what they count.

import { describe, expect, it } from 'vitest';
import { CapturePort } from '../../shared/cable/capture.ts';
import { type DropRule, FrameFilters } from '../../shared/cable/filter.ts';
import { ImpairedPort, type LinkImpairment } from '../../shared/cable/impairment.ts';
import type { FramePort } from '../../shared/core/frame-port.ts';
import { memoryCable } from '../support/memory-cable.ts';
import { numbered, numberOf, range } from '../support/sink-port.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

interface End {
  /** What a stack would stand on. */
  readonly top: FramePort;
  readonly filters: FrameFilters;
  readonly impaired: ImpairedPort;
  /** Numbers of the frames that a capture shows. */
  readonly captured: number[];
  /** Numbers of the frames that came up. */
  readonly received: number[];
}

function end(clock: VirtualClock, port: FramePort, name = 'eth0', filters = new FrameFilters()): End {
  const impaired = new ImpairedPort(port, clock, [1, name]);
  const top = new CapturePort(filters.port(name, impaired), clock);
  const captured: number[] = [];
  const received: number[] = [];
  top.subscribe((frame) => captured.push(numberOf(frame)));
  top.attach({ frames: (batch) => received.push(...batch.map(numberOf)), carrier: () => {} });
  return { top, filters, impaired, captured, received };
}

function cabled(impairment: LinkImpairment = {}) {
  const clock = new VirtualClock();
  const cable = memoryCable(clock);
  const a = end(clock, cable.a);
  const b = end(clock, cable.b);
  a.impaired.set(impairment);
  return { clock, cable, a, b };
}

const OUT: DropRule = { direction: 'out', match: {} };
const IN: DropRule = { direction: 'in', match: {} };

function send(from: End, count: number, first = 0): void {
  for (const number of range(count)) from.top.send(numbered(first + number));
}

describe('a filter', () => {
  it('at the sending end drops what a capture there still shows', () => {
    const { clock, a, b } = cabled();
    a.filters.set('p1', [OUT]);
    send(a, 5);
    clock.advance(1);
    expect([a.captured.length, b.captured.length, b.received]).toEqual([5, 0, []]);
    expect(a.filters.counts('p1')).toEqual({ seen: 5, affected: 5 });
    expect(a.impaired.seen).toBe(0);
    send(b, 2);
    clock.advance(1);
    expect(a.received).toEqual([0, 1]);
  });

  it('at the receiving end drops what a capture there does not show', () => {
    const { clock, a, b } = cabled();
    b.filters.set('p1', [{ ...IN, every: 2 }]);
    send(a, 5);
    clock.advance(1);
    expect(b.received).toEqual([0, 2, 4]);
    expect(b.captured).toHaveLength(3);
    expect(b.filters.counts('p1')).toEqual({ seen: 5, affected: 2 });
  });

  it('counts exactly the frames that the other end misses', () => {
    const { clock, a, b } = cabled();
    send(a, 30);
    a.filters.set('p1', [{ ...OUT, every: 7 }]);
    send(a, 100, 30);
    const counts = a.filters.remove('p1');
    send(a, 30, 130);
    clock.advance(1);
    expect(counts).toEqual({ seen: 100, affected: 14 });
    expect(a.captured.length - b.captured.length).toBe(14);
    expect(a.filters.counts('p1')).toBeUndefined();
    expect(a.filters.remove('p1')).toBeUndefined();
  });

  it('drops the first of those that match, or every so manieth', () => {
    const { clock, a, b } = cabled();
    a.filters.set('first', [{ ...OUT, first: 2 }]);
    send(a, 5);
    clock.advance(1);
    expect(b.received).toEqual([2, 3, 4]);
    a.filters.set('tenth', [{ ...OUT, every: 10 }]);
    send(a, 25, 100);
    clock.advance(1);
    expect(a.filters.counts('tenth')).toEqual({ seen: 25, affected: 2 });
    expect(b.received).not.toContain(109);
    expect(b.received).not.toContain(119);
    expect(b.received).toHaveLength(3 + 23);
  });

  it('counts over all ports that it is at', () => {
    const clock = new VirtualClock();
    const filters = new FrameFilters();
    const [lan1, lan2] = ['lan1', 'lan2'].map((name) => end(clock, memoryCable(clock).a, name, filters));
    filters.set('all', [{ ...OUT, first: 3 }]);
    send(lan1!, 2);
    send(lan2!, 2);
    expect(filters.counts('all')).toEqual({ seen: 4, affected: 3 });
    filters.set('one', [{ ...OUT, interface: 'lan2' }]);
    send(lan1!, 2);
    send(lan2!, 2);
    expect(filters.counts('one')).toEqual({ seen: 2, affected: 2 });
  });

  it('is the last that sees a frame which it drops, and rules go on without those of a filter that is gone', () => {
    const { clock, a, b } = cabled();
    a.filters.set('older', [{ ...OUT, every: 2 }]);
    a.filters.set('newer', [OUT]);
    send(a, 4);
    expect(a.filters.counts('older')).toEqual({ seen: 4, affected: 2 });
    expect(a.filters.counts('newer')).toEqual({ seen: 2, affected: 2 });
    a.filters.remove('older');
    send(a, 4, 10);
    expect(a.filters.counts('newer')).toEqual({ seen: 6, affected: 6 });
    a.filters.remove('newer');
    send(a, 1, 20);
    clock.advance(1);
    expect(b.received).toEqual([20]);
  });

  it('set again has other rules and counts on', () => {
    const { a } = cabled();
    a.filters.set('p1', [OUT]);
    send(a, 2);
    a.filters.set('p1', [IN]);
    send(a, 2);
    expect(a.filters.counts('p1')).toEqual({ seen: 2, affected: 2 });
    expect(a.filters.ids).toEqual(['p1']);
  });

  it('is met by frames that wait for their delay or their rate', () => {
    const { clock, a, b } = cabled({ delay: 1000, rate: 1e6 });
    send(a, 10);
    clock.advance(3);
    a.filters.set('p1', [OUT]);
    expect(a.filters.counts('p1')).toEqual({ seen: 10, affected: 10 });
    a.filters.remove('p1');
    send(a, 10, 10);
    clock.advance(500);
    a.filters.set('p2', [{ ...OUT, every: 2 }]);
    expect(a.filters.counts('p2')).toEqual({ seen: 10, affected: 5 });
    clock.advance(5000);
    expect(b.received).toEqual([10, 12, 14, 16, 18]);
    b.filters.set('in', [IN]);
    expect(b.filters.counts('in')).toEqual({ seen: 0, affected: 0 });
  });

  it('sees nothing while there is no carrier', () => {
    const { cable, a } = cabled();
    a.filters.set('p1', [OUT]);
    cable.setCarrier(false);
    send(a, 3);
    expect(a.filters.counts('p1')).toEqual({ seen: 0, affected: 0 });
  });

  it('passes the very batch on where it has no rule', () => {
    const clock = new VirtualClock();
    const cable = memoryCable(clock);
    const filters = new FrameFilters();
    const port = filters.port('eth0', new ImpairedPort(cable.a, clock, [1]));
    const batches: (readonly Uint8Array[])[] = [];
    port.attach({ frames: (batch) => batches.push(batch), carrier: () => {} });
    filters.set('p1', [OUT]);
    for (const number of range(3)) cable.b.send(numbered(number));
    clock.settle();
    expect(batches.map((batch) => batch.length)).toEqual([3]);
    expect(filters.counts('p1')).toEqual({ seen: 0, affected: 0 });
  });
});
