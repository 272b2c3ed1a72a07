import { describe, expect, it } from 'vitest';
import { ImpairedPort, type LinkImpairment } from '../../shared/cable/impairment.ts';
import { ETHERTYPE_ARP } from '../../shared/wire/ethernet.ts';
import { isLikely, numbered, numberOf, range, SinkPort } from '../support/sink-port.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

function impaired(impairment: LinkImpairment, seed = 1) {
  const clock = new VirtualClock();
  const sink = new SinkPort(clock);
  const port = new ImpairedPort(sink, clock, [seed, 'router:wan'], impairment);
  return { clock, sink, port };
}

/** Sends frames 0 to `count` - 1, one each `interval` ms, and lets all arrive. */
function run(impairment: LinkImpairment, count: number, interval = 1, seed = 1) {
  const { clock, sink, port } = impaired(impairment, seed);
  for (let number = 0; number < count; number++) {
    port.send(numbered(number));
    clock.advance(interval);
  }
  clock.advance(60_000);
  return { sink, counters: port.counters.snapshot() };
}

describe('a perfect cable', () => {
  it('passes the very frame on at once and sets no timer', () => {
    const { clock, sink, port } = impaired({});
    const frame = numbered(1);
    port.send(frame);
    expect(sink.sent[0]?.frame).toBe(frame);
    expect(clock.nextDue).toBeUndefined();
    expect(port.counters.snapshot()).toEqual({});
  });
});

describe('delay and jitter', () => {
  it('hold each frame back, and those that are due together leave together', () => {
    const { clock, sink, port } = impaired({ delay: 8 });
    port.send(numbered(0));
    clock.advance(2);
    port.send(numbered(1));
    port.send(numbered(2));
    clock.advance(100);
    expect(sink.numbers).toEqual([0, 1, 2]);
    expect(sink.times).toEqual([8, 10, 10]);
    expect(port.counters.get('impairment.delay')).toBe(3);
  });

  it('hold 64 MiB at most, however long the delay; what comes later finds room when some have arrived', () => {
    const { clock, sink, port } = impaired({ delay: 3_600_000 });
    const room = Math.floor((64 * 1024 * 1024) / (9000 + 128));
    for (let number = 0; number < room + 500; number++) port.send(numbered(number, 9000));
    expect(port.counters.get('impairment.delay')).toBe(room);
    expect(port.counters.get('impairment.limit')).toBe(500);
    clock.advance(3_600_000);
    expect(sink.sent).toHaveLength(room);
    port.send(numbered(room));
    port.discard(() => true);
    for (let number = 0; number < room; number++) port.send(numbered(number, 9000));
    expect(port.counters.get('impairment.limit')).toBe(500);
  });

  it('vary the delay within its bounds and never reorder by themselves', () => {
    const { clock, sink, port } = impaired({ delay: 50, jitter: 40 });
    for (const number of range(1000)) {
      port.send(numbered(number));
      clock.advance(0.3);
    }
    clock.advance(1000);
    expect(sink.numbers).toEqual(range(1000));
    const waits = sink.times.map((at, number) => at - number * 0.3);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(9);
    expect(Math.max(...waits)).toBeLessThanOrEqual(90.5);
  });

  it('spread alone over both sides where frames are far apart', () => {
    const { sink } = run({ delay: 50, jitter: 40 }, 500, 100);
    const waits = sink.times.map((at, number) => at - number * 100);
    expect(waits.filter((wait) => wait < 30).length).toBeGreaterThan(80);
    expect(waits.filter((wait) => wait > 70).length).toBeGreaterThan(80);
  });

  it('keep their own copy of a frame that waits', () => {
    const { clock, sink, port } = impaired({ delay: 8 });
    const frame = numbered(5);
    port.send(frame);
    frame.fill(0);
    clock.advance(10);
    expect(sink.numbers).toEqual([5]);
  });
});

