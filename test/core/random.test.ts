import { expect, test } from 'vitest';
import { seededRandom, seedOf } from '../../shared/core/random.ts';

test('the same labels give the same sequence, others another', () => {
  const draw = (...labels: (string | number)[]) => Array.from({ length: 8 }, seededRandom(...labels).uint32);
  expect(draw(1, 'laptop', 0)).toEqual(draw(1, 'laptop', 0));
  expect(draw(1, 'laptop', 0)).not.toEqual(draw(1, 'laptop', 1));
  expect(draw(1, 'laptop', 0)).not.toEqual(draw(2, 'laptop', 0));
  expect(seedOf('ab', 'c')).not.toBe(seedOf('a', 'bc'));
});

test('integers cover their range evenly, both bounds included', () => {
  const random = seededRandom('dice');
  const counts = new Map<number, number>();
  for (let roll = 0; roll < 60_000; roll++) {
    const face = random.integer(1, 6);
    counts.set(face, (counts.get(face) ?? 0) + 1);
  }
  expect([...counts.keys()].sort()).toEqual([1, 2, 3, 4, 5, 6]);
  // Five standard deviations of a binomial with n = 60,000 and p = 1/6.
  for (const count of counts.values()) expect(Math.abs(count - 10_000)).toBeLessThan(5 * 91.3);
});
