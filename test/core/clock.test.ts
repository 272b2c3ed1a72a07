import { expect, test } from 'vitest';
import { Alarm } from '../../shared/core/clock.ts';
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

test('closed, it leaves no timer behind', () => {
  const clock = new VirtualClock();
  const { alarm } = ringing(clock);
  alarm.set(100);
  alarm.close();
  expect(clock.nextDue).toBeUndefined();
});