describe('loss, duplicate, corrupt', () => {
  const COUNT = 20_000;

  it.each([0.001, 0.1, 0.5])('hit the share %d of frames', (share) => {
    const lost = run({ loss: share }, COUNT, 0);
    expect(isLikely(1 - lost.sink.sent.length / COUNT, COUNT, share)).toBe(true);
    expect(lost.counters['impairment.loss']).toBe(COUNT - lost.sink.sent.length);
    const doubled = run({ duplicate: share }, COUNT, 0);
    expect(isLikely(doubled.sink.sent.length / COUNT - 1, COUNT, share)).toBe(true);
    expect(doubled.counters['impairment.duplicate']).toBe(doubled.sink.sent.length - COUNT);
  });

  it('lose every frame at 1 and none at 0', () => {
    expect(run({ loss: 1 }, 100).sink.sent).toHaveLength(0);
    expect(run({ loss: 0, delay: 1 }, 100).sink.sent).toHaveLength(100);
  });

  it('send a duplicate right behind the frame', () => {
    expect(run({ duplicate: 1 }, 3).sink.numbers).toEqual([0, 0, 1, 1, 2, 2]);
    expect(run({ duplicate: 1, delay: 5 }, 3, 0).sink.numbers).toEqual([0, 0, 1, 1, 2, 2]);
  });

  it('flip one bit of a copy, not always the same', () => {
    const { sink, port } = impaired({ corrupt: 1 });
    const bits = new Set<number>();
    for (const _ of range(200)) {
      const frame = new Uint8Array(125);
      port.send(frame);
      expect(frame.every((byte) => byte === 0)).toBe(true);
      const flipped = sink.sent.at(-1)?.frame ?? frame;
      const changed = [...flipped]
        .map((byte, index) => [byte, index] as const)
        .filter(([byte]) => byte !== 0);
      expect(changed).toHaveLength(1);
      expect([1, 2, 4, 8, 16, 32, 64, 128]).toContain(changed[0]?.[0]);
      bits.add((changed[0]?.[1] ?? 0) * 256 + (changed[0]?.[0] ?? 0));
    }
    expect(bits.size).toBeGreaterThan(150);
  });
});

describe('dice', () => {
  it('show the same for the same seed and frame, and other things for another seed', () => {
    const wild = { loss: 0.2, duplicate: 0.2, corrupt: 0.2, delay: 20, jitter: 10, reorder: 0.1 };
    expect(run(wild, 500).sink.sent).toEqual(run(wild, 500).sink.sent);
    expect(run(wild, 500).sink.numbers).not.toEqual(run(wild, 500, 1, 2).sink.numbers);
  });

  it('for one cause do not hang on what else is set', () => {
    const alone = new Set(run({ loss: 0.3 }, 2000, 0).sink.numbers);
    const among = new Set(
      run({ loss: 0.3, corrupt: 0, delay: 30, jitter: 20, reorder: 0.4, rate: 1e9 }, 2000, 0).sink.numbers,
    );
    expect(among).toEqual(alone);
  });

  it('for one cause do not hang on each other', () => {
    const { sink } = run({ loss: 0.5 }, 4000, 0);
    const survivors = new Set(sink.numbers);
    const doubled = run({ duplicate: 0.5 }, 4000, 0).sink.numbers;
    const both = doubled.filter((number, index) => number === doubled[index + 1] && survivors.has(number));
    expect(isLikely(both.length / 4000, 4000, 0.25)).toBe(true);
  });
});

