// How the congestion window grows and shrinks: CUBIC (RFC 9438), NewReno (RFC 5681), and what both share.

import { describe, expect, test } from 'vitest';
import { Cubic } from '../../../shared/stack/tcp/cubic.ts';
import { HyStart } from '../../../shared/stack/tcp/hystart.ts';
import { NewReno } from '../../../shared/stack/tcp/new-reno.ts';
import { Harness } from './support/harness.ts';
import { MSS, sender } from './support/sender.ts';

const BOTH = [
  ['cubic', () => new Cubic()],
  ['newreno', () => new NewReno()],
] as const;

/** A window of so many segments, of which every one is acknowledged each round trip. */
class Rounds {
  now = 0;

  constructor(
    readonly control: Cubic | NewReno,
    /** ms. */
    readonly roundTrip: number,
  ) {
    control.setMss(MSS);
  }

  get segments(): number {
    return this.control.window / MSS;
  }

  /** Slow start up to a window of `segments`, which is then lost from. */
  loseAt(segments: number): void {
    while (this.segments < segments) this.control.acknowledged(MSS, this.now, this.roundTrip);
    this.control.lost(this.control.window);
  }

  round(): void {
    const { control, now, roundTrip } = this;
    for (let left = control.window; left > 0; left -= MSS) control.acknowledged(MSS, now, roundTrip);
    this.now += roundTrip;
  }

  until(time: number): void {
    while (this.now < time) this.round();
  }
}

describe.each(BOTH)('%s', (name, make) => {
  test('TCP-11: begins with at most 10 segments and doubles in slow start', () => {
    const control = make();
    control.setMss(MSS);
    expect(control.window).toBe(10 * MSS);
    for (let ack = 0; ack < 10; ack++) control.acknowledged(MSS, 0, 10);
    expect(control.window).toBe(20 * MSS);
  });

  test('TCP-11: one ACK of a whole batch counts for all of it, and slow start ends at ssthresh', () => {
    const control = make();
    control.setMss(MSS);
    control.acknowledged(10 * MSS, 0, 10);
    expect(control.window).toBe(20 * MSS);
    control.timedOut(20 * MSS, false);
    control.acknowledged(100 * MSS, 0, 10);
    expect(control.window).toBe(control.threshold);
  });

  test.each([
    [1460, 14_600],
    [1448, 14_480],
    [2000, 14_600],
    [8960, 17_920],
    [536, 5360],
  ])('TCP-11: the initial window for segments of %i is %i bytes (RFC 6928 §2)', (mss, window) => {
    const control = make();
    control.setMss(mss);
    expect(control.window).toBe(window);
  });

  test('TCP-11: a timeout leaves one segment, and ssthresh as for a loss', () => {
    const control = make();
    control.setMss(MSS);
    control.timedOut(10 * MSS, false);
    expect(control.window).toBe(MSS);
    expect(control.threshold).toBe((name === 'cubic' ? 7 : 5) * MSS);
  });

  test('TCP-11: a repeated timeout leaves ssthresh as it is', () => {
    const control = make();
    control.setMss(MSS);
    control.timedOut(10 * MSS, false);
    const { threshold } = control;
    control.timedOut(MSS, true);
    expect(control.threshold).toBe(threshold);
  });

  test('TCP-11: ssthresh is never under two segments', () => {
    const control = make();
    control.setMss(MSS);
    for (let count = 0; count < 10; count++) control.lost(MSS);
    expect(control.threshold).toBe(2 * MSS);
    expect(control.window).toBe(2 * MSS);
  });

  test('TCP-11: a lost SYN means one segment (RFC 6928 §2)', () => {
    const control = make();
    control.setMss(MSS);
    control.startSmall();
    expect(control.window).toBe(MSS);
  });

  test('TCP-11: what turns out to be no loss is taken back, the way it grew as well', () => {
    const lossless = new Rounds(make(), 100);
    const disturbed = new Rounds(make(), 100);
    for (const rounds of [lossless, disturbed]) {
      rounds.loseAt(100);
      rounds.until(1000);
    }
    disturbed.control.lost(disturbed.control.window);
    expect(disturbed.segments).toBeLessThan(lossless.segments);
    disturbed.control.undo();
    expect(disturbed.segments).toBe(lossless.segments);
    for (const rounds of [lossless, disturbed]) rounds.until(5000);
    expect(disturbed.segments).toBeCloseTo(lossless.segments, 9);
    // There is nothing more to take back.
    disturbed.control.undo();
    expect(disturbed.segments).toBeCloseTo(lossless.segments, 9);
  });

  test('TCP-16: is what a connection has that asks for it', () => {
    const net = new Harness({ settings: { congestionControl: name } }).established();
    expect(net.connectionInfo()?.details.congestion).toBe(name);
    const other = new Harness().established();
    other.connection.set({ congestionControl: name });
    expect(other.connectionInfo()?.details.congestion).toBe(name);
  });
});

