import { describe, expect, it } from 'vitest';
import { Dice } from '../../shared/cable/dice.ts';
import { JITTER_DICE, type JitterDistribution, jitterFactor } from '../../shared/cable/jitter.ts';

const COUNT = 100_000;

function factors(distribution: JitterDistribution, seed = 1, count = COUNT): number[] {
  const dice = new Dice([seed, 'router:wan'], Object.keys(JITTER_DICE) as (keyof typeof JITTER_DICE)[]);
  return Array.from({ length: count }, () => jitterFactor(distribution, dice.next('packet')));
}

function moments(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance) };
}

/** Bounds and standard deviation of what the jitter is multiplied by. */
const DISTRIBUTIONS: readonly [JitterDistribution, number, number, number][] = [
  ['uniform', -1, 1, 1 / Math.sqrt(3)],
  ['normal', -4, 4, 1],
  // Of a Pareto of shape 3, cut off at 4.5: a variance of 1 + 2(1 - 1/4.5) - (1.5 - 1/40.5)^2, times (4/3)^2.
  ['pareto', -2 / 3, 4, 0.821],
  ['paretonormal', -1.5, 4, 0.6645],
];

describe.each(DISTRIBUTIONS)('a jitter that is %s', (distribution, lowest, highest, deviation) => {
  it('stays within its bounds and has its mean and deviation', () => {
    const values = factors(distribution);
    expect(Math.min(...values.slice(0, 50_000))).toBeGreaterThanOrEqual(lowest);
    expect(Math.max(...values.slice(0, 50_000))).toBeLessThanOrEqual(highest);
    const found = moments(values);
    // What is cut off at 4 takes a little from the mean of those with a long tail.
    expect(found.mean).toBeGreaterThan(-0.045);
    expect(found.mean).toBeLessThan(0.012);
    expect(Math.abs(found.deviation - deviation)).toBeLessThan(0.015);
  });

  it('is the same for the same seed only', () => {
    const values = factors(distribution, 1, 1000);
    expect(factors(distribution, 1, 1000)).toEqual(values);
    expect(factors(distribution, 2, 1000)).not.toEqual(values);
  });
});

it('has two thirds of a normal one within its deviation, and a long tail on one side of a Pareto one', () => {
  const near = factors('normal').filter((value) => Math.abs(value) < 1).length / COUNT;
  expect(near).toBeGreaterThan(0.67);
  expect(near).toBeLessThan(0.7);
  const pareto = factors('pareto');
  expect(pareto.filter((value) => value < 0).length / COUNT).toBeGreaterThan(0.65);
  expect(pareto.filter((value) => value > 2).length / COUNT).toBeGreaterThan(0.02);
});