describe('dice of a value that is set while frames come', () => {
  const BEGUN = 1_000;

  /** Which of 500 packets arrive that come after `before` others and a loss of 30%. */
  function survivors(before: number, seed = 1, more: LinkImpairment = {}): number[] {
    const { sink, port } = impaired({}, seed);
    for (const number of range(before)) port.send(numbered(number));
    port.set({ loss: 0.3 });
    for (const number of range(250)) port.send(numbered(BEGUN + number));
    port.set({ loss: 0.3, ...more });
    for (const number of range(250)) port.send(numbered(BEGUN + 250 + number));
    return sink.numbers.filter((number) => number >= BEGUN);
  }

  it('do not hang on how much came before, which time decides, nor on what else is set', () => {
    expect(survivors(77)).toEqual(survivors(0));
    expect(survivors(77, 1, { duplicate: 0, reorder: 0.5, limit: 5 })).toEqual(survivors(0));
    expect(survivors(0, 2)).not.toEqual(survivors(0));
  });

  it('are others each time, so that two faults are not alike', () => {
    const { sink, port } = impaired({});
    for (const first of [0, BEGUN]) {
      port.set({ loss: 0.3 });
      for (const number of range(500)) port.send(numbered(first + number));
      port.set({});
    }
    const [once, twice] = [0, BEGUN].map((first) =>
      sink.numbers.filter((number) => number >= first && number < first + BEGUN).map((n) => n - first),
    );
    expect(once).toEqual(survivors(0).map((number) => number - BEGUN));
    expect(twice).not.toEqual(once);
  });

  it('are for packets apart from ARP, which time has a device ask', () => {
    const { sink, port } = impaired({ loss: 0.3 });
    const ARP = 10_000;
    for (const number of range(2000)) {
      if (number % 7 === 0) port.send(numbered(ARP + number, 60, ETHERTYPE_ARP));
      port.send(numbered(number));
    }
    expect(sink.numbers.filter((number) => number < ARP)).toEqual(run({ loss: 0.3 }, 2000, 0).sink.numbers);
    const asked = Math.ceil(2000 / 7);
    const answered = sink.numbers.filter((number) => number >= ARP).length;
    expect(isLikely(1 - answered / asked, asked, 0.3)).toBe(true);
  });
});

describe('reorder', () => {
  it('lets its share of frames skip the delay and overtake', () => {
    const { sink, counters } = run({ delay: 10, reorder: 0.25 }, 4000);
    const early = sink.sent.filter(({ at, frame }) => at === numberOf(frame));
    expect(isLikely(early.length / 4000, 4000, 0.25)).toBe(true);
    expect(counters['impairment.reorder']).toBe(early.length);
    expect(counters['impairment.delay']).toBe(4000 - early.length);
    expect([...sink.numbers].sort((a, b) => a - b)).toEqual(range(4000));
    expect(sink.numbers).not.toEqual(range(4000));
  });

  it('has nothing to overtake without a delay', () => {
    expect(run({ reorder: 1 }, 50).sink.numbers).toEqual(range(50));
  });
});

describe('rate', () => {
  it('spaces frames by their bytes: 125 bytes at 100 kbit/s take 10 ms', () => {
    const { clock, sink, port } = impaired({ rate: 100_000 });
    for (const number of range(5)) port.send(numbered(number));
    clock.advance(1000);
    expect(sink.times).toEqual([10, 20, 30, 40, 50]);
    port.send(numbered(5));
    clock.advance(1000);
    expect(sink.times.at(-1)).toBe(1010);
  });

  it('holds over many frames, with few timers', () => {
    const { clock, sink, port } = impaired({ rate: 100e6, limit: 5000 });
    for (const number of range(5000)) port.send(numbered(number, 1250));
    let steps = 0;
    while (clock.step()) steps++;
    expect(sink.numbers).toEqual(range(5000));
    // 6.25 MB at 100 Mbit/s
    expect(sink.times.at(-1)).toBeGreaterThan(499);
    expect(sink.times.at(-1)).toBeLessThanOrEqual(500);
    expect(steps).toBeLessThanOrEqual(1001);
  });

  it('drops from the tail when more than `limit` frames wait, not counting those in delay', () => {
    const { clock, sink, port } = impaired({ rate: 100_000, limit: 3, delay: 1000 });
    for (const number of range(5)) port.send(numbered(number));
    clock.advance(30);
    for (const number of range(5)) port.send(numbered(10 + number));
    clock.advance(5000);
    expect(sink.numbers).toEqual([0, 1, 2, 10, 11, 12]);
    expect(port.counters.get('impairment.limit')).toBe(4);
    expect(sink.times).toEqual([1010, 1020, 1030, 1040, 1050, 1060]);
  });

  it('lets 1,000 frames wait unless told', () => {
    const { port } = impaired({ rate: 1000 });
    for (const number of range(1500)) port.send(numbered(number));
    expect(port.counters.get('impairment.limit')).toBe(500);
  });
});

