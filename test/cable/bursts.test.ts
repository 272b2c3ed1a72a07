// Loss in bursts, by the model of Gilbert and Elliott.

import { describe, expect, it } from 'vitest';
import { ImpairedPort, type LinkImpairment } from '../../shared/cable/impairment.ts';
import { ETHERTYPE_ARP } from '../../shared/wire/ethernet.ts';
import { isLikely, numbered, range, SinkPort } from '../support/sink-port.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const COUNT = 100_000;
const BURSTS = { p: 0.01, r: 0.2, bad: 1, good: 0 } as const;

function impaired(impairment: LinkImpairment, seed = 1) {
  const clock = new VirtualClock();
  const sink = new SinkPort(clock);
  return { clock, sink, port: new ImpairedPort(sink, clock, [seed, 'isp:home'], impairment) };
}

/** Sends frames 0 to `count` - 1 at once; which of them were lost. */
function lost(impairment: LinkImpairment, count = COUNT, seed = 1): boolean[] {
  const { clock, sink, port } = impaired(impairment, seed);
  for (const number of range(count)) port.send(numbered(number, 60));
  clock.advance(100_000);
  const arrived = new Set(sink.numbers);
  return range(count).map((number) => !arrived.has(number));
}

/** Lengths of the runs of lost frames. */
function bursts(frames: readonly boolean[]): number[] {
  const lengths: number[] = [];
  frames.forEach((isLost, index) => {
    if (!isLost) return;
    if (index > 0 && frames[index - 1]) lengths[lengths.length - 1]!++;
    else lengths.push(1);
  });
  return lengths;
}

const share = (frames: readonly boolean[]) => frames.filter((isLost) => isLost).length / frames.length;

describe('gemodel', () => {
  it('loses its share in bursts whose lengths are geometric with mean 1/r', () => {
    const frames = lost({ gemodel: BURSTS });
    // In the bad state for p / (p + r) of the time; bursts make the share vary more than single losses do.
    const expected = BURSTS.p / (BURSTS.p + BURSTS.r);
    const inflation = (2 - BURSTS.p - BURSTS.r) / (BURSTS.p + BURSTS.r);
    const bound = 5 * Math.sqrt((expected * (1 - expected) * inflation) / COUNT);
    expect(Math.abs(share(frames) - expected)).toBeLessThan(bound);

    const lengths = bursts(frames);
    const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
    const deviation = Math.sqrt(1 - BURSTS.r) / BURSTS.r;
    expect(Math.abs(mean - 1 / BURSTS.r)).toBeLessThan((5 * deviation) / Math.sqrt(lengths.length));
    expect(
      isLikely(lengths.filter((length) => length === 1).length / lengths.length, lengths.length, 0.2),
    ).toBe(true);
  });

  it('loses a share in each state, by a die of its own', () => {
    expect(isLikely(share(lost({ gemodel: { p: 0, r: 0, bad: 1, good: 0.05 } })), COUNT, 0.05)).toBe(true);
    const always = { p: 1, r: 0, bad: 0.6, good: 0 };
    expect(isLikely(share(lost({ gemodel: always })), COUNT, 0.6)).toBe(true);
    // In turns, beginning with the good state.
    expect(lost({ gemodel: { p: 1, r: 1, bad: 1, good: 0 } }, 6)).toEqual([
      false,
      true,
      false,
      true,
      false,
      true,
    ]);
  });

  it('counts what it takes as loss', () => {
    const { port } = impaired({ gemodel: BURSTS });
    for (const number of range(5000)) port.send(numbered(number));
    const frames = lost({ gemodel: BURSTS }, 5000);
    expect(port.counters.get('impairment.loss')).toBe(frames.filter((isLost) => isLost).length);
  });

  it('loses the same frames for the same seed, whatever else is set, and others for another', () => {
    const alone = lost({ gemodel: BURSTS }, 3000);
    expect(lost({ gemodel: BURSTS }, 3000)).toEqual(alone);
    const among = { gemodel: BURSTS, delay: 5, jitter: 4, rate: 1e9, limit: 5000, reorder: 0.5 };
    expect(lost(among, 3000)).toEqual(alone);
    expect(lost({ gemodel: BURSTS }, 3000, 2)).not.toEqual(alone);
  });

  it('takes a frame and its duplicate in one state', () => {
    const { sink, port } = impaired({ gemodel: BURSTS, duplicate: 1 });
    for (const number of range(3000)) port.send(numbered(number));
    const twice = lost({ gemodel: BURSTS }, 3000).flatMap((isLost, number) =>
      isLost ? [] : [number, number],
    );
    expect(sink.numbers).toEqual(twice);
  });

  it('begins anew when it is set, by the number of packets since then, and not when something else is', () => {
    /** Frames that arrive of those that come after the model was set. */
    const survivors = (before: number, between: LinkImpairment) => {
      const { sink, port } = impaired({});
      for (const number of range(before)) port.send(numbered(number));
      port.set({ gemodel: BURSTS });
      for (const number of range(1000)) port.send(numbered(10_000 + number));
      port.set(between);
      for (const number of range(1000)) port.send(numbered(11_000 + number));
      return sink.numbers.filter((number) => number >= 10_000);
    };
    const unchanged = survivors(777, { gemodel: BURSTS });
    expect(unchanged.length).toBeLessThan(1990);
    expect(survivors(123, { gemodel: { ...BURSTS }, duplicate: 0 })).toEqual(unchanged);
    expect(survivors(777, { gemodel: { ...BURSTS, r: 0.21 } })).not.toEqual(unchanged);
  });

  it('goes on with packets alone: ARP on the way moves nothing', () => {
    const { sink, port } = impaired({ gemodel: BURSTS });
    for (const number of range(3000)) {
      port.send(numbered(number));
      if (number % 3 === 0) port.send(numbered(100_000 + number, 60, ETHERTYPE_ARP));
    }
    const alone = lost({ gemodel: BURSTS }, 3000);
    expect(sink.numbers.filter((number) => number < 100_000)).toEqual(
      range(3000).filter((number) => !alone[number]),
    );
    // It meets the state that the link is in all the same.
    const arp = sink.numbers.filter((number) => number >= 100_000);
    expect(arp.length).toBeLessThan(1000);
    expect(arp.length).toBeGreaterThan(700);
  });

  it('meets frames on their way too, which change nothing for those to come', () => {
    const model = { ...BURSTS, p: 0.1 };
    const later = (onTheWay: number) => {
      const { clock, sink, port } = impaired({ delay: 100 });
      for (const number of range(onTheWay)) port.send(numbered(number));
      port.set({ delay: 100, gemodel: model });
      const taken = port.counters.get('impairment.loss');
      for (const number of range(500)) port.send(numbered(1000 + number));
      clock.advance(1000);
      return { taken, survivors: sink.numbers.filter((number) => number >= 1000) };
    };
    const { taken, survivors } = later(500);
    expect(taken).toBeGreaterThan(50);
    expect(taken).toBeLessThan(400);
    expect(later(0)).toEqual({ taken: 0, survivors });
  });
});
