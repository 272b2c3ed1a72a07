// How far a frame's delay is from the mean: netem's distributions, from dice.

import { type Die, die } from './dice.ts';

export type JitterDistribution = 'uniform' | 'normal' | 'pareto' | 'paretonormal';

/** netem's tables end at four times the jitter. */
const FARTHEST = 4;

export class Jitter {
  readonly #spread: Die;
  readonly #angle: Die;
  readonly #tail: Die;

  constructor(seed: readonly (string | number)[]) {
    this.#spread = die(seed, 'jitter');
    this.#angle = die(seed, 'jitter angle');
    this.#tail = die(seed, 'jitter tail');
  }

  /**
   * What the jitter is multiplied by for a frame: within -1 and 1 where it is uniform, else of mean 0 and at
   * most 4, so that the jitter is about the standard deviation.
   */
  factor(distribution: JitterDistribution, number: number): number {
    switch (distribution) {
      case 'uniform':
        return 2 * this.#spread.show(number) - 1;
      case 'normal':
        return this.#normal(number);
      case 'pareto':
        return this.#pareto(number);
      case 'paretonormal':
        return 0.25 * this.#normal(number) + 0.75 * this.#pareto(number);
    }
  }

  /** Box and Muller's method. */
  #normal(number: number): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.#spread.show(number)));
    const value = radius * Math.cos(2 * Math.PI * this.#angle.show(number));
    return Math.min(Math.max(value, -FARTHEST), FARTHEST);
  }

  /** Of shape 3, moved to a mean of 0, and stretched as netem's table is. */
  #pareto(number: number): number {
    const value = (1 - this.#tail.show(number)) ** (-1 / 3);
    return Math.min((value - 1.5) * (4 / 3), FARTHEST);
  }
}