describe('a change while frames are on their way', () => {
  it('times them anew', () => {
    const { clock, sink, port } = impaired({ delay: 1000 });
    port.send(numbered(0));
    clock.advance(100);
    port.set({ delay: 200 });
    clock.advance(99);
    expect(sink.sent).toEqual([]);
    clock.advance(1);
    expect(sink.times).toEqual([200]);

    port.send(numbered(1));
    port.set({});
    expect(sink.numbers).toEqual([0, 1]);
  });

  it('lets those that wait for rate go when there is none any more, in order', () => {
    const { clock, sink, port } = impaired({ rate: 1000, delay: 5 });
    for (const number of range(10)) port.send(numbered(number));
    port.set({ delay: 5 });
    port.send(numbered(10));
    clock.advance(5);
    expect(sink.numbers).toEqual(range(11));
  });

  it('meets them with the new loss and corruption', () => {
    const { clock, sink, port } = impaired({ delay: 1000 });
    for (const number of range(200)) port.send(numbered(number));
    port.set({ delay: 1000, loss: 0.5 });
    clock.advance(1000);
    const { sink: fromTheStart } = run({ loss: 0.5 }, 200);
    expect(sink.numbers).toEqual(fromTheStart.numbers);

    port.set({ delay: 1000 });
    port.send(new Uint8Array(60));
    port.set({ delay: 1000, corrupt: 1 });
    port.set({ delay: 1000, corrupt: 1, jitter: 1 });
    clock.advance(2000);
    expect(sink.sent.at(-1)?.frame.filter((byte) => byte !== 0)).toHaveLength(1);
    expect(port.counters.get('impairment.corrupt')).toBe(1);
  });
});

describe('a change while frames are on their way: what else it does', () => {
  it('duplicates those that it would have, each once however often it is set', () => {
    const { clock, sink, port } = impaired({ delay: 1000 });
    for (const number of range(200)) port.send(numbered(number));
    for (const duplicate of [0.5, 0, 0.5, 0.5]) port.set({ delay: 1000, duplicate });
    clock.advance(1000);
    expect(sink.numbers).toEqual(run({ duplicate: 0.5 }, 200).sink.numbers);
    expect(port.counters.get('impairment.duplicate')).toBe(sink.sent.length - 200);
  });

  it('flips no bit back', () => {
    const { clock, sink, port } = impaired({ delay: 1000, corrupt: 1 });
    port.send(new Uint8Array(60));
    port.set({ delay: 1000 });
    port.set({ delay: 1000, corrupt: 1 });
    clock.advance(1000);
    expect(sink.sent[0]?.frame.filter((byte) => byte !== 0)).toHaveLength(1);
  });

  it('lets those overtake that now may', () => {
    const { clock, sink, port } = impaired({ delay: 1000 });
    for (const number of range(100)) port.send(numbered(number));
    clock.advance(10);
    port.set({ delay: 1000, reorder: 0.3 });
    expect(sink.times.every((at) => at === 10)).toBe(true);
    expect(port.counters.get('impairment.reorder')).toBe(sink.sent.length);
    expect(sink.sent.length).toBeGreaterThan(10);
    clock.advance(990);
    expect([...sink.numbers].sort((a, b) => a - b)).toEqual(range(100));
  });

  it('drops those beyond a new limit from the tail', () => {
    const { clock, sink, port } = impaired({ rate: 100_000 });
    for (const number of range(10)) port.send(numbered(number));
    port.set({ rate: 100_000, limit: 4 });
    expect(port.counters.get('impairment.limit')).toBe(6);
    clock.advance(1000);
    expect(sink.numbers).toEqual([0, 1, 2, 3]);
  });

  it('goes on with the frame that is just leaving, at the new rate for what is left of it', () => {
    const { clock, sink, port } = impaired({ rate: 100_000 });
    port.send(numbered(0));
    port.send(numbered(1));
    clock.advance(6);
    port.set({ rate: 100_000, loss: 0 });
    clock.advance(2);
    port.set({ rate: 50_000 });
    clock.advance(1000);
    // 10 ms each: 2 ms of the first are left after 8, which now take 4.
    expect(sink.times).toEqual([12, 32]);
  });

  it('takes out what a filter wants', () => {
    const { clock, sink, port } = impaired({ delay: 1000, rate: 1e6 });
    for (const number of range(10)) port.send(numbered(number), number % 2 === 1);
    clock.advance(5);
    port.discard((frame, forwarded) => forwarded && numberOf(frame) > 2);
    clock.advance(2000);
    expect(sink.numbers).toEqual([0, 1, 2, 4, 6, 8]);
  });
});

