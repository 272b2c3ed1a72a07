// Loss in bursts: the model of Gilbert and Elliott, as netem's `loss gemodel` has it. A link is in a good or
// a bad state, each with a loss of its own, and may change after each frame.

import type { Die } from './dice.ts';

/** All probabilities from 0 to 1, each taken once a frame. */
export interface GilbertElliottParameters {
  /** Of going from the good state, in which it starts, to the bad one. */
  readonly p: number;
  /** Of going back. */
  readonly r: number;
  /** Of losing a frame in the bad state: netem's 1-h. */
  readonly bad: number;
  /** Of losing a frame in the good state: netem's 1-k. */
  readonly good: number;
}

export function sameParameters(
  a: GilbertElliottParameters | undefined,
  b: GilbertElliottParameters | undefined,
): boolean {
  return a === b || (!!a && !!b && a.p === b.p && a.r === b.r && a.bad === b.bad && a.good === b.good);
}

/**
 * One run of the chain. The state that the nth frame meets hangs on the die and n alone, n counted from when
 * the model was set.
 */
export class GilbertElliott {
  #isBad = false;
  #frames = 0;

  constructor(
    private readonly parameters: GilbertElliottParameters,
    private readonly die: Die,
  ) {}

  /** The probability of loss in the state that the link is in. */
  get loss(): number {
    return this.#isBad ? this.parameters.bad : this.parameters.good;
  }

  /** The probability of loss that the next frame meets. */
  next(): number {
    const { p, r } = this.parameters;
    const { loss } = this;
    if (this.die.show(this.#frames++) < (this.#isBad ? r : p)) this.#isBad = !this.#isBad;
    return loss;
  }
}