describe('NewReno', () => {
  test('TCP-11: halves, and adds one segment each round trip', () => {
    const control = new NewReno();
    control.setMss(MSS);
    control.lost(10 * MSS);
    expect(control.threshold).toBe(5 * MSS);
    for (let ack = 0; ack < 5; ack++) control.acknowledged(MSS);
    expect(control.window).toBe(6 * MSS);
  });
});

describe('CUBIC', () => {
  test('TCP-16: is the default', () => {
    const net = new Harness().established();
    expect(net.connectionInfo()?.details.congestion).toBe('cubic');
  });

  test('TCP-16: leaves 0.7 of the window (RFC 9438 §4.6)', () => {
    const rounds = new Rounds(new Cubic(), 100);
    rounds.loseAt(100);
    expect(rounds.segments).toBe(70);
    expect(rounds.control.threshold).toBe(70 * MSS);
  });

  test('TCP-16: returns along W_cubic(t) = 0.4 (t − K)³ + W_max, slower and slower, and goes on faster and faster', () => {
    const rounds = new Rounds(new Cubic(), 100);
    rounds.loseAt(100);
    const k = Math.cbrt((100 * 0.3) / 0.4);
    const seen: number[] = [];
    for (let time = 500; time <= 9000; time += 500) {
      rounds.until(time);
      // One round trip ahead, as the window is to be there by the next; it goes two thirds of the way each time.
      const curve = 0.4 * ((rounds.now + 100) / 1000 - k) ** 3 + 100;
      expect(Math.abs(rounds.segments - curve)).toBeLessThan(5);
      seen.push(rounds.segments);
    }
    const steps = seen.slice(1).map((segments, index) => segments - seen[index]!);
    const flattest = steps.indexOf(Math.min(...steps));
    expect(Math.abs(flattest * 0.5 + 0.75 - k)).toBeLessThan(0.6);
    expect(steps[0]).toBeGreaterThan(4 * steps[flattest]!);
    expect(steps.at(-1)).toBeGreaterThan(4 * steps[flattest]!);
  });

  test('TCP-16: where Reno would be faster it goes along: 0.53 segments a round trip (RFC 9438 §4.3)', () => {
    const rounds = new Rounds(new Cubic(), 10);
    rounds.loseAt(20);
    expect(rounds.segments).toBe(14);
    const alpha = (3 * 0.3) / 1.7;
    for (let round = 1; round <= 10; round++) {
      rounds.round();
      expect(Math.abs(rounds.segments - (14 + alpha * round))).toBeLessThan(0.5);
    }
  });

  test('TCP-16: and once it has the window that it had before, by a whole one', () => {
    const rounds = new Rounds(new Cubic(), 10);
    rounds.loseAt(20);
    while (rounds.segments < 20.5) rounds.round();
    const before = rounds.segments;
    for (let round = 0; round < 5; round++) rounds.round();
    expect(Math.abs(rounds.segments - before - 5)).toBeLessThan(0.6);
  });

  test('TCP-16: a second loss under the last maximum leaves room for others: fast convergence (RFC 9438 §4.7)', () => {
    const rounds = new Rounds(new Cubic(), 400);
    rounds.loseAt(100);
    while (rounds.segments < 80) rounds.round();
    const second = rounds.segments;
    rounds.control.lost(rounds.control.window);
    rounds.now = 0;
    const plateau = (second * 1.7) / 2;
    const k = Math.cbrt((plateau - second * 0.7) / 0.4);
    rounds.until(k * 1000 - 400);
    expect(Math.abs(rounds.segments - plateau)).toBeLessThan(1.5);
    expect(plateau).toBeLessThan(second - 5);
  });

  test('TCP-16: never grows by more than half the window in a round trip (RFC 9438 §4.2)', () => {
    const rounds = new Rounds(new Cubic(), 10_000);
    rounds.loseAt(10);
    for (let round = 0; round < 10; round++) {
      const before = rounds.segments;
      rounds.round();
      expect(rounds.segments / before).toBeLessThan(1.65);
    }
  });
});