describe('frames that are seen', () => {
  it('are those that were sent while there was carrier, and only they count for the dice', () => {
    const { sink, port } = impaired({ loss: 0.5 });
    sink.carrier = false;
    for (const number of range(33)) port.send(numbered(number));
    expect([port.seen, sink.dropped, port.counters.snapshot()]).toEqual([0, 33, {}]);
    sink.carrier = true;
    for (const number of range(200)) port.send(numbered(number));
    expect(port.seen).toBe(200);
    expect(sink.numbers).toEqual(run({ loss: 0.5 }, 200).sink.numbers);
  });
});

describe('delay, jitter, rate and loss together', () => {
  it('each do what they do alone', () => {
    const bad = { delay: 50, jitter: 10, rate: 1e6, loss: 0.1, distribution: 'normal' } as const;
    const { sink, counters } = run(bad, 5000, 2);
    expect(isLikely(1 - sink.sent.length / 5000, 5000, 0.1)).toBe(true);
    expect(counters).toMatchObject({
      'impairment.rate': sink.sent.length,
      'impairment.delay': sink.sent.length,
    });
    const waits = sink.sent.map(({ at, frame }) => at - numberOf(frame) * 2 - 1);
    const mean = waits.reduce((sum, wait) => sum + wait, 0) / waits.length;
    // Who may not overtake waits for those before it.
    expect(mean).toBeGreaterThan(50);
    expect(mean).toBeLessThan(72);
    expect(sink.numbers).toEqual([...sink.numbers].sort((a, b) => a - b));
  });

  it('measure as 50 ms ± jitter where frames are further apart than the jitter', () => {
    const { sink } = run({ delay: 50, jitter: 5, distribution: 'normal' }, 2000, 100);
    const waits = sink.times.map((at, number) => at - number * 100);
    const mean = waits.reduce((sum, wait) => sum + wait, 0) / waits.length;
    const deviation = Math.sqrt(waits.reduce((sum, wait) => sum + (wait - mean) ** 2, 0) / waits.length);
    expect(Math.abs(mean - 50)).toBeLessThan(0.6);
    expect(Math.abs(deviation - 5)).toBeLessThan(0.5);
  });
});

describe('carrier', () => {
  it('is that of the cable, and nothing is on its way without it', () => {
    const { clock, sink, port } = impaired({ delay: 10 });
    const carriers: boolean[] = [];
    port.attach({ frames: () => {}, carrier: (up) => carriers.push(up) });
    port.send(numbered(0));
    sink.carrier = false;
    sink.receiver?.carrier(false);
    clock.advance(100);
    expect(sink.sent).toEqual([]);
    expect(sink.dropped).toBe(1);
    expect([port.carrier, carriers]).toEqual([false, [false]]);
    sink.carrier = true;
    sink.receiver?.carrier(true);
    port.send(numbered(1));
    clock.advance(10);
    expect(sink.numbers).toEqual([1]);
  });
});
