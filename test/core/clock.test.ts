import { describe, expect, test } from 'vitest';
import { Alarm, type Clock } from '../../shared/core/clock.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

function ringing(clock: VirtualClock): { alarm: Alarm; rings: number[] } {
  const rings: number[] = [];
  return { alarm: new Alarm(clock, () => rings.push(clock.now())), rings };
}

test('an alarm goes off once, when it is due', () => {
  const clock = new VirtualClock();
  const { alarm, rings } = ringing(clock);
  alarm.set(100);
  clock.advance(99);
  expect(rings).toEqual([]);
  clock.advance(1000);
  expect(rings).toEqual([100]);
  expect(alarm.deadline).toBeUndefined();
});

test('set again, only the last deadline counts, earlier or later', () => {
  const clock = new VirtualClock();
  const { alarm, rings } = ringing(clock);
  alarm.set(100);
  alarm.set(300);
  clock.advance(250);
  expect(rings).toEqual([]);
  alarm.set(10);
  clock.advance(1000);
  expect(rings).toEqual([260]);
});

test('cleared, it is silent, and can be set anew', () => {
  const clock = new VirtualClock();
  const { alarm, rings } = ringing(clock);
  alarm.set(100);
  alarm.clear();
  clock.advance(500);
  expect(rings).toEqual([]);
  alarm.set(5);
  clock.advance(5);
  expect(rings).toEqual([505]);
});

describe('of a process that stood still', () => {
  /** A clock whose time goes on without its timers. */
  function stoppedClock() {
    let time = 0;
    let pending: (() => void)[] = [];
    const clock: Clock = {
      now: () => time,
      after(_delay, callback) {
        pending.push(callback);
        return { cancel() {} };
      },
      afterTurn() {},
      afterReads() {},
    };
    const ring = (now: number): void => {
      time = now;
      const due = pending;
      pending = [];
      for (const callback of due) callback();
    };
    return { clock, ring };
  }

  test('an alarm that is late lets what came meanwhile be read, and goes off if that was not what it waited for', () => {
    const { clock, ring } = stoppedClock();
    let rings = 0;
    const alarm = new Alarm(clock, () => rings++);
    alarm.set(100);
    ring(5000);
    expect(rings).toBe(0);
    ring(5001);
    expect(rings).toBe(1);
    // The next is late as well, and waits as well.
    alarm.set(100);
    ring(9000);
    expect(rings).toBe(1);
    ring(9001);
    expect(rings).toBe(2);
  });

  test('what was read then may set it anew, or clear it', () => {
    const { clock, ring } = stoppedClock();
    let rings = 0;
    const alarm = new Alarm(clock, () => rings++);
    alarm.set(100);
    ring(5000);
    alarm.set(100);
    ring(5001);
    expect(rings).toBe(0);
    ring(5100);
    expect(rings).toBe(1);
    alarm.set(100);
    ring(9000);
    alarm.clear();
    ring(9001);
    expect(rings).toBe(1);
  });

  test('one that is a little late goes off at once', () => {
    const { clock, ring } = stoppedClock();
    let rings = 0;
    new Alarm(clock, () => rings++).set(100);
    ring(109);
    expect(rings).toBe(1);
  });
});

test('closed, it leaves no timer behind', () => {
  const clock = new VirtualClock();
  const { alarm } = ringing(clock);
  alarm.set(100);
  alarm.close();
  expect(clock.nextDue).toBeUndefined();
});