describe('HyStart++ (RFC 9406)', () => {
  /** One round trip after the other, each with so many samples of so many ms. */
  class Samples {
    readonly hyStart = new HyStart();
    #sent = 0xffff_ff00;

    round(roundTrip: number, samples = 8): this {
      const next = (this.#sent + 1000) >>> 0;
      for (let count = 0; count < samples; count++) this.hyStart.measured(roundTrip, this.#sent, next);
      this.#sent = next;
      return this;
    }
  }

  test('TCP-16: round trips that grow by an eighth make slow start four times slower, and end it five rounds later', () => {
    const samples = new Samples().round(80).round(89);
    expect(samples.hyStart.growth).toBe(1);
    samples.round(101);
    expect(samples.hyStart.growth).toBe(1 / 4);
    for (let round = 0; round < 4; round++) samples.round(101);
    expect(samples.hyStart.over).toBe(false);
    samples.round(101);
    expect(samples.hyStart.over).toBe(true);
  });

  test.each([
    [10, 13.9, 14],
    [80, 89.9, 90],
    [400, 415.9, 416],
  ])('TCP-16: after rounds of %i ms one of %i is nothing, one of %i is', (before, less, enough) => {
    expect(new Samples().round(before).round(less).hyStart.growth).toBe(1);
    expect(new Samples().round(before).round(enough).hyStart.growth).toBe(1 / 4);
  });

  test('TCP-16: fewer than eight samples prove nothing', () => {
    expect(new Samples().round(80).round(200, 7).hyStart.growth).toBe(1);
  });

  test('TCP-16: a jitter that is over leaves slow start as it was', () => {
    const samples = new Samples().round(80).round(100).round(100);
    expect(samples.hyStart.growth).toBe(1 / 4);
    samples.round(81);
    expect(samples.hyStart.growth).toBe(1);
    for (let round = 0; round < 10; round++) samples.round(81);
    expect(samples.hyStart.over).toBe(false);
  });

  test('TCP-16: CUBIC goes on from there, and after a loss it starts without', () => {
    const control = new Cubic();
    control.setMss(MSS);
    let sent = 0;
    const round = (roundTrip: number) => {
      for (let count = 0; count < 8; count++) control.measured(roundTrip, sent, sent + 1);
      sent++;
    };
    for (const roundTrip of [80, 100]) round(roundTrip);
    control.acknowledged(4 * MSS, 0, 100);
    expect(control.window).toBe(11 * MSS);
    for (let count = 0; count < 5; count++) round(100);
    expect(control.threshold).toBe(11 * MSS);
    control.timedOut(11 * MSS, false);
    control.acknowledged(4 * MSS, 0, 100);
    expect(control.window).toBe(5 * MSS);
  });
});

describe('a window that is not used', () => {
  test('TCP-11: does not grow (RFC 9438 §5.8)', () => {
    const net = sender();
    let acked = 1;
    for (let count = 0; count < 50; count++) {
      net.connection.write(new Uint8Array(MSS));
      acked += MSS;
      net.inject({ seq: 1, ack: acked });
    }
    expect(net.detail('cwnd')).toBe(10 * MSS);
  });

  test('TCP-11: after a pause starts small again (RFC 5681 §4.1)', () => {
    const net = sender();
    net.connection.write(new Uint8Array(60 * MSS));
    let acked = 1;
    while (acked < 60_001) {
      acked += 1000 * net.take().length || 10_000;
      net.hand({ seq: 1, ack: Math.min(acked, 60_001) });
      net.network.handler.endOfBatch?.();
    }
    expect(net.detail('cwnd')).toBeGreaterThan(20 * MSS);
    net.wait(10_000);
    net.connection.write(new Uint8Array(60 * MSS));
    expect(net.take().length).toBe(10);
  });
});
